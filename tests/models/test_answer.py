"""What a model's answer says, and whether it says no."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from longterm.models.answer import is_refusal, without_thoughts, words


@pytest.mark.parametrize(
    "text",
    [
        "<think>maybe {}</think>done",
        "<THINKING>maybe</THINKING> done",
        "done<reasoning>cut o",
    ],
)
def test_thoughts_are_no_part_of_an_answer(text: str) -> None:
    assert without_thoughts(text) == "done"
    assert words(AIMessage(text)) == "done"


def test_an_answer_in_blocks_is_read_as_its_text() -> None:
    blocks: list[Any] = [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "done"},
    ]
    assert words(AIMessage(content=blocks)) == "done"


@pytest.mark.parametrize("answer", [None, 3, {"a": 1}])
def test_what_is_no_text_says_nothing(answer: object) -> None:
    assert words(answer) == ""


@pytest.mark.parametrize(
    "answer",
    [
        AIMessage("I'm sorry, I can't help with that."),
        AIMessage("I cannot do this."),
        AIMessage("<think>Should I?</think>I won't."),
        AIMessage("", additional_kwargs={"refusal": "no"}),
        AIMessage("", response_metadata={"finish_reason": "content_filter"}),
        AIMessage(content=[{"type": "refusal", "refusal": "no"}]),
    ],
)
def test_a_refusal_is_noticed(answer: AIMessage) -> None:
    assert is_refusal(answer)


@pytest.mark.parametrize(
    "text", ["Ann cannot swim.", "I can't swim, said Ann. " * 40, "Sorrel grows here.", ""]
)
def test_what_only_sounds_like_one_is_none(text: str) -> None:
    assert not is_refusal(AIMessage(text))
