"""Filters as PostgreSQL reads them. Pure.

`condition_sql` says as much of a condition as SQL can say; whatever it leaves over,
`filters.holds` decides, so it may let too much through and never too little. A value that JSONB
cannot hold has no *document* and passes.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
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
)

__all__ = ["SqlText", "condition_sql"]

#: Beyond it an integer and the float next to it are equal to Python and not to PostgreSQL.
_EXACT = 2**53
_MOST_PARAMETERS = 500
_DEEPEST = 50
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SqlText:
    """A piece of SQL and its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


def condition_sql(condition: Condition) -> SqlText:
    """Say in SQL over a row of `items i` what lets every item through that *condition* means."""
    said = None if condition == EVERYTHING else _condition_query(condition, (), 0)
    if said is None or len(said.parameters) > _MOST_PARAMETERS:
        return SqlText("true")
    return SqlText(f"(i.document IS NULL OR ({said.text}))", said.parameters)


def _condition_query(condition: Condition, path: tuple[str, ...], depth: int) -> SqlText | None:
    here = list(path)
    match condition:
        case Field(name, inner) if _is_text(name) and depth < _DEEPEST:
            return _condition_query(inner, (*path, name), depth + 1)
        case Equals(None):
            found = "coalesce(i.document #> %s::text[], 'null'::jsonb) = 'null'::jsonb"
            return SqlText(found, (here,))
        case Equals(str() as text) if _is_text(text):
            return SqlText("i.document #>> %s::text[] = %s", (here, text))
        case Equals(int() | float() as number) if abs(number) <= _EXACT:
            alike = [json.dumps(number)]
            if number in (0, 1):  # to Python, True is 1
                alike = [str(int(number)), "true" if number else "false"]
            return SqlText("i.document #> %s::text[] = ANY (%s::jsonb[])", (here, alike))
        case Compare(operator, bound):
            return _compares_sql(here, ">=" if operator in ("$gt", "$gte") else "<=", bound)
        case Exists(wanted):
            return SqlText(f"(i.document #> %s::text[]) IS {'NOT ' if wanted else ''}NULL", (here,))
        case Every(parts):
            said = [
                one
                for part in parts
                if (one := _condition_query(part, path, depth + 1)) is not None
            ]
            return _joined_sql(" AND ", said) if said else None
        case Either(parts):
            alternatives = [_condition_query(part, path, depth + 1) for part in parts]
            said = [one for one in alternatives if one is not None]
            return _joined_sql(" OR ", said) if len(said) == len(parts) else None
        case _:
            return None


def _compares_sql(path: list[str], sign: str, bound: float | str) -> SqlText | None:
    match bound:
        case str() if _is_text(bound):
            return SqlText(f'(i.document #>> %s::text[]) COLLATE "C" {sign} %s', (path, bound))
        case int() | float() if abs(bound) <= _EXACT:
            return SqlText(
                "CASE jsonb_typeof(i.document #> %s::text[]) "
                f"WHEN 'number' THEN (i.document #>> %s::text[])::numeric {sign} %s::numeric "
                "WHEN 'boolean' THEN true ELSE false END",
                (path, path, repr(float(bound)) if isinstance(bound, float) else str(int(bound))),
            )
        case _:
            return None


def _joined_sql(word: str, parts: Sequence[SqlText]) -> SqlText:
    if not parts:
        return SqlText("false")  # one of none
    text = word.join(f"({part.text})" for part in parts)
    return SqlText(text, tuple(value for part in parts for value in part.parameters))


def _is_text(text: Any) -> bool:
    """Whether PostgreSQL has such a text: without NUL and lone surrogates."""
    return isinstance(text, str) and not _NO_TEXT.search(text)
