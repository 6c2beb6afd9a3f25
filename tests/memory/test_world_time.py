"""A memory says since when and until when it is true, and is read by that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from longterm import ValidFrom, ValidTo
from longterm.extract.schema import memory_schemas
from longterm.memory.world_time import WORLD_TIME, WorldTime, as_moment, held_at


class Job(BaseModel):
    """Where a person works."""

    employer: str
    since: Annotated[date | None, ValidFrom] = None
    until: Annotated[date | None, ValidTo] = Field(None, description="Last day there.")


@dataclass
class Lease:
    """A flat."""

    street: str
    moved_in: Annotated[datetime | None, ValidFrom] = None


class Pass(TypedDict):
    """A travel pass."""

    zone: str
    ends: Annotated[str | None, ValidTo]


CARD = {
    "title": "Card",
    "type": "object",
    "properties": {"bank": {"type": "string"}, "ends": {"type": "string", "x-valid": "to"}},
}


@pytest.mark.parametrize(
    ("schema", "fields"),
    [
        (Job, WorldTime("since", "until")),
        (Lease, WorldTime("moved_in", None)),
        (Pass, WorldTime(None, "ends")),
        (CARD, WorldTime(None, "ends")),
        (str, WORLD_TIME),
    ],
)
def test_a_schema_marks_its_fields(schema: Any, fields: WorldTime) -> None:
    (kind,) = memory_schemas([schema])

    assert kind.world_time == fields
    assert "x-valid" not in str(kind.parameters)


def test_a_model_is_told_what_the_fields_mean_unless_the_schema_says_it() -> None:
    (kind,) = memory_schemas([Job])
    fields = kind.parameters["properties"]

    assert "began to be true" in fields["since"]["description"]
    assert fields["until"]["description"] == "Last day there."


def stored(**content: Any) -> dict[str, Any]:
    return {"kind": "Job", "content": content}


def day(text: str) -> datetime:
    moment = as_moment(text)
    assert moment is not None
    return moment


def test_a_memory_holds_from_its_first_moment_up_to_its_end() -> None:
    value = stored(valid_from="2020-03-01", valid_to="2022-06-01")

    assert not held_at(value, day("2020-02-29"))
    assert held_at(value, day("2020-03-01"))
    assert held_at(value, day("2022-05-31"))
    assert not held_at(value, day("2022-06-01"))


def test_what_is_not_known_is_open() -> None:
    assert held_at(stored(valid_from=None, valid_to="2022"), day("1970"))
    assert held_at(stored(valid_from="2020-03", valid_to="one day"), day("2999"))
    assert held_at({"content": "a text"}, day("2020"))


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-05-01T02:00:00+02:00", datetime(2024, 5, 1, tzinfo=timezone(timedelta(0)))),
        ("2024", datetime(2024, 1, 1).astimezone()),
        (date(2024, 5, 1), datetime(2024, 5, 1).astimezone()),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC)),
        ("soon", None),
        ("0001-01-01T00:00+23:59", None),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=2))), None),
        (2024, None),
        (None, None),
    ],
)
def test_moments_are_read_in_every_form(value: Any, moment: datetime | None) -> None:
    assert as_moment(value) == moment


@given(st.one_of(st.text(), st.dates().map(str), st.datetimes().map(str), st.integers()))
def test_no_value_breaks_the_reading(value: Any) -> None:
    assert held_at(stored(valid_from=value), day("2020")) in (True, False)
