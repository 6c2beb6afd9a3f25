"""Filters: what an item's value must be like. Pure.

`parse` reads a filter into a condition and complains about what it does not know; `holds`
decides; `narrow` says as much of it as SQL can say exactly. Whatever SQL leaves over, `holds`
decides, so `narrow` may let too much through and never too little.

A missing key counts as null, except for `$exists`. Numbers compare with numbers (booleans are
the numbers they are in Python) and text with text; across kinds nothing is greater or less.
"""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, cast

from longterm.errors import InvalidInputError

__all__ = ["EVERYTHING", "Condition", "Sql", "holds", "narrow", "parse"]


@dataclass(frozen=True, slots=True)
class Equals:
    """The value itself."""

    value: Any


@dataclass(frozen=True, slots=True)
class Compare:
    """On one side of a bound of the same kind."""

    operator: str
    bound: float | str


@dataclass(frozen=True, slots=True)
class Exists:
    """There, if only as null; or not there at all."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class IsObject:
    """An object, whatever is in it."""


@dataclass(frozen=True, slots=True)
class Field:
    """A condition on one field of an object."""

    name: str
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Elements:
    """A list with these elements and no more."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Every:
    """All of these."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of these."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: "Condition"


Condition = Equals | Compare | Exists | IsObject | Field | Elements | Every | Either | Not

EVERYTHING = Every(())


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


# --- reading a filter -------------------------------------------------------------------------


def parse(wanted: Mapping[str, Any] | None) -> Condition:
    """Read a filter as a condition on the whole value."""
    match wanted:
        case None:
            return EVERYTHING
        case Mapping():
            return Every(tuple(_entry(name, inner) for name, inner in wanted.items()))
        case _:
            raise InvalidInputError(f"A filter is a dict, not {type(wanted).__name__}.")


def _condition(wanted: Any) -> Condition:
    match wanted:
        case Mapping():
            return _mapping(cast("Mapping[str, Any]", wanted))
        case list() | tuple():
            return Elements(tuple(_condition(part) for part in cast("Sequence[Any]", wanted)))
        case _:
            return Equals(wanted)


def _mapping(wanted: Mapping[str, Any]) -> Condition:
    entries = tuple(_entry(name, inner) for name, inner in wanted.items())
    return Every(entries) if any(_is_operator(name) for name in wanted) else _object(entries)


def _object(entries: tuple[Condition, ...]) -> Condition:
    return Every(entries or (IsObject(),))


def _is_operator(name: Any) -> bool:
    return isinstance(name, str) and name.startswith("$")


def _entry(name: str, wanted: Any) -> Condition:
    if not _is_operator(name):
        return Field(name, _condition(wanted))
    return _operator(name, wanted)


def _operator(name: str, wanted: Any) -> Condition:
    match name:
        case "$eq":
            return Equals(_as_json(wanted))
        case "$ne":
            return Not(Equals(_as_json(wanted)))
        case "$gt" | "$gte" | "$lt" | "$lte":
            return Compare(name, _bound(name, wanted))
        case "$in":
            return Either(_equals_each(name, wanted))
        case "$nin":
            return Not(Either(_equals_each(name, wanted)))
        case "$exists":
            return Exists(bool(wanted))
        case "$not":
            return Not(_condition(wanted))
        case "$and":
            return Every(tuple(_condition(part) for part in _list(name, wanted)))
        case "$or":
            return Either(tuple(_condition(part) for part in _list(name, wanted)))
        case _:
            raise InvalidInputError(
                f"Unknown operator {name!r} in a filter. Known: $eq $ne $gt $gte $lt $lte "
                "$in $nin $exists $and $or $not."
            )


def _bound(name: str, wanted: Any) -> float | str:
    if isinstance(wanted, (int, float, str)):
        return wanted
    raise InvalidInputError(f"{name} compares with a number or a text, not {wanted!r}.")


def _list(name: str, wanted: Any) -> Sequence[Any]:
    if isinstance(wanted, (list, tuple, set, frozenset)):
        return tuple(cast("Sequence[Any]", wanted))
    raise InvalidInputError(f"{name} takes a list, not {wanted!r}.")


def _equals_each(name: str, wanted: Any) -> tuple[Condition, ...]:
    return tuple(Equals(_as_json(part)) for part in _list(name, wanted))


def _as_json(value: Any) -> Any:
    """Tuples as the lists they are stored as."""
    match value:
        case list() | tuple():
            return [_as_json(part) for part in cast("Sequence[Any]", value)]
        case Mapping():
            fields = cast("Mapping[str, Any]", value)
            return {name: _as_json(inner) for name, inner in fields.items()}
        case _:
            return value


# --- deciding ---------------------------------------------------------------------------------

_MISSING = object()

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def holds(condition: Condition, value: Any) -> bool:
    """Whether *value* is as *condition* says."""
    match condition:
        case Equals(wanted):
            return bool((None if value is _MISSING else value) == wanted)
        case Compare(name, bound):
            return _comparable(value, bound) and _COMPARE[name](value, bound)
        case Exists(wanted):
            return (value is not _MISSING) == wanted
        case IsObject():
            return isinstance(value, dict)
        case Field(name, inner):
            return isinstance(value, dict) and holds(inner, _field(value, name))
        case Elements(parts):
            return isinstance(value, list) and _each(parts, cast("list[Any]", value))
        case Every(parts):
            return all(holds(part, value) for part in parts)
        case Either(parts):
            return any(holds(part, value) for part in parts)
        case Not(part):
            return not holds(part, value)


def _field(value: Any, name: str) -> Any:
    return cast("dict[str, Any]", value).get(name, _MISSING)


def _each(parts: tuple[Condition, ...], values: list[Any]) -> bool:
    same_size = len(parts) == len(values)
    return same_size and all(map(holds, parts, values))


def _comparable(value: Any, bound: float | str) -> bool:
    kind = str if isinstance(bound, str) else (int, float)
    return isinstance(value, kind)


# --- saying it in SQL -------------------------------------------------------------------------

# SQLite up to 3.46 reads a decimal up to a few units in the last place differently from Python.
_SLACK = 1e-12
_EXACT = 2**53
# SQLite's limits are a thousand operands in a row, and brackets nested some fifty times.
_MOST_PARAMETERS = 500
_DEEPEST = 20


def narrow(condition: Condition) -> Sql:
    """Say in SQL what lets every item through that *condition* means, and few others."""
    said = _said(condition, "$")
    if said is None or len(said.parameters) > _MOST_PARAMETERS or _nested(said) > _DEEPEST:
        return Sql("1")
    return Sql(f"CASE WHEN plain THEN {said.text} ELSE 1 END", said.parameters)


def _said(condition: Condition, path: str) -> Sql | None:
    match condition:
        case Field(name, inner) if _is_simple(name):
            return _said(inner, f'{path}."{name}"')
        case Equals(wanted):
            return _equal(path, wanted)
        case Compare(name, bound):
            return _beyond(path, name, bound)
        case Exists(wanted):
            return Sql(f"json_type(value, ?) IS {'NOT ' if wanted else ''}NULL", (path,))
        case Every(parts):
            return _joined(" AND ", [said for part in parts if (said := _said(part, path))])
        case Either(parts):
            return _one_of(parts, path) or _any_of([_said(part, path) for part in parts])
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
