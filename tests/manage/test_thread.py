"""One value read out of a conversation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from longterm import create_thread_extractor
from longterm.errors import ConfigurationError, ExtractionError, InvalidInputError
from longterm.manage.thread import ThreadExtractor
from longterm.memory.model import SummarizeThread
from longterm.testing import ScriptedChatModel, tool_calls

SUMMARY = tool_calls(("SummarizeThread", {"title": "Tea", "summary": "They like tea."}))


class Mood(BaseModel):
    """How the user feels."""

    score: int = Field(ge=0, le=10)


class Ticket(TypedDict):
    """A ticket."""

    title: str


@dataclass
class Order:
    """An order."""

    dish: str


def read(*script: Any, schema: Any = None, **options: Any) -> Any:
    make: Callable[..., ThreadExtractor[Any]] = create_thread_extractor
    extractor = make(ScriptedChatModel(*script), schema, **options)
    return extractor.invoke({"messages": "I like tea"})


def test_by_default_a_thread_is_summarized() -> None:
    assert read(SUMMARY) == SummarizeThread(title="Tea", summary="They like tea.")


@pytest.mark.parametrize(
    ("schema", "call", "value"),
    [
        (Mood, ("Mood", {"score": 7}), Mood(score=7)),
        (Ticket, ("Ticket", {"title": "Broken"}), {"title": "Broken"}),
        (Order, ("Order", {"dish": "ramen"}), Order("ramen")),
        ({"title": "Song", "properties": {"name": {}}}, ("Song", {"name": "x"}), {"name": "x"}),
    ],
)
def test_any_schema_can_be_read(schema: Any, call: Any, value: Any) -> None:
    assert read(tool_calls(call), schema=schema) == value


async def test_async_reads_the_same() -> None:
    make: Callable[..., ThreadExtractor[Any]] = create_thread_extractor
    extractor = make(ScriptedChatModel(SUMMARY))
    value = await extractor.ainvoke({"messages": ["I like tea"]})
    assert value.title == "Tea"


@pytest.mark.parametrize("protocol", ["json", "text"])
def test_a_value_can_be_read_from_json(protocol: Any) -> None:
    answer = '{"operations": [{"action": "add", "content": {"score": 7}}]}'
    assert read(answer, schema=Mood, protocol=protocol) == Mood(score=7)


def test_a_bare_json_object_is_a_value() -> None:
    assert read('{"score": 7}', schema=Mood, protocol="text") == Mood(score=7)


def test_the_model_is_told_to_answer_with_the_tool() -> None:
    model = ScriptedChatModel(SUMMARY)
    create_thread_extractor(model, instructions="In {one} line.").invoke({"messages": "hi"})
    (asked,) = model.asked
    assert asked.tool_names == ["SummarizeThread"]
    assert asked.options["tool_choice"] == "any"
    assert "In {one} line." in asked.text


@pytest.mark.parametrize("first", ["No.", AIMessage(""), tool_calls(("Mood", {"score": 70}))])
def test_a_first_answer_that_is_no_value_is_asked_again(first: Any) -> None:
    assert read(first, tool_calls(("Mood", {"score": 7})), schema=Mood) == Mood(score=7)


def test_without_a_value_the_error_tells_why() -> None:
    wrong = tool_calls(("Mood", {"score": 70}))
    with pytest.raises(ExtractionError, match="less than or equal to 10"):
        read(wrong, wrong, wrong, schema=Mood)


def test_a_refusal_is_an_error_that_says_so() -> None:
    refusal = AIMessage([{"type": "refusal", "refusal": "I will not."}])
    with pytest.raises(ExtractionError, match="refused"):
        read(refusal, refusal, refusal)


def test_a_model_s_error_comes_out_as_it_is() -> None:
    with pytest.raises(TimeoutError, match="slow"):
        read(TimeoutError("slow"))


@pytest.mark.parametrize("nothing", [{"messages": []}, {"messages": None}, []])
def test_no_messages_are_a_clear_error_and_cost_no_question(nothing: Any) -> None:
    with pytest.raises(InvalidInputError, match="no messages"):
        create_thread_extractor(ScriptedChatModel()).invoke(nothing)


def test_what_cannot_be_a_schema_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError):
        create_thread_extractor(ScriptedChatModel(), int)


def test_placeholders_of_the_instructions_are_filled_from_the_input() -> None:
    model = ScriptedChatModel(tool_calls(("SummarizeThread", {"title": "t", "summary": "s"})))
    extractor = create_thread_extractor(model, instructions="For {audience}; {left} stays.")
    given: Any = {"messages": "I like tea", "audience": "children"}
    extractor.invoke(given)
    assert "For children; {left} stays." in model.asked[0].text
