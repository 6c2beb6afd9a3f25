"""What a call of our tools proposes, in whatever form its name and arguments come."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from longterm.extract.calls import CallReader, named
from longterm.extract.proposal import (
    CUT_OFF,
    Permissions,
    Proposal,
    ProposedDelete,
    ProposedInsert,
    ProposedUpdate,
    Unreadable,
)
from longterm.extract.protocol import AllowedActions
from longterm.extract.schema import memory_schemas


class Person(BaseModel):
    """A person."""

    name: str
    age: int | None = None


class Place(BaseModel):
    """A place."""

    city: str


KINDS = memory_schemas([Person, Place])
READER = CallReader(AllowedActions(KINDS, Permissions(deletes=True)))
ANN, BOB = {"name": "Ann", "age": 4}, {"name": "Bob"}
ADD, CHANGE = ProposedInsert(KINDS[0], ANN), ProposedUpdate(0, {"age": 5})
NUMBERED = {"number": 0, "changes": {"age": 5}}


def proposals(name: str, arguments: Any) -> list[Proposal]:
    return [one.proposal for one in READER.proposed(name, arguments, "i")]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Person", {"name": "Person", "parameters": ANN}),
        ("Person", {"name": "Person", "arguments": json.dumps(ANN)}),
        ("json_tool_call", {"name": "Person", "arguments": ANN}),
        ("multi_tool_use.parallel", {"tool_uses": [{"recipient_name": "Person", "input": ANN}]}),
        (f"Person{json.dumps(ANN)}", {}),
        ("Person", "{}" + json.dumps(ANN)),
        ("Person", {"people": [ANN]}),
        ("", ANN),
        ("None", ANN),
        ("function", ANN),
    ],
)
def test_a_memory_is_added_where_only_that_can_be_meant(name: str, arguments: Any) -> None:
    assert proposals(name, arguments) == [ADD]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("update", NUMBERED),
        ("update_profile", NUMBERED),
        ("Person", NUMBERED),
        ("update_Person", {"changes": {"number": 0, "age": 5}}),
        ("update_Person", {"number": 0, "changes": {}, "age": 5}),
        ("update_Person", {"number": "[0] Person", "changes": {"age": 5}}),
        ("update_Person", {"number": "0.0", "changes": {"age": 5}}),
        ("update_Person", {"updates": [NUMBERED]}),
    ],
)
def test_a_memory_is_changed_where_only_that_can_be_meant(name: str, arguments: Any) -> None:
    assert proposals(name, arguments) == [CHANGE]


@pytest.mark.parametrize("arguments", [0, "0", {"number": 0}, {"numbers": [0]}])
def test_a_memory_is_removed_by_its_number_in_any_form(arguments: Any) -> None:
    assert proposals("delete_memory", arguments) == [ProposedDelete(0)]


@pytest.mark.parametrize(
    "arguments",
    [
        json.dumps(ANN) + json.dumps(BOB),  # a client that joins what was streamed side by side
        [ANN, BOB],
        {"people": [ANN, BOB]},
        {"tool_uses": [{"name": "Person", "input": ANN}, {"name": "Person", "input": BOB}]},
    ],
)
def test_calls_run_together_all_count(arguments: Any) -> None:
    both = READER.proposed("Person", arguments, "i")
    assert [one.proposal for one in both] == [ADD, ProposedInsert(KINDS[0], BOB)]
    assert [one.id for one in both] == ["i", "i.1"]


@pytest.mark.parametrize("arguments", [{"numbers": [1, 0]}, {"number": [1, 0]}, [1, 0]])
def test_several_removals_in_one_call_all_count(arguments: Any) -> None:
    both = proposals("delete_memory", arguments)
    assert both == [ProposedDelete(1), ProposedDelete(0)]


@pytest.mark.parametrize("text", ["delete_memory(1, 0)", "delete_memory([1, 0])"])
def test_several_removals_in_one_call_of_python_all_count(text: str) -> None:
    both = READER.spelled_out(text)
    assert [one.proposal for one in both] == [ProposedDelete(1), ProposedDelete(0)]


def test_a_list_or_an_object_in_a_field_of_another_name_is_no_name_of_a_tool() -> None:
    (proposal,) = proposals("Person", {"tool": ["Person"], "name": "Ann"})

    assert isinstance(proposal, ProposedInsert)


def test_the_half_of_calls_run_together_is_no_memory() -> None:
    assert proposals("Person", json.dumps(ANN) + '{"name": "Bo') == [CUT_OFF]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("", {"title": "Ann"}),
        ("search_people", ANN),
        ("", [ANN, {"city": 1, "name": "Ann"}]),
        ("tool", {"name": "search_people", "arguments": ANN}),
    ],
)
def test_what_could_be_another_action_is_no_memory(name: str, arguments: Any) -> None:
    assert any(isinstance(one, Unreadable) for one in proposals(name, arguments))


def test_values_without_a_name_stand_for_the_fields_in_their_order() -> None:
    calls = READER.spelled_out("Person('Ann', 4)\nupdate_Person(0, {'age': 5})\ndelete_memory(0)")
    assert [call.proposal for call in calls] == [ADD, CHANGE, ProposedDelete(0)]
    assert [call.id for call in calls] == ["0", "1", "2"]


@pytest.mark.parametrize("text", [json.dumps(ANN), f"```json\n{json.dumps(ANN)}\n```"])
def test_mere_arguments_are_a_memory_of_the_kind_that_has_them(text: str) -> None:
    assert [one.proposal for one in READER.bare(text)] == [ADD]


def test_a_number_and_changes_are_a_change_under_any_name() -> None:
    change = {"number": 0, "changes": {"age": 5}}
    assert proposals("", json.dumps(json.dumps(change))) == [CHANGE]
    assert [one.proposal for one in READER.bare(json.dumps(change))] == [CHANGE]
    assert READER.bare('{"number": 0}') == []


@pytest.mark.parametrize(
    "text", ["{}", "4", '{"title": "Ann"}', '{"name": "An', 'Like {"name": "Ann"}?', '{"age": 4}']
)
def test_what_is_no_memory_whole_and_alone_is_none(text: str) -> None:
    assert READER.bare(text) == []


TOOLS = {name: name for name in ("Person", "update_Person", "delete_memory", "Done", "UserFood")}


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("Person", "Person"),
        ("person", "Person"),
        ("functions.Person", "Person"),
        ("Person_tool", "Person"),
        ("mcp__memory__Person", "Person"),
        ("Person<|channel|>commentary", "Person"),
        ("create_person", "Person"),
        ("user_food", "UserFood"),
        ("updatePerson", "update_Person"),
        ("functions.edit_person:0", "update_Person"),
        ("remove_memory", "delete_memory"),
        ("memory_delete", "delete_memory"),
        ("Person.update", "update_Person"),
        ("done", "Done"),
    ],
)
def test_form_is_forgiven_where_one_tool_can_be_meant(name: str, tool: str) -> None:
    assert named(name, TOOLS) == tool


@pytest.mark.parametrize(
    "name", ["delete_Person", "search_person", "Persona", "Person_or_UserFood", "", "…"]
)
def test_another_action_or_two_tools_are_never_guessed(name: str) -> None:
    assert named(name, TOOLS) is None


class Move(BaseModel):
    """A move in a game, whose fields are called like those of a change."""

    number: int
    changes: dict[str, Any]
    note: Any = None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**40) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)
FIELDS = st.sampled_from(["name", "age", "city", "number", "changes", "note", "cited", "type"])


@given(
    name=st.sampled_from(["Person", "Move", "update_Person", "update_Move", "update_memory"]),
    arguments=st.dictionaries(FIELDS, VALUES, max_size=3),
    cites=st.booleans(),
)
def test_a_call_as_it_was_offered_means_what_it_means_in_other_forms(
    name: str, arguments: dict[str, Any], *, cites: bool
) -> None:
    allowed = AllowedActions(memory_schemas([Person, Move]), Permissions(), cites=cites)
    reader = CallReader(allowed)
    as_text = json.dumps(arguments)  # which is never read by the short way
    assert [one.proposal for one in reader.proposed(name, arguments, "i")] == [
        one.proposal for one in reader.proposed(name, as_text, "i")
    ]


def test_what_is_nested_too_deep_is_not_read() -> None:
    deep: Any = "x"
    for _ in range(150):
        deep = [deep]
    for name, arguments in (
        ("Person", {"name": deep}),
        ("update_Person", {"number": 0, "changes": {"name": deep}}),
    ):
        assert isinstance(proposals(name, arguments)[0], Unreadable)


def test_a_reader_can_be_copied() -> None:
    assert deepcopy(READER).proposed("Person", ANN, "i")[0].said == f"Person({json.dumps(ANN)})"
