"""Schemas in strict form, and values that come back in it."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from longterm.errors import LongtermError
from longterm.extract.json_schema import nullable
from longterm.extract.json_values import without_gaps
from longterm.extract.schema import memory_schemas
from longterm.extract.strict import strict_edits, strict_form


class Inner(BaseModel):
    city: str
    country: str = "Japan"


class Outer(BaseModel):
    name: str = Field(min_length=2, description="What it is called.")
    age: int = Field(default=3, ge=0)
    color: Literal["red", "blue"] = "red"
    inner: Inner | None = None
    many: list[Inner] = Field(default_factory=list[Inner])
    must: int | None


(OUTER,) = memory_schemas([Outer])


def test_every_field_is_required_and_what_was_optional_may_be_null() -> None:
    form = strict_form(OUTER.parameters)
    assert form
    assert form["required"] == ["name", "age", "color", "inner", "many", "must"]
    assert form["additionalProperties"] is False
    assert form["properties"]["name"] == {"type": "string", "description": "What it is called."}
    assert form["properties"]["age"] == {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]
    }
    assert nullable(form["properties"]["inner"])


def test_values_of_several_types_have_their_types_named() -> None:
    class Choice(BaseModel):
        one: Literal["a", 1]
        size: Literal[1, 2]

    (kind,) = memory_schemas([Choice])
    form = strict_form(kind.parameters)
    assert form
    assert form["properties"]["one"]["type"] == ["integer", "string"]
    assert form["properties"]["size"]["type"] == "integer"


def test_the_strict_form_is_closed_all_the_way_down() -> None:
    form = strict_form(OUTER.parameters)
    assert form
    assert all(node["additionalProperties"] is False for node in objects_in(form))
    assert len(objects_in(form)) == 3


@pytest.mark.parametrize(
    "field",
    [
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"type": "array"},
        {"type": "array", "prefixItems": [{"type": "string"}]},
        {"type": ["object", "null"]},
        {},
    ],
)
def test_free_keys_tuples_and_anything_at_all_have_no_strict_form(field: dict[str, Any]) -> None:
    assert strict_form({"type": "object", "properties": {"field": field}}) is None
    assert strict_form({"type": "object", "properties": {"f": {"anyOf": [field]}}}) is None


def test_edits_name_one_field_each() -> None:
    edits = strict_edits(OUTER.parameters)["items"]["anyOf"]
    names = [edit["properties"]["field"]["const"] for edit in edits]
    assert names == list(Outer.model_fields)


def test_nulls_that_only_fill_a_gap_go_and_those_that_say_something_stay() -> None:
    value = {
        "name": "Ann",
        "age": None,
        "color": None,
        "inner": None,
        "many": [{"city": "Nara", "country": None}],
        "must": None,
    }
    assert without_gaps(value, OUTER.parameters) == {
        "name": "Ann",
        "inner": None,
        "many": [{"city": "Nara"}],
        "must": None,
    }
    assert OUTER.check(value) == {
        "name": "Ann",
        "age": 3,
        "color": "red",
        "inner": None,
        "many": [{"city": "Nara", "country": "Japan"}],
        "must": None,
    }


def test_a_null_in_a_field_that_must_be_there_is_still_a_mistake() -> None:
    with pytest.raises(LongtermError, match="name"):
        OUTER.check({"name": None, "must": 1})


def objects_in(schema: Any) -> list[dict[str, Any]]:
    """Return every object schema in *schema*, by way of its properties, items and options."""
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema["items"]] if "items" in schema else []
    own = [schema] if schema.get("type") == "object" else []
    return own + [found for node in inner for found in objects_in(node)]
