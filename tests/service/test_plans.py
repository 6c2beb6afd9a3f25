"""A plan from the day it is told to the day it is past: what the models are shown at each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import longterm
from longterm.testing import ScriptedChatModel, tool_calls

PLAN = "Ann flies to Porto on Friday, 2024-05-10"
NOW = datetime(2024, 6, 3, 10, tzinfo=UTC)
WAS = "Ann planned to fly to Porto on 2024-05-10"


def said(text: str, time: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text, "timestamp": time}]


def test_a_plan_is_shown_as_one_until_its_day_is_past() -> None:
    model = ScriptedChatModel(tool_calls(("Memory", {"content": PLAN})))
    with longterm.open(":memory:", embeddings=None, model=model) as memory:
        ann = memory.user("ann")
        ann.remember(said("I fly to Porto on Friday", "2024-05-06T10:00"))
        before, after = (
            ann.recall("When does Ann fly to Porto?", now=now).text
            for now in (datetime(2024, 5, 10, 9, tzinfo=UTC), datetime(2024, 5, 11, 9, tzinfo=UTC))
        )
    assert f"fact: {PLAN}" in before
    assert f"fact (planned, now past): {PLAN}" in after


def test_the_model_that_extracts_is_shown_the_day_and_asked_to_reword_what_is_past() -> None:
    model = ScriptedChatModel(
        tool_calls(("Memory", {"content": PLAN})),
        tool_calls(("update_Memory", {"number": 0, "changes": {"content": WAS}})),
    )
    with longterm.open(":memory:", embeddings=None, model=model) as memory:
        ann = memory.user("ann")
        ann.remember(said("I fly to Porto on Friday", "2024-05-06T10:00"), thread="1")
        ann.remember(said("What a week!", "2024-06-01T10:00"), thread="2")
        text = ann.recall("When does Ann fly to Porto?", now=NOW).text
    told, later = (asked.text for asked in model.asked)
    assert "[2024-05-06 10:00] user: I fly to Porto on Friday" in told
    assert "Reword a plan whose day is past" not in told  # none is known yet
    assert "Reword a plan whose day is past" in later
    assert PLAN in later
    assert "[2024-06-01 10:00] user: What a week!" in later
    assert f"fact: {WAS}" in text
    assert PLAN not in text


def test_where_messages_say_no_time_the_model_is_shown_the_day_that_now_names() -> None:
    model = ScriptedChatModel("Nothing")
    with longterm.open(":memory:", embeddings=None, model=model) as memory:
        memory.user("ann").remember("I fly to Porto on Friday", now=NOW)
    assert "Today is Monday, 2024-06-03." in model.asked[0].text


def test_where_two_days_could_be_meant_the_words_are_to_be_kept() -> None:
    model = ScriptedChatModel("Nothing")
    with longterm.open(":memory:", embeddings=None, model=model) as memory:
        memory.user("ann").remember(said("I fly next Saturday", "2024-01-26T10:00"))
    assert "where two days could be meant, keep the spoken words and the day" in model.asked[0].text
