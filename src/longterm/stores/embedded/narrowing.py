"""Conditions in SQLite's SQL: as much of a filter as SQLite decides as Python does. Pure."""

import json
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from longterm.stores.filters import Compare, Condition, Either, Equals, Every, Exists, Field

__all__ = ["Sql", "narrow"]


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


# SQLite up to 3.46 reads a decimal up to a few units in the last place differently from Python.
_SLACK = 1e-12
_EXACT = 2**53
# SQLite's limits are a thousand operands in a row, and brackets nested some fifty times.
_MOST_PARAMETERS = 500
_DEEPEST = 20


def narrow(condition: Condition) -> Sql:
    """Say in SQL what lets every item through that *condition* means, and few others."""
    said = _condition_sql(condition, "$")
    if said is None or len(said.parameters) > _MOST_PARAMETERS:
        return Sql("1")
    if max(accumulate((one == "(") - (one == ")") for one in said.text)) > _DEEPEST:
        return Sql("1")
    return Sql(f"CASE WHEN plain THEN {said.text} ELSE 1 END", said.parameters)


def _condition_sql(condition: Condition, path: str) -> Sql | None:
    match condition:
        # A JSON path can name such a field as it stands in the text.
        case Field(name, inner) if name and name.isprintable() and not set(name) & {'"', "\\"}:
            return _condition_sql(inner, f'{path}."{name}"')
        case Equals(None):
            return Sql("json_extract(value, ?) IS NULL", (path,))
        case Equals(str(text)) if text.isprintable():
            return Sql("json_extract(value, ?) = ?", (path, text))
        case Equals(int() | float() as number) if abs(number) <= _EXACT:
            return Sql("json_extract(value, ?) BETWEEN ? AND ?", (path, *_around(number)))
        case Compare(name, str(text)) if text.isprintable():
            return Sql(f"json_extract(value, ?) {_operator(name)} ?", (path, text))
        case Compare(name, int() | float() as number) if abs(number) <= _EXACT:
            sign = _operator(name)
            edge = _around(number)[sign == "<="]
            return Sql(f"json_extract(value, ?) {sign} ?", (path, edge))
        case Exists(wanted):
            return Sql(f"json_type(value, ?) IS {'NOT ' if wanted else ''}NULL", (path,))
        case Every(parts):
            return _joined(
                " AND ", [said for part in parts if (said := _condition_sql(part, path))]
            )
        case Either(parts):
            values = [part.value for part in parts if isinstance(part, Equals)]
            texts = [one for one in values if isinstance(one, str) and one.isprintable()]
            if len(texts) == len(parts):
                listed = json.dumps(texts)
                return Sql(
                    "json_extract(value, ?) IN (SELECT value FROM json_each(?))", (path, listed)
                )
            said = [one for part in parts if (one := _condition_sql(part, path)) is not None]
            if len(said) < len(parts):
                return None
            return _joined(" OR ", said) or Sql("0")
        case _:
            return None


def _operator(name: str) -> str:
    return ">=" if name in {"$gt", "$gte"} else "<="


def _around(number: float) -> tuple[float, float]:
    slack = abs(number) * _SLACK
    return number - slack, number + slack


def _joined(word: str, parts: list[Sql]) -> Sql | None:
    if not parts:
        return None
    text = word.join(f"({part.text})" for part in parts)
    return Sql(f"({text})", tuple(value for part in parts for value in part.parameters))
