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
    if said is None or len(said.parameters) > _MOST_PARAMETERS or _nested(said) > _DEEPEST:
        return Sql("1")
    return Sql(f"CASE WHEN plain THEN {said.text} ELSE 1 END", said.parameters)


def _condition_sql(condition: Condition, path: str) -> Sql | None:
    match condition:
        case Field(name, inner) if _is_simple(name):
            return _condition_sql(inner, f'{path}."{name}"')
        case Equals(wanted):
            return _equal(path, wanted)
        case Compare(name, bound):
            return _beyond(path, name, bound)
        case Exists(wanted):
            return Sql(f"json_type(value, ?) IS {'NOT ' if wanted else ''}NULL", (path,))
        case Every(parts):
            return _joined(
                " AND ", [said for part in parts if (said := _condition_sql(part, path))]
            )
        case Either(parts):
            return _one_of(parts, path) or _any_of([_condition_sql(part, path) for part in parts])
        case _:
            return None


def _is_simple(name: Any) -> bool:
    """Whether a JSON path can name the field as it stands in the text."""
    return (
        isinstance(name, str) and name.isprintable() and not set(name) & {'"', "\\"} and name != ""
    )


def _equal(path: str, wanted: Any) -> Sql | None:
    match wanted:
        case None:
            return Sql("json_extract(value, ?) IS NULL", (path,))
        case str() if wanted.isprintable():
            return Sql("json_extract(value, ?) = ?", (path, wanted))
        case int() | float() if abs(wanted) <= _EXACT:
            low, high = _around(wanted)
            return Sql("json_extract(value, ?) BETWEEN ? AND ?", (path, low, high))
        case _:
            return None


def _beyond(path: str, name: str, bound: float | str) -> Sql | None:
    sign = ">=" if name in {"$gt", "$gte"} else "<="
    match bound:
        case str() if bound.isprintable():
            return Sql(f"json_extract(value, ?) {sign} ?", (path, bound))
        case int() | float() if abs(bound) <= _EXACT:
            edge = _around(bound)[sign == "<="]
            return Sql(f"json_extract(value, ?) {sign} ?", (path, edge))
        case _:
            return None


def _around(number: float) -> tuple[float, float]:
    slack = abs(number) * _SLACK
    return number - slack, number + slack


def _one_of(parts: tuple[Condition, ...], path: str) -> Sql | None:
    texts = [part.value for part in parts if isinstance(part, Equals)]
    if len(texts) < len(parts) or not all(_is_printable(text) for text in texts):
        return None
    listed = json.dumps(texts)
    return Sql("json_extract(value, ?) IN (SELECT value FROM json_each(?))", (path, listed))


def _is_printable(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _nested(said: Sql) -> int:
    return max(accumulate((one == "(") - (one == ")") for one in said.text))


def _any_of(parts: list[Sql | None]) -> Sql | None:
    said = [part for part in parts if part is not None]
    if len(said) < len(parts):
        return None
    return _joined(" OR ", said) or Sql("0")


def _joined(word: str, parts: list[Sql]) -> Sql | None:
    if not parts:
        return None
    text = word.join(f"({part.text})" for part in parts)
    return Sql(f"({text})", tuple(value for part in parts for value in part.parameters))
