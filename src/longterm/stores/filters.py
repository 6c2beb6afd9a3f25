"""Filters: what an item's value must be like. Pure.

`parse` reads a filter into a condition and complains about what it does not know; `holds`
decides. A database may say as much of a condition as it can say exactly, and leave the rest to
`holds`: then it may let too much through, and never too little.

A missing key counts as null, except for `$exists`. Numbers compare with numbers (booleans are
the numbers they are in Python) and text with text; across kinds nothing is greater or less.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from longterm.errors import InvalidInputError

__all__ = [
    "EVERYTHING",
    "Compare",
    "Condition",
    "Either",
    "Elements",
    "Equals",
    "Every",
    "Exists",
    "Field",
    "IsObject",
    "Not",
    "holds",
    "parse",
]


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
            fields = cast("Mapping[str, Any]", wanted)
            entries = tuple(_entry(name, inner) for name, inner in fields.items())
            return Every(entries or (IsObject(),))
        case list() | tuple():
            return Elements(tuple(_condition(part) for part in cast("Sequence[Any]", wanted)))
        case _:
            return Equals(wanted)


def _entry(name: Any, wanted: Any) -> Condition:
    if not isinstance(name, str) or not name.startswith("$"):
        return Field(name, _condition(wanted))
    match name:
        case "$eq":
            return Equals(_lists_for_tuples(wanted))
        case "$ne":
            return Not(Equals(_lists_for_tuples(wanted)))
        case "$gt" | "$gte" | "$lt" | "$lte":
            if isinstance(wanted, (int, float, str)):
                return Compare(name, wanted)
            raise InvalidInputError(
                f"{name} compares with a number or a text, not {type(wanted).__name__}."
            )
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


def _list(name: str, wanted: Any) -> Sequence[Any]:
    if isinstance(wanted, (list, tuple, set, frozenset)):
        return tuple(cast("Sequence[Any]", wanted))
    raise InvalidInputError(f"{name} takes a list, not {type(wanted).__name__}.")


def _equals_each(name: str, wanted: Any) -> tuple[Condition, ...]:
    return tuple(Equals(_lists_for_tuples(part)) for part in _list(name, wanted))


def _lists_for_tuples(value: Any) -> Any:
    """Tuples as the lists they are stored as."""
    match value:
        case list() | tuple():
            return [_lists_for_tuples(part) for part in cast("Sequence[Any]", value)]
        case Mapping():
            fields = cast("Mapping[str, Any]", value)
            return {name: _lists_for_tuples(inner) for name, inner in fields.items()}
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
            kind = str if isinstance(bound, str) else (int, float)
            return isinstance(value, kind) and _COMPARE[name](value, bound)
        case Exists(wanted):
            return (value is not _MISSING) == wanted
        case IsObject():
            return isinstance(value, dict)
        case Field(name, inner):
            if not isinstance(value, dict):
                return False
            return holds(inner, cast("dict[str, Any]", value).get(name, _MISSING))
        case Elements(parts):
            if not isinstance(value, list):
                return False
            values = cast("list[Any]", value)
            return len(values) == len(parts) and all(map(holds, parts, values))
        case Every(parts):
            return all(holds(part, value) for part in parts)
        case Either(parts):
            return any(holds(part, value) for part in parts)
        case Not(part):
            return not holds(part, value)
