"""Filters as PostgreSQL reads them. Pure.

`condition_sql` says as much of a condition as SQL can say; whatever it leaves over,
`filters.holds` decides, so it may let too much through and never too little. A value that JSONB
cannot hold has no *document* and passes.
"""

import json
from collections.abc import Sequence
from typing import Any

from longterm.stores.filters import (
    EVERYTHING,
    Compare,
    Condition,
    Either,
    Equals,
    Every,
    Exists,
    Field,
    Sql,
)

__all__ = ["condition_sql"]

#: Beyond it an integer and the float next to it are equal to Python and not to PostgreSQL.
_EXACT = 2**53
_MOST_PARAMETERS = 500
_DEEPEST = 50


def condition_sql(condition: Condition) -> Sql:
    """SQL over a row of `items i` that lets every item through that *condition* means."""
    said = None if condition == EVERYTHING else _said(condition, (), 0)
    if said is None or len(said.parameters) > _MOST_PARAMETERS:
        return Sql("true")
    return Sql(f"(i.document IS NULL OR ({said.text}))", said.parameters)


def _said(condition: Condition, path: tuple[str, ...], depth: int) -> Sql | None:
    if depth > _DEEPEST:
        return None
    here = list(path)
    match condition:
        case Field(name, inner) if "\0" not in name and _is_unicode(name):
            return _said(inner, (*path, name), depth + 1)
        case Equals(None):
            found = "coalesce(i.document #> %s::text[], 'null'::jsonb) = 'null'::jsonb"
            return Sql(found, (here,))
        case Equals(str() as text) if "\0" not in text and _is_unicode(text):
            return Sql("i.document #>> %s::text[] = %s", (here, text))
        case Equals(int() | float() as number) if abs(number) <= _EXACT:
            alike = [json.dumps(number)]
            if number in (0, 1):  # to Python, True is 1
                alike = [str(int(number)), "true" if number else "false"]
            return Sql("i.document #> %s::text[] = ANY (%s::jsonb[])", (here, alike))
        case Compare(operator, bound):
            return _beyond(here, ">=" if operator in ("$gt", "$gte") else "<=", bound)
        case Exists(wanted):
            return Sql(f"(i.document #> %s::text[]) IS {'NOT ' if wanted else ''}NULL", (here,))
        case Every(parts):
            said = [one for part in parts if (one := _said(part, path, depth + 1)) is not None]
            return _joined(" AND ", said) if said else None
        case Either(parts):
            alternatives = [_said(part, path, depth + 1) for part in parts]
            said = [one for one in alternatives if one is not None]
            return _joined(" OR ", said) if len(said) == len(parts) else None
        case _:
            return None


def _beyond(path: list[str], sign: str, bound: float | str) -> Sql | None:
    match bound:
        case str() if "\0" not in bound and _is_unicode(bound):
            return Sql(f"(i.document #>> %s::text[]) COLLATE \"C\" {sign} %s", (path, bound))
        case int() | float() if abs(bound) <= _EXACT:
            return Sql(
                "CASE jsonb_typeof(i.document #> %s::text[]) "
                f"WHEN 'number' THEN (i.document #>> %s::text[])::numeric {sign} %s::numeric "
                "WHEN 'boolean' THEN true ELSE false END",
                (path, path, repr(float(bound)) if isinstance(bound, float) else str(int(bound))),
            )
        case _:
            return None


def _joined(word: str, parts: Sequence[Sql]) -> Sql:
    if not parts:
        return Sql("false")  # one of none
    text = word.join(f"({part.text})" for part in parts)
    return Sql(text, tuple(value for part in parts for value in part.parameters))


def _is_unicode(text: Any) -> bool:
    """Whether *text* is a text that the connection can carry: without lone surrogates."""
    return isinstance(text, str) and text.isascii() or not any(
        "\ud800" <= character <= "\udfff" for character in text
    )
