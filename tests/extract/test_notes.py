"""The protocol for small models: notes under labels, and what is understood of the answers."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm import create_memory_manager
from longterm.errors import DroppedWarning
from longterm.extract.notes import Notes
from longterm.extract.proposal import Permissions
from longterm.extract.protocol import Repertoire, Scene
from longterm.extract.schema import kinds_of
from longterm.memory.model import Memory, RemoveDoc
from longterm.testing import ScriptedChatModel

NOTHING = '{"about_user": false, "changes": []}'


def answer(*changes: dict[str, Any]) -> str:
    return json.dumps({"about_user": True, "changes": changes})


def managed(*script: str, existing: Any = (), **options: Any) -> list[Any]:
    manager = create_memory_manager(ScriptedChatModel(*script), protocol="notes", **options)
    result = manager.invoke({"messages": "hm", "existing": existing})
    return [memory.content for memory in result]


def shown(text: str, existing: Any) -> str:
    model = ScriptedChatModel(NOTHING)
    manager = create_memory_manager(model, protocol="notes")
    manager.invoke({"messages": text, "existing": existing})
    return model.asked[0].messages[1].text


def actions(scene: Scene, permissions: Permissions) -> list[str]:
    repertoire = Repertoire(kinds_of([Memory]), permissions)
    schema = Notes(ScriptedChatModel(), repertoire, structured=True).schema(scene)
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


def test_nothing_about_the_user_changes_nothing() -> None:
    assert managed(NOTHING) == []


def test_an_answer_that_was_cut_off_is_asked_again() -> None:
    cut = '{"about_user": true, "changes": [{"action": "insert", "note": {"content": "likes t'
    whole = answer({"action": "insert", "note": {"content": "likes tea"}})
    assert managed(cut, whole) == [Memory(content="likes tea")]


def test_only_what_is_permitted_is_offered_and_the_harmless_one_leads() -> None:
    everything = Permissions(deletes=True)
    assert actions(Scene(known=False), everything) == ["insert"]
    assert actions(Scene(known=True), everything) == ["insert", "update", "delete"]
    assert actions(Scene(known=True), Permissions(inserts=False)) == ["update"]


def test_the_model_sees_labels_and_the_user_s_words() -> None:
    text = shown("I like tea", ["likes ale", ("k", {"x": "a walk", "y": 2})])
    assert "[0] likes ale\n[1] a walk" in text
    assert text.endswith("The user says:\nI like tea")


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_any_memory_is_one_line_that_can_be_sent(text: str) -> None:
    notes = shown("hi", [("k", text)]).partition("Notes:\n")[2].partition("\n\nThe user")[0]
    assert notes.startswith("[0]")
    assert len(notes.splitlines()) == 1
    assert notes.encode()
