"""The demo, with a model that follows a script."""

import io

from rich.console import Console

from longterm.cli import demo
from longterm.testing import ScriptedChatModel, tool_calls

RAMEN = {"food_name": "ramen", "cuisine": "Japanese", "preference": 95, "description": "loves it"}
PASTA = {"food_name": "pasta", "cuisine": "Italian", "preference": 70, "description": "likes it"}


def test_the_third_conversation_is_answered_from_what_the_others_left() -> None:
    model = ScriptedChatModel(
        tool_calls(("UserFoodPreference", RAMEN), ("UserFoodPreference", PASTA)),
        tool_calls(("delete_memory", {"number": 1})),
        "How about ramen?",
    )
    shown = io.StringIO()

    demo.run_demo(model, "en", Console(file=shown, width=100))

    assert "How about ramen?" in shown.getvalue()
    asked = model.asked[-1].text
    assert "fact: food_name: ramen" in asked
    assert "pasta" not in asked
    assert "not known" in asked
