"""The demo, with models that follow a script."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from longterm.cli import demo
from longterm.testing import ScriptedChatModel, tool_calls

RAMEN = {"food_name": "ramen", "cuisine": "Japanese", "preference": 95, "description": "loves it"}
Run = Callable[..., Any]
PASTA = {"food_name": "pasta", "cuisine": "Italian", "preference": 70, "description": "likes it"}


def played(model: Any, lang: str = "en") -> str:
    shown = io.StringIO()
    demo.run_demo(model, lang, Console(file=shown, width=120))
    return shown.getvalue()


def test_the_third_conversation_is_answered_from_what_the_others_left() -> None:
    model = ScriptedChatModel(
        tool_calls(("UserFoodPreference", RAMEN), ("UserFoodPreference", PASTA)),
        tool_calls(("delete_memory", {"number": 1})),
        "How about ramen?",
    )
    assert "How about ramen?" in played(model)
    asked = model.asked[-1].text
    assert "fact: food_name: ramen" in asked
    assert "pasta" not in asked


@pytest.mark.parametrize("lang", [*demo.SCRIPTS])
def test_the_scripted_demo_refines_one_dish_deletes_the_other_and_shows_the_past(lang: str) -> None:
    script = demo.SCRIPTS[lang]
    ramen, pasta, miso = script.dishes
    _, _, later = played(demo.scripted_model(lang), lang).partition("Conversation 2")
    rows = [line for line in later.splitlines() if "changed" in line or "deleted" in line]
    assert f"{ramen} → {miso}" in rows[0]
    assert pasta in rows[1]
    assert script.answer in later
    assert f"1. created: {ramen}" in later
    assert f"2. changed: {miso}" in later
    assert f"from “{script.learning[0]}”" in later
    assert f"from “{script.changing[0]}”" in later


def test_what_people_said_is_not_taken_for_markup() -> None:
    model = ScriptedChatModel(
        tool_calls(("UserFoodPreference", {**RAMEN, "description": "[red]loves[/red] it"})),
        tool_calls(),
        "[bold]ramen[/bold]",
    )
    assert "[red]loves[/red] it" in played(model)


def test_the_demo_as_json_is_its_answer_and_what_each_memory_said(run: Run) -> None:
    played = run("demo", "--lang", "en", "--scripted", "--json")
    shown = json.loads(played.stdout)
    assert "miso ramen" in shown["answer"]
    [memory] = shown["memories"]
    assert [one["action"] for one in memory["revisions"]] == ["created", "changed"]
