"""World time: fields of a memory that say since when and until when it is true. Pure.

A revision says when something was known; these fields say when it held in the world, which may
be long before, or yet to come. A schema marks them, whatever they are called:

    class Job(BaseModel):
        employer: str
        since: Annotated[date | None, ValidFrom] = None
        until: Annotated[date | None, ValidTo] = None

A memory holds from its first moment on, up to but without the one at which it ended. What is
null, missing or no date is open on that side; a time without a zone is local time, a day is its
first moment. Fields called ``valid_from`` and ``valid_to`` count without a mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any, Literal, cast

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from longterm.errors import InvalidInputError
from longterm.memory.model import document_of

__all__ = [
    "WORLD_TIME",
    "ValidFrom",
    "ValidTo",
    "WorldTime",
    "as_moment",
    "held_at",
    "moment_of",
    "world_time",
]

#: The key, in a field's JSON schema, of what it means; no model is shown it.
_MARK = "x-valid"


@dataclass(frozen=True, slots=True)
class WorldTime:
    """Names of the fields that say from when and to when a memory holds."""

    start: str | None = "valid_from"
    end: str | None = "valid_to"


#: The fields that count where no schema marks any.
WORLD_TIME = WorldTime()


@dataclass(frozen=True, slots=True)
class _Mark:
    """A mark in ``Annotated``; a description of the field's own goes before this one."""

    side: Literal["from", "to"]
    description: str

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"description": self.description, **handler(core), _MARK: self.side}


ValidFrom = _Mark("from", "When this began to be true in the world, if that is known.")
ValidTo = _Mark("to", "When this was no longer true in the world; null while it holds.")


def world_time(schema: Mapping[str, Any]) -> WorldTime:
    """Return the fields that a JSON schema marks, else those with the usual names."""
    match schema:
        case {"$ref": str(reference), "$defs": inner}:  # it contains itself
            schema = cast("Mapping[str, Any]", inner)[reference.rsplit("/", 1)[-1]]
        case _:
            pass
    fields = cast("Mapping[str, Any]", schema.get("properties", {}))
    marked = {
        field[_MARK]: name
        for name, field in fields.items()
        if not isinstance(field, bool) and _MARK in field  # true is any field
    }
    return WorldTime(marked.get("from"), marked.get("to")) if marked else WORLD_TIME


def held_at(
    value: Mapping[str, Any],
    moment: datetime,
    world_times: Mapping[str, WorldTime] = MappingProxyType({}),
) -> bool:
    """Whether a stored *value* says something that was true at *moment*.

    *world_times* says, by kind, which fields tell that, where these are not the usual ones.
    """
    document = document_of("", value)
    content, fields = document.content, world_times.get(document.kind or "", WORLD_TIME)
    if not isinstance(content, Mapping):
        return True
    said = cast("Mapping[str, Any]", content)
    start, end = (
        as_moment(said.get(name)) if name else None for name in (fields.start, fields.end)
    )
    return (start is None or start <= moment) and (end is None or moment < end)


def as_moment(value: Any) -> datetime | None:
    """Read a date, a datetime or ISO 8601, also a month or a year; None for all else.

    So too for what in UTC is before year 1 or after year 9999, which no store can keep.
    """
    match value:
        case datetime():
            moment = value
        case date():
            moment = datetime.combine(value, time.min)
        case str():
            padded = f"{value}-01-01" if len(value) == len("2024") else value
            padded = f"{value}-01" if len(value) == len("2024-05") else padded
            try:
                moment = datetime.fromisoformat(padded)
            except ValueError:
                return None
        case _:
            return None
    try:
        aware = moment if moment.tzinfo else moment.astimezone()
    except (ValueError, OverflowError, OSError):  # the first years of all have no local time
        return moment.replace(tzinfo=UTC)
    try:
        aware.astimezone(UTC)
    except OverflowError:
        return None
    return aware


def moment_of(value: datetime | date | str, what: str = "A time") -> datetime:
    """Read what `as_moment` reads; raise `InvalidInputError` for all else, which *what* names."""
    moment = as_moment(value)
    if moment is None:
        raise InvalidInputError(
            f"{what} is a datetime, a date or ISO 8601 such as '2026-05-04', from year 1 to 9999 "
            f"in UTC; not {value!r:.100}."
        )
    return moment
