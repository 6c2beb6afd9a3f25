"""Edits: merge patches as RFC 7396 says, and the JSON patches of other tools."""

from contextlib import suppress
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from longterm.extract.edit import edited, merge
from longterm.extract.schema import memory_schemas
from longterm.memory.model import Memory, ProposalError

#: A schema that says nothing.
ANYTHING: dict[str, Any] = {}

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
keys = st.sampled_from(["a", "b", "c"])
anything: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner), max_leaves=8
)
objects = st.dictionaries(keys, anything)


# The examples of RFC 7396, appendix A
@pytest.mark.parametrize(
    ("content", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merging_does_what_the_rfc_shows(content: Any, patch: Any, result: Any) -> None:
    assert merge(content, patch, ANYTHING) == result


@given(objects)
def test_an_empty_patch_changes_nothing(content: dict[str, Any]) -> None:
    assert merge(content, {}, ANYTHING) == content


@given(anything, anything)
def test_merging_twice_is_merging_once(content: Any, patch: Any) -> None:
    once = merge(content, patch, ANYTHING)
    assert merge(once, patch, ANYTHING) == once


@given(objects, objects)
def test_what_a_patch_does_not_name_stays(content: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge(content, patch, ANYTHING)
    for key in content.keys() - patch.keys():
        assert merged[key] == content[key]


@given(objects, objects)
def test_null_removes(content: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge(content, patch, ANYTHING)
    assert not {key for key, value in patch.items() if value is None} & merged.keys()


@given(anything, anything)
def test_neither_the_content_nor_the_patch_is_changed(content: Any, patch: Any) -> None:
    before = repr((content, patch))
    merge(content, patch, ANYTHING)
    assert repr((content, patch)) == before


# What the schema decides


class Cat(BaseModel):
    name: str
    lives: int


class Dog(BaseModel):
    name: str
    breed: str


class Home(BaseModel):
    pet: Cat | Dog
    street: str | None = "unknown"
    rooms: int = 3
    tags: set[str] = set()


(HOME,) = memory_schemas([Home])
CAT = {"pet": {"name": "Tom", "lives": 9}, "street": "Elm St", "rooms": 2, "tags": ["a", "b"]}


def test_a_value_of_another_type_takes_the_whole_place() -> None:
    after = edited(HOME, CAT, {"pet": {"name": "Rex", "breed": "pug"}})
    assert after["pet"] == {"name": "Rex", "breed": "pug"}


def test_a_value_of_the_same_type_is_merged() -> None:
    assert edited(HOME, CAT, {"pet": {"lives": 8}})["pet"] == {"name": "Tom", "lives": 8}


class Circle(BaseModel):
    form: Literal["circle"]
    width: int
    label: str = ""


class Square(BaseModel):
    form: Literal["square"]
    side: int


class Line(BaseModel):
    form: Literal["line"]
    length: int


Round = Annotated[Circle | Square, Field(discriminator="form")]


class Drawing(BaseModel):
    shape: Round | Line | None = None


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({"label": "sun"}, {"form": "circle", "width": 2, "label": "sun"}),
        ({"form": "circle", "width": 3}, {"form": "circle", "width": 3, "label": "moon"}),
        ({"form": "square", "side": 1}, {"form": "square", "side": 1}),
        ({"form": "line", "length": 1}, {"form": "line", "length": 1}),
    ],
)
def test_alternatives_within_alternatives_are_told_apart(changes: Any, after: Any) -> None:
    (drawing,) = memory_schemas([Drawing])
    moon = {"shape": {"form": "circle", "width": 2, "label": "moon"}}
    assert edited(drawing, moon, {"shape": changes})["shape"] == after


def test_null_is_null_where_the_field_takes_it() -> None:
    assert edited(HOME, CAT, {"street": None})["street"] is None


def test_null_never_lets_a_default_in() -> None:
    with pytest.raises(ProposalError, match="rooms cannot be null"):
        edited(HOME, CAT, {"rooms": None})


@pytest.mark.parametrize(
    "changes", [{"garden": "big"}, [{"op": "add", "path": "/garden", "value": "big"}]]
)
def test_a_field_that_does_not_exist_is_a_complaint(changes: Any) -> None:
    with pytest.raises(ProposalError, match="There is no field garden"):
        edited(HOME, CAT, changes)


def test_a_set_in_another_order_is_no_change() -> None:
    assert edited(HOME, CAT, {"tags": ["b", "a"]}) is CAT


@pytest.mark.parametrize(
    "changes",
    [
        {"rooms": 4},
        {"Rooms": 4},
        {"rooms": "4"},
        {"changes": {"rooms": 4}},
        {"Home": '{"rooms": 4}'},
        [{"rooms": 4}],
        {"field": "rooms", "value": 4},
        [{"field": "rooms", "value": 4}],
        [{"op": "replace", "path": "/rooms", "value": 4}],
        {"op": "replace", "path": "/rooms", "value": 4},
        [{"name": "rooms", "value": 4}],
        [{"path": "/rooms", "value": 4}],
        [{"op": "set", "path": "rooms", "value": 4}],
        {"/rooms": 4},
        {"rooms": {"old": 3, "new": 4}},
        {"rooms": {"from": 3, "to": "4"}},
        {"rooms": {"type": "integer", "value": 4}},
        {"rooms": [4]},
    ],
)
def test_a_change_is_understood_in_the_forms_models_give_it(changes: Any) -> None:
    assert edited(HOME, CAT, changes) == {**CAT, "rooms": 4}


@pytest.mark.parametrize(
    "changes",
    [
        {"pet.lives": 8},
        {"/pet/lives": "8"},
        {"pet.lives": 8, "pet.name": "Tom"},
        [{"field": "pet.lives", "value": 8}],
        {"field": "/pet/lives", "value": 8},
        [{"op": "replace", "path": "pet.lives", "value": 8}],
    ],
)
def test_a_field_is_found_by_its_place(changes: Any) -> None:
    assert edited(HOME, CAT, changes) == {**CAT, "pet": {"name": "Tom", "lives": 8}}


@pytest.mark.parametrize(
    "changes",
    [
        {"pet": {"lives": 8}, "pet.name": "Tim"},
        {"pet.name": "Tim", "pet": {"lives": 8}},
        [{"field": "pet.name", "value": "Tim"}, {"field": "pet", "value": {"lives": 8}}],
    ],
)
def test_a_field_that_is_named_beside_its_object_is_changed_with_it(changes: Any) -> None:
    assert edited(HOME, CAT, changes) == {**CAT, "pet": {"name": "Tim", "lives": 8}}


def test_the_new_text_of_a_memory_that_is_only_a_text_is_a_change() -> None:
    (memory,) = memory_schemas([Memory])
    assert edited(memory, {"content": "likes tea"}, "likes ale") == {"content": "likes ale"}


@pytest.mark.parametrize("verb", ["set", "update", "replace"])
def test_one_of_a_list_is_replaced_under_any_verb(verb: str) -> None:
    first = {"op": verb, "path": "tags.0", "value": "c"}
    assert edited(None, {"tags": ["a", "b"]}, [first]) == {"tags": ["c", "b"]}


class Tagged(BaseModel):
    tags: list[str] = []


(TAGGED,) = memory_schemas([Tagged])


@pytest.mark.parametrize(
    "changes",
    [
        [{"op": "add", "path": "/tags", "value": "c"}],
        [{"op": "append", "path": "tags", "value": ["c"]}],
        {"field": "tags", "operation": "add", "value": "c"},
        [{"field": "tags", "action": "Add", "value": ["c"]}],
    ],
)
def test_what_is_added_to_a_list_takes_the_place_of_nothing(changes: Any) -> None:
    assert edited(TAGGED, {"tags": ["a", "b"]}, changes)["tags"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "changes",
    [
        [{"op": "remove", "path": "/tags", "value": "a"}],
        [{"op": "delete", "path": "/tags/0"}],
        {"field": "tags", "operation": "remove", "value": "a"},
        [{"path": "tags", "action": "delete", "value": ["a"]}],
    ],
)
def test_what_is_removed_from_a_list_is_that_one(changes: Any) -> None:
    assert edited(TAGGED, {"tags": ["a", "b"]}, changes)["tags"] == ["b"]


def test_a_patch_does_what_the_rfc_says_where_that_can_be_meant() -> None:
    known = {"tags": ["a", "b"]}
    whole = [{"op": "add", "path": "/tags", "value": ["c"]}]
    assert edited(TAGGED, known, whole)["tags"] == ["c"]
    assert edited(TAGGED, known, [{"op": "remove", "path": "/tags"}])["tags"] == []
    with pytest.raises(ProposalError, match="'c'"):
        edited(TAGGED, known, [{"op": "remove", "path": "/tags", "value": "c"}])


def test_fields_with_the_names_of_a_patch_are_fields() -> None:
    class Step(BaseModel):
        action: str = ""
        path: str = ""
        value: str = ""

    (step,) = memory_schemas([Step])
    changes = {"action": "add", "path": "/b", "value": "c"}
    assert edited(step, {"action": "", "path": "/a", "value": ""}, changes) == changes


def test_a_patch_of_copies_which_doubles_a_memory_each_time_is_a_complaint() -> None:
    copies = [{"op": "copy", "from": "/a", "path": f"/a/{number}"} for number in range(100)]
    with pytest.raises(ProposalError, match="copied"):
        edited(None, {"a": {}}, copies)


@pytest.mark.parametrize(
    "changes",
    [{"pet.age": 1}, {"street.name": "Elm"}, {"tags.0": "c"}, {"pet" + ".a" * 5_000: 1}],
)
def test_a_place_that_is_none_is_a_complaint(changes: Any) -> None:
    with pytest.raises(ProposalError):
        edited(HOME, CAT, changes)


def test_a_json_patch_lets_no_default_in_by_null() -> None:
    with pytest.raises(ProposalError, match="rooms cannot be null"):
        edited(HOME, CAT, [{"op": "replace", "path": "/rooms", "value": None}])


class Reading(BaseModel):
    """A value under a name, as edits in some answers are."""

    name: str
    value: int
    unit: str = "m"


@pytest.mark.parametrize(
    "changes",
    [
        [{"value": 4}],
        [{"name": "height", "value": 4}],
        [{"value": 4}, {"unit": "m"}],
        {"field": "value", "value": 4},
    ],
)
def test_fields_called_name_and_value_are_fields(changes: Any) -> None:
    (kind,) = memory_schemas([Reading])
    height = {"name": "height", "value": 3, "unit": "m"}
    assert edited(kind, height, changes) == {**height, "value": 4}


class Room(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    beds: list["Bed"] = []


class Bed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    width: int


def test_a_memory_of_an_older_form_of_its_schema_is_read_and_changed() -> None:
    (room,) = memory_schemas([Room])
    old = {"name": "attic", "floor": 3, "beds": [{"width": 90, "soft": True}]}
    assert room.load(old, None) == Room(name="attic", beds=[Bed(width=90)])
    assert edited(room, old, {"name": "loft"}) == {"name": "loft", "beds": [{"width": 90}]}
    with pytest.raises(ProposalError, match="There is no field floor"):
        edited(room, old, {"floor": 4})


class Clock(BaseModel):
    """Fields whose defaults no schema shows."""

    model_config = ConfigDict(alias_generator=to_camel)

    home_town: str = Field(default_factory=lambda: "Rome")
    seen_days: list[str] = Field(default_factory=lambda: ["today"])
    is_on: bool = False
    old_tags: list[str] = []
    by_day: dict[str, Cat | Dog] = {}


(CLOCK,) = memory_schemas([Clock])


@pytest.mark.parametrize("field", ["home_town", "seenDays", "is_on"])
def test_null_lets_no_default_in_that_a_schema_does_not_show(field: str) -> None:
    with pytest.raises(ProposalError, match="cannot be null"):
        edited(CLOCK, CLOCK.check({"is_on": True}), {field: None})


def test_null_empties_a_list() -> None:
    assert edited(CLOCK, CLOCK.check({"oldTags": ["a"]}), {"oldTags": None})["old_tags"] == []


@pytest.mark.parametrize("name", ["by_day", "byDay", "ByDay"])
def test_a_field_is_meant_by_its_alias_and_in_other_letters(name: str) -> None:
    begun = CLOCK.check({"by_day": {"mon": CAT["pet"]}})
    after = edited(
        CLOCK, begun, {name: {"mon": {"lives": 8}, "tue": '{"name": "R", "breed": "b"}'}}
    )
    assert after["by_day"] == {
        "mon": {"name": "Tom", "lives": 8},
        "tue": {"name": "R", "breed": "b"},
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"by_day": {"mon": {"name": "Tom", "lives": 8, "color": "red"}}},
        {"by_day": {"mon": {"color": "red"}}},
    ],
)
def test_an_unknown_field_inside_one_of_several_forms_is_a_complaint(changes: Any) -> None:
    begun = CLOCK.check({"by_day": {"mon": CAT["pet"]}})
    with pytest.raises(ProposalError, match="mon"):
        edited(CLOCK, begun, changes)


@pytest.mark.parametrize("pet", ['{"lives": 8}', '"{\\"lives\\": 8}"'])
def test_json_text_is_read_where_no_text_belongs(pet: str) -> None:
    assert edited(HOME, CAT, {"pet": pet})["pet"] == {"name": "Tom", "lives": 8}


# JSON patches

(JSON,) = memory_schemas([{"title": "Anything", "type": "object"}])


def test_a_json_patch_is_applied() -> None:
    operations = [
        {"op": "replace", "path": "/name", "value": "udon"},
        {"op": "add", "path": "/tags/-", "value": "soup"},
        {"op": "remove", "path": "/old"},
    ]
    content = {"name": "ramen", "tags": ["noodles"], "old": 1}
    assert edited(JSON, content, operations) == {"name": "udon", "tags": ["noodles", "soup"]}
    assert content == {"name": "ramen", "tags": ["noodles"], "old": 1}


paths = st.sampled_from(["", "/", "/a", "/b", "/a/0", "/a/-", "/c/x", "bad", None, 5, "/a~2"])
names = st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x", 1])
operation: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"op": names, "path": paths}, optional={"value": anything, "from": paths}
)


@given(anything, st.lists(anything | operation, max_size=4))
def test_any_other_patch_is_a_complaint_never_a_crash(content: Any, patch: list[Any]) -> None:
    before = repr(content)
    with suppress(ProposalError):
        edited(JSON, content, patch)
    assert repr(content) == before


def test_an_object_alone_in_a_list_changes_a_memory_of_an_unknown_kind_too() -> None:
    assert edited(None, {"age": 5, "name": "Ann"}, [{"age": 6}]) == {"age": 6, "name": "Ann"}
