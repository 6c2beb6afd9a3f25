"""The protocol for small models: notes under labels, and what is understood of the answers."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from longterm import create_memory_manager
from longterm.errors import DroppedWarning
from longterm.extract.proposal import Permissions
from longterm.extract.protocol import AllowedActions, State
from longterm.extract.schema import memory_schemas
from longterm.extract.small_models import SmallModelProtocol
from longterm.memory.model import Memory, RemoveDoc
from longterm.testing import ScriptedChatModel


class Dish(BaseModel):
    """What a person thinks of a dish."""

    name: str
    liking: int
    why: str


class Wish(BaseModel):
    """What the user wishes for."""

    wish: str


NOTHING = '{"user": "asks", "changes": []}'


def answer(*changes: dict[str, Any]) -> str:
    return json.dumps({"user": "tells", "changes": changes})


def managed(*script: str, existing: Any = (), **options: Any) -> list[Any]:
    manager = create_memory_manager(ScriptedChatModel(*script), protocol="notes", **options)
    result = manager.invoke({"messages": "Tea? Ale!", "existing": existing})
    return [memory.content for memory in result]


def shown(said: Any, existing: Any) -> str:
    model = ScriptedChatModel(NOTHING)
    manager = create_memory_manager(model, protocol="notes")
    manager.invoke({"messages": said, "existing": existing})
    return model.asked[0].messages[1].text


def actions(state: State, permissions: Permissions) -> list[str]:
    allowed = AllowedActions(memory_schemas([Memory]), permissions)
    schema = SmallModelProtocol(ScriptedChatModel(), allowed, structured=True).schema(state)
    options = schema["properties"]["changes"]["items"]["anyOf"]
    return [one["properties"]["action"]["const"] for one in options]


def test_a_note_is_inserted() -> None:
    insert = answer({"action": "insert", "note": {"content": "likes tea"}})
    assert managed(insert) == [Memory(content="likes tea")]


def test_a_note_is_updated_by_its_number() -> None:
    update = answer({"action": "update", "number": 0, "note": {"content": "likes ale"}})
    assert managed(update, existing=["likes tea"]) == [Memory(content="likes ale")]


def test_a_note_is_deleted_where_that_is_permitted() -> None:
    delete = answer({"action": "delete", "number": 0})
    gone = managed(delete, existing=[("k", "likes tea")], enable_deletes=True)
    assert gone == [RemoveDoc(json_doc_id="k")]
    with pytest.warns(DroppedWarning, match="not permitted"):
        kept = managed(delete, NOTHING, existing=[("k", "likes tea")])
    assert kept == [Memory(content="likes tea")]


TWO = ["likes tea", "has a dog"]


def test_a_change_of_a_note_that_nobody_spoke_of_is_a_new_note() -> None:
    slip = answer({"action": "update", "number": 1, "note": {"content": "likes ale"}})
    assert managed(slip, existing=TWO) == [Memory(content=it) for it in ("likes ale", *TWO)]


def test_a_note_that_nobody_spoke_of_is_not_deleted() -> None:
    slip = answer({"action": "delete", "number": 1})
    with pytest.warns(DroppedWarning, match="Nothing that was said"):
        kept = managed(slip, existing=TWO, enable_deletes=True)
    assert kept == [Memory(content=it) for it in TWO]


def test_a_profile_is_changed_whatever_was_said() -> None:
    change = answer({"action": "update", "number": 0, "note": {"content": "has a cat"}})
    kept = managed(change, existing=["likes tea"], enable_inserts=False)
    assert kept == [Memory(content="has a cat")]


def test_nothing_about_the_user_changes_nothing() -> None:
    assert managed(NOTHING) == []


def test_an_answer_that_was_cut_off_is_asked_again() -> None:
    cut = '{"user": "tells", "changes": [{"action": "insert", "note": {"content": "likes t'
    whole = answer({"action": "insert", "note": {"content": "likes tea"}})
    assert managed(cut, whole) == [Memory(content="likes tea")]


def test_only_what_is_permitted_is_offered_and_the_harmless_one_leads() -> None:
    everything = Permissions(deletes=True)
    assert actions(State(), everything) == ["insert"]
    assert actions(State(frozenset({"Memory"})), everything) == ["insert", "update", "delete"]
    assert actions(State(frozenset({"Memory"})), Permissions(inserts=False)) == ["update"]


def gates(permissions: Permissions) -> list[str]:
    allowed = AllowedActions(memory_schemas([Memory]), permissions)
    schema = SmallModelProtocol(ScriptedChatModel(), allowed, structured=True).schema(
        State(frozenset({"Memory"}))
    )
    return [one["properties"]["user"]["const"] for one in schema["anyOf"]]


def test_the_user_may_ask_to_forget_where_notes_may_be_deleted() -> None:
    assert gates(Permissions(deletes=True)) == ["tells", "forgets", "asks"]
    assert gates(Permissions()) == ["tells", "asks"]


def instructions_of(**options: Any) -> str:
    model = ScriptedChatModel(NOTHING)
    create_memory_manager(model, protocol="notes", **options).invoke({"messages": "hi"})
    return model.asked[0].messages[0].text


def test_only_what_is_permitted_is_told_and_shown_in_examples() -> None:
    assert '"delete"' in instructions_of(enable_deletes=True)
    assert "delete" not in instructions_of()
    assert "forget" not in instructions_of()
    assert "update" not in instructions_of(enable_updates=False)


def test_a_note_of_one_text_is_written_as_that_text() -> None:
    insert = answer({"action": "insert", "note": "Ann likes tea"})
    assert managed(insert) == [Memory(content="Ann likes tea")]
    update = answer({"action": "update", "number": 0, "note": "Ann likes ale"})
    assert managed(update, existing=["Ann likes tea"]) == [Memory(content="Ann likes ale")]


def test_a_note_of_several_fields_is_written_with_its_fields() -> None:
    insert = answer({"action": "insert", "note": {"name": "ramen", "liking": 90, "why": "salty"}})
    assert managed(insert, schemas=[Dish]) == [Dish(name="ramen", liking=90, why="salty")]


@pytest.mark.parametrize("nothing", ["", None])
def test_an_update_keeps_what_the_model_did_not_see_and_left_empty(nothing: Any) -> None:
    known = Dish(name="ramen", liking=90, why="salty")
    update = {"name": "miso ramen", "liking": 95, "why": nothing}
    changed = answer({"action": "update", "number": 0, "note": update})
    kept = managed(changed, schemas=[Dish], existing=[("k", known)])
    assert kept == [Dish(name="miso ramen", liking=95, why="salty")]


def test_an_update_that_says_nothing_changes_nothing() -> None:
    nothing = answer({"action": "update", "number": 0, "note": ""})
    assert managed(nothing, existing=["Ann likes tea"]) == [Memory(content="Ann likes tea")]


def test_a_schema_of_the_user_s_own_is_described_to_the_model() -> None:
    assert "What a person thinks of a dish." in instructions_of(schemas=[Dish])
    assert "What the user wishes for." in instructions_of(schemas=[Wish])


def test_what_others_say_is_told_in_its_place_and_under_their_name() -> None:
    said = [("user", "I work at Sony"), ("assistant", "As what?"), ("user", "I design cameras")]
    lines = shown(said, []).splitlines()[-3:]
    assert [line.partition(" says")[0] for line in lines] == [
        "The user",
        "The assistant",
        "The user",
    ]


def test_the_model_sees_labels_and_the_user_s_words() -> None:
    text = shown("I like tea", ["likes ale", ("k", {"x": "a walk", "y": 2})])
    assert "[0] likes ale\n[1] a walk" in text
    assert text.endswith('The user says: "I like tea"')


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_any_memory_is_one_line_that_can_be_sent(text: str) -> None:
    notes = shown("hi", [("k", text)]).partition("Notes:\n")[2].partition("\n\nThe user")[0]
    assert notes.startswith("[0]")
    assert len(notes.splitlines()) == 1
    assert notes.encode()
