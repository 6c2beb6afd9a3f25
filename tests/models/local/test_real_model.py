"""The real model file on this machine: run with `-m local_model`, fetches it at need."""

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from longterm.settings import configured_chat_model

pytestmark = [pytest.mark.local_model, pytest.mark.timeout(3600)]

FOODS = {
    "title": "UserFoodPreferences",
    "type": "object",
    "properties": {
        "foods": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "food_name": {"type": "string"},
                    "cuisine": {"type": "string"},
                    "preference": {"type": "integer", "minimum": 0, "maximum": 100},
                    "description": {"type": "string"},
                },
                "required": ["food_name", "cuisine", "preference", "description"],
            },
        }
    },
    "required": ["foods"],
}
ASK = "List every food that the user talks about. preference: from 0 (hates it) to 100 (loves it)."


def extract(text: str) -> dict[str, Any]:
    # LangChain types the result by the schema's class; a schema in JSON has none.
    model: Any = configured_chat_model("qwen2.5-coder-1.5b")
    bound = model.with_structured_output(FOODS, method="json_schema")
    return bound.invoke([("system", ASK), ("user", text)])


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("我非常喜欢拉面!!\n我也喜欢意面", ("拉面", "意面")),
        ("I love ramen!!\nI also like pasta", ("ramen", "pasta")),
    ],
)
def test_it_finds_both_foods_and_keeps_to_the_schema(said: str, names: tuple[str, ...]) -> None:
    foods = extract(said)["foods"]
    found = json.dumps(foods, ensure_ascii=False).lower()
    assert all(name in found for name in names)
    assert all(0 <= food["preference"] <= 100 for food in foods)


async def test_it_answers_async_and_says_what_it_used() -> None:
    answer = await configured_chat_model("qwen2.5-coder-1.5b", max_tokens=8).ainvoke("Say hello.")
    assert isinstance(answer, AIMessage)
    assert answer.content
    assert answer.usage_metadata
    assert 0 < answer.usage_metadata["output_tokens"] <= 8


def test_a_prompt_that_is_too_long_is_an_error_that_says_so() -> None:
    model = configured_chat_model("qwen2.5-coder-1.5b", context=256)
    with pytest.raises(Exception, match="exceeds the available context size"):
        model.invoke("word " * 1000)
