"""Which errors are a client's that could not read an answer, and which are a program's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import RunnableLambda
from langchain_openai import ChatOpenAI
from typing_extensions import override

from longterm.effects.drivers import arun, run
from longterm.effects.readable import readable
from longterm.effects.steps import ask
from longterm.errors import UnreadableAnswerError

QUESTION = [HumanMessage("Who likes tea?")]


class OwnModel(BaseChatModel):
    """A program's own model, of which the method called *does* is written."""

    does: Any = None

    @property
    @override
    def _llm_type(self) -> str:
        return "own"

    @override
    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return self.does()


def _wrong() -> ChatResult:
    nothing: dict[str, Any] = {}
    return nothing["choices"]


def _empty() -> ChatResult:
    return ChatResult(generations=[])


@pytest.mark.parametrize(("does", "raised"), [(_wrong, KeyError), (_empty, IndexError)])
async def test_what_is_wrong_in_a_programs_own_model_stays_its_own(
    does: Any, raised: type[Exception]
) -> None:
    model = OwnModel(does=does)
    with pytest.raises(raised):
        run(ask(model, QUESTION))
    with pytest.raises(raised):
        await arun(ask(model, QUESTION))


@pytest.mark.parametrize("raised", [KeyError("choices"), TypeError(), ConnectionError(), OSError()])
def test_what_a_runnable_of_a_program_raises_comes_through(raised: Exception) -> None:
    def fail(_messages: Sequence[BaseMessage]) -> None:
        raise raised

    with pytest.raises(type(raised)) as caught:
        run(ask(RunnableLambda(fail), QUESTION))
    assert caught.value is raised


def test_a_client_beneath_a_programs_own_model_is_still_a_client() -> None:
    class Wrapped(ChatOpenAI):
        @override
        def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
            return cast("Any", self)._create_chat_result({"choices": None})

    model = Wrapped(model="m", api_key=lambda: "k")
    with pytest.raises(UnreadableAnswerError, match=r"TypeError in langchain_openai\."):
        run(ask(model, QUESTION))


def test_an_answer_that_no_parser_took_is_one_that_could_not_be_read() -> None:
    with pytest.raises(UnreadableAnswerError) as caught, readable():
        raise OutputParserException("no JSON")
    assert isinstance(caught.value.__cause__, OutputParserException)
