"""The fakes that users may build their tests on."""

import math

import pytest
from hypothesis import given, strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from longterm.testing import Asked, HashEmbeddings, ScriptedChatModel, tool_calls


class Food(BaseModel):
    """A food."""

    name: str


def test_replies_come_in_the_order_of_the_script() -> None:
    model = ScriptedChatModel("one", AIMessage("two"))
    assert [model.invoke("?").text, model.invoke("?").text] == ["one", "two"]


def test_an_exception_in_the_script_is_raised() -> None:
    with pytest.raises(TimeoutError):
        ScriptedChatModel(TimeoutError()).invoke("?")


def test_a_function_in_the_script_sees_the_call() -> None:
    def shout(asked: Asked) -> str:
        return asked.text.upper()

    assert ScriptedChatModel(shout).invoke("hello").text == "HELLO"


def test_a_function_may_reply_with_an_exception_s_effect() -> None:
    def fail(_: Asked) -> str:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        ScriptedChatModel(fail).invoke("?")


def test_being_asked_more_often_than_scripted_is_an_error() -> None:
    with pytest.raises(AssertionError, match="0 replies"):
        ScriptedChatModel().invoke("?")


def test_the_model_remembers_what_it_was_asked() -> None:
    model = ScriptedChatModel("ok")
    model.bind_tools([Food], tool_choice="any").invoke([HumanMessage("hi")])
    (asked,) = model.asked
    assert (asked.text, asked.tool_names, asked.options) == ("hi", ["Food"], {"tool_choice": "any"})


def test_models_bound_from_one_share_its_script() -> None:
    model = ScriptedChatModel("one", "two")
    model.bind(stop=["x"]).invoke("?")
    assert model.invoke("?").text == "two"


async def test_the_model_answers_async_as_well() -> None:
    assert (await ScriptedChatModel("one").ainvoke("?")).text == "one"


def test_tool_calls_have_ids_of_their_own() -> None:
    message = tool_calls(("a", {}), ("b", {"x": 1}), text="so")
    assert [call["id"] for call in message.tool_calls] == ["call_0", "call_1"]
    assert message.text == "so"


@given(st.text())
def test_equal_texts_have_equal_vectors_of_length_one(text: str) -> None:
    embeddings = HashEmbeddings(16)
    vector = embeddings.embed_query(text)
    assert vector == embeddings.embed_documents([text])[0]
    assert math.isclose(math.hypot(*vector), 1.0)


def test_shared_words_bring_texts_together() -> None:
    ramen, also_ramen, cars = HashEmbeddings().embed_documents(
        ["likes ramen", "ramen for lunch", "drives fast cars"]
    )

    def similarity(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert similarity(ramen, also_ramen) > similarity(ramen, cars)
