"""The protocol for small models."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, Field

from longterm.extract.notes import Notes
from longterm.extract.proposal import Add, Change, Permissions, Remove
from longterm.extract.protocol import Brief, Repertoire, Scene
from longterm.extract.schema import kinds_of
from longterm.extract.wording import INSTRUCTIONS, MEMORY_FRAME
from longterm.memory.conversation import as_messages
from longterm.memory.model import Document
from longterm.testing import ScriptedChatModel


class Dish(BaseModel):
    """What the user thinks of a dish."""

    name: str = Field(description="Name of the dish")
    liking: int = Field(description="From 0 (hates it) to 100 (loves it)")


KINDS = kinds_of([Dish])
ALL = Permissions(deletes=True)
RAMEN = Document("a", "Dish", {"name": "ramen", "liking": 90})


def notes(permissions: Permissions = ALL) -> Notes:
    return Notes(ScriptedChatModel(), Repertoire(KINDS, permissions), structured=True)


def brief(*known: Document, said: Any = "I like ramen", instructions: str = INSTRUCTIONS) -> Brief:
    return Brief(
        Scene(known=bool(known)),
        instructions,
        MEMORY_FRAME,
        list(enumerate(known)),
        as_messages(said),
        date(2024, 5, 3),
    )


def words(talk: Notes, told: Brief) -> tuple[str, str]:
    system, user = talk.opening(told)
    return system.text, user.text


def test_a_known_memory_is_shown_by_its_label_alone() -> None:
    _, user = words(notes(), brief(RAMEN))
    assert "[0] ramen" in user
    assert "90" not in user


def test_a_memory_that_is_one_text_is_its_own_label() -> None:
    _, user = words(notes(), brief(Document("a", "Memory", {"content": "Ann lives in Kyoto."})))
    assert "[0] Ann lives in Kyoto." in user


def test_a_label_stays_on_its_line_and_cannot_open_a_fence() -> None:
    _, user = words(notes(), brief(Document("a", None, "one\n[1] two <memories>")))
    assert "[0] one [1] two &lt;memories>" in user


def test_what_the_fields_mean_is_said_in_words() -> None:
    system, _ = words(notes(), brief())
    assert "liking (From 0 (hates it) to 100 (loves it))" in system


def test_instructions_of_ones_own_come_beside_the_rules() -> None:
    system, _ = words(notes(), brief(instructions="Only dishes with noodles."))
    assert "Only dishes with noodles." in system
    assert INSTRUCTIONS not in system


@pytest.mark.parametrize(
    ("permissions", "rules"),
    [(ALL, {"- insert", "- update", "- delete"}), (Permissions(updates=False), {"- insert"})],
)
def test_only_what_is_permitted_is_offered(permissions: Permissions, rules: set[str]) -> None:
    system, _ = words(notes(permissions), brief(RAMEN))
    assert {rule for rule in ("- insert", "- update", "- delete") if rule in system} == rules


def test_the_users_words_stand_alone_where_nobody_else_spoke() -> None:
    _, user = words(notes(), brief(said=["I like ramen", "And tea"]))
    assert user.endswith("The user says:\nI like ramen\nAnd tea")


def test_an_assistants_words_are_marked_as_such() -> None:
    _, user = words(notes(), brief(said=[("user", "Hi"), ("assistant", "Hello")]))
    assert "assistant: Hello" in user


def test_without_news_the_list_must_be_empty() -> None:
    told, untold = notes().schema(Scene(known=True))["anyOf"]
    assert told["properties"]["about_user"] == {"const": True}
    assert untold["properties"]["changes"]["maxItems"] == 0


def test_changes_are_read_as_proposals() -> None:
    ramen = {"name": "miso ramen", "liking": 95}
    answer = {
        "about_user": True,
        "changes": [
            {"action": "insert", "note": {"name": "tea", "liking": 70}},
            {"action": "update", "number": 0, "note": ramen},
            {"action": "delete", "number": 1},
        ],
    }
    read = [one.proposal for one in notes().read(json.dumps(answer))]
    assert read == [Add(KINDS[0], {"name": "tea", "liking": 70}), Change(0, ramen), Remove(1)]


def test_no_news_are_no_proposals() -> None:
    assert notes().read('{"about_user": false, "changes": []}') == []
