"""Calls of a streamed answer: whole ones stay, those that broke off are calls nobody can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from typing_extensions import override

from longterm.effects.drivers import arun, run
from longterm.effects.steps import ask

WHOLE, TORN = '{"content": "Ann must not eat nuts."}', '{"content": "Ann must'


class Streaming(BaseChatModel):
    """Streams calls whose arguments are *script*, letter by letter, one answer after the other."""

    script: list[list[str]]
    streaming: bool
    fails: bool = False

    @property
    @override
    def _llm_type(self) -> str:
        return "streaming"

    @override
    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for at, arguments in enumerate(self.script.pop(0)):
            for n, letter in enumerate(arguments):
                named = None if n else "Memory"
                id = None if n else str(at)
                part = ToolCallChunk(name=named, args=letter, id=id, index=at)
                yield ChatGenerationChunk(
                    message=AIMessageChunk(content="", tool_call_chunks=[part])
                )
        if self.fails and self.script:
            raise ConnectionError

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise AssertionError("It streams.")


def answered(model: Runnable[Any, Any], config: RunnableConfig | None = None) -> AIMessage:
    return run(ask(model, []), config)


def streaming(*script: list[str], fails: bool = False) -> Streaming:
    return Streaming(script=list(script), streaming=True, fails=fails)


def test_what_broke_off_is_no_call_that_was_read() -> None:
    answer = answered(streaming([WHOLE, TORN]))
    assert [call["args"] for call in answer.tool_calls] == [{"content": "Ann must not eat nuts."}]
    assert [call["args"] for call in answer.invalid_tool_calls] == [TORN]
    assert [call["id"] for call in answer.invalid_tool_calls] == ["1"]


async def test_awaiting_sees_as_much() -> None:
    answer = await arun(ask(streaming([TORN]), []))
    assert not answer.tool_calls
    assert [call["args"] for call in answer.invalid_tool_calls] == [TORN]


def test_what_an_attempt_left_that_was_made_again_is_forgotten() -> None:
    answer = answered(
        streaming([TORN], [WHOLE], fails=True).with_retry(wait_exponential_jitter=False)
    )
    assert len(answer.tool_calls) == 1
    assert not answer.invalid_tool_calls


def test_a_message_beside_what_was_parsed_is_looked_at_too() -> None:
    def beside(answer: AIMessage) -> dict[str, Any]:
        return {"raw": answer, "parsed": None}

    answer: Any = answered(streaming([TORN]) | RunnableLambda(beside))
    assert not answer["raw"].tool_calls
    assert answer["parsed"] is None


@pytest.mark.parametrize("arguments", ['{"content": "two\nlines"}', "{}"])
def test_a_whole_call_stays_as_it_was_read(arguments: str) -> None:
    answer = answered(streaming([arguments]))
    assert len(answer.tool_calls) == 1
    assert not answer.invalid_tool_calls


def test_what_a_program_listens_with_hears_on() -> None:
    class Ears(BaseCallbackHandler):
        tokens = 0

        @override
        def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
            self.tokens += 1

    ears = Ears()
    answered(streaming([TORN]), {"callbacks": [ears]})

    def within(_: str) -> AIMessage:
        return answered(streaming([TORN]))

    RunnableLambda(within).invoke("", {"callbacks": [ears]})
    assert ears.tokens >= 2 * len(TORN)
