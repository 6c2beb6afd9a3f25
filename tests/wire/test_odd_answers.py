"""Odd answers through the real clients: asked for again, else reported; never silence, never half.

The servers of OpenAI and Anthropic check what goes back to them, so that the second question is
one that the services take.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from anthropic_wire import AnthropicServer, blocks, text_block, thinking_block, use
from langchain_anthropic import ChatAnthropic
from langchain_ollama import ChatOllama
from loose_wire import (
    GoogleServer,
    OllamaServer,
    ResponsesServer,
    function_call,
    gemini,
    google,
    ollama,
    openai,
    response,
    responses,
)
from openai_wire import OpenAIServer, called, said
from typing_extensions import override
from wire_server import ProviderServer, WireReply

from longterm import create_memory_manager
from longterm.errors import DroppedWarning, LongtermError, UnreadableAnswerError

TALK = "I am Ann, and I must not eat nuts."
WHOLE = {"content": "Ann must not eat nuts."}
HALF = '{"content": "Ann must not'
SPELLED = json.dumps({"name": "Memory", "parameters": WHOLE})


def anthropic(server: ProviderServer) -> ChatAnthropic:
    options: dict[str, Any] = {"api_key": "k", "base_url": server.root, "max_retries": 0}
    return ChatAnthropic(model="claude-sonnet-5", **options)  # pyright: ignore[reportCallIssue] - its types leave out the aliases


def ollama_client(server: ProviderServer) -> ChatOllama:
    return ChatOllama(model="m", base_url=server.root)


@dataclass(frozen=True)
class Provider:
    server: Callable[..., ProviderServer]
    client: Callable[[Any], Any]
    #: An answer that adds the whole memory.
    whole: WireReply


def called_by_gemini(arguments: Any = None) -> dict[str, Any]:
    return {"functionCall": {"name": "Memory", "args": arguments or WHOLE}}


PROVIDERS = {
    "openai": Provider(OpenAIServer, openai, called(("Memory", WHOLE))),
    "responses": Provider(ResponsesServer, responses, response(function_call(json.dumps(WHOLE)))),
    "anthropic": Provider(AnthropicServer, anthropic, blocks(use("Memory", WHOLE))),
    "google": Provider(GoogleServer, google, gemini(called_by_gemini())),
    "ollama": Provider(OllamaServer, ollama_client, ollama(SPELLED)),
}

REASONING: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": []}
CUT_MESSAGE: dict[str, Any] = {
    "type": "message",
    "id": "m1",
    "role": "assistant",
    "status": "incomplete",
    "content": [{"type": "output_text", "text": "I wi", "annotations": []}],
}

#: By provider: answers that are asked for again.
ODD: list[tuple[str, WireReply]] = [
    ("openai", called(("Memory", HALF), finish="length")),
    ("openai", called(("Memory", HALF), finish="stop")),  # vLLM
    ("openai", called(("Memory", HALF), finish="tool_calls")),
    ("openai", called(("Memory", ""))),
    ("openai", called(("Memory", "[]"))),
    ("openai", called(("Memory", json.dumps("Ann must not eat nuts.")))),
    ("openai", called(("functions.Memory", {"content": 5}))),  # no name that may go back
    ("openai", said("")),
    ("openai", said(None)),
    ("openai", said(" \n")),
    ("openai", said("", reasoning_content="Ann must not eat nuts.")),  # DeepSeek, vLLM
    ("openai", said("<think>Ann must not eat nuts.</think>")),
    ("openai", said("Ann must not eat nuts.</think>")),
    ("openai", said("<think>Ann must", finish="length")),
    ("openai", said("Nothing to", finish="length")),
    ("openai", said("", finish="error")),
    ("openai", said("", finish="MAX_TOKENS")),
    ("openai", said("", finish="engine_overloaded")),
    ("openai", said("", finish="network_error")),
    ("openai", said("I have saved that you must not eat nuts.")),
    ("responses", response(function_call(HALF), status="incomplete", why="max_output_tokens")),
    ("responses", response(function_call(HALF + '"}', "incomplete"))),
    ("responses", response(function_call(HALF + '"}', "in_progress"), status="cancelled")),
    ("responses", response(REASONING, status="incomplete", why="max_output_tokens")),
    ("responses", response(REASONING)),
    ("responses", response(CUT_MESSAGE, status="incomplete", why="max_output_tokens")),
    ("responses", response()),
    ("anthropic", blocks(use("Memory", {"content": "Ann must"}), stop="max_tokens")),
    ("anthropic", blocks(use("Memory", {}), stop="max_tokens")),
    ("anthropic", blocks(thinking_block("nuts"), stop="max_tokens")),
    ("anthropic", blocks(text_block("Let me"), stop="pause_turn")),
    ("anthropic", blocks(use("Memory", {"content": "Ann"}), stop="output_limit_reached")),
    (
        "anthropic",
        blocks(use("Memory", {"content": "Ann"}), stop="model_context_window_exceeded"),
    ),
    ("google", gemini()),
    ("google", {"usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}}),
    ("google", gemini({"text": "nuts", "thought": True})),
    ("google", gemini({"text": "nuts", "thought": True}, finish="MAX_TOKENS")),
    ("google", gemini(called_by_gemini({"content": "Ann must"}), finish="MAX_TOKENS")),
    ("google", gemini({"functionCall": {"name": "Memory"}})),
    ("google", gemini(finish="UNEXPECTED_TOOL_CALL")),
    ("google", gemini(finish="OTHER")),
    ("ollama", ollama()),
    ("ollama", ollama(done="length")),
    ("ollama", ollama(SPELLED[:-12], done="length")),
    ("ollama", ollama(SPELLED[:-12])),
]


def kept(manager: Any) -> list[str]:
    return [memory.content.content for memory in manager.invoke({"messages": TALK})]


@pytest.mark.parametrize(("name", "odd"), ODD)
def test_what_is_no_answer_is_asked_for_again(name: str, odd: WireReply) -> None:
    provider = PROVIDERS[name]
    with provider.server(odd, provider.whole) as server:
        manager = create_memory_manager(provider.client(server))
        assert kept(manager) == ["Ann must not eat nuts."]
    assert not server.refused


@pytest.mark.parametrize(("name", "odd"), ODD)
def test_what_never_becomes_an_answer_is_reported(name: str, odd: WireReply) -> None:
    provider = PROVIDERS[name]
    script = [json.loads(json.dumps(odd).replace("toolu_", f"toolu_{turn}_")) for turn in range(3)]
    with provider.server(*script) as server:
        manager = create_memory_manager(provider.client(server))
        with pytest.warns(DroppedWarning):
            assert kept(manager) == []
    assert not server.refused


def test_arguments_encoded_twice_are_kept_and_what_else_was_called_is_asked_for() -> None:
    twice = ("Memory", json.dumps(json.dumps(WHOLE)))
    other = ("Memory", {"content": "Ann is here."})
    with OpenAIServer(called(twice, other), called(other)) as server:
        assert kept(create_memory_manager(openai(server))) == [*WHOLE.values(), "Ann is here."]
    assert not server.refused


REFUSED_CALL = blocks(use("Memory", {"content": "Ann mu"}), stop="refusal")
REFUSAL = {"type": "refusal", "refusal": "No."}


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("openai", said("I wi", finish="content_filter")),
        ("openai", said("", finish="sensitive")),  # GLM
        ("openai", called(("Memory", HALF), finish="content_filter")),
        ("openai", said(None, refusal="No.")),
        ("responses", response(CUT_MESSAGE, status="incomplete", why="content_filter")),
        ("responses", response({**CUT_MESSAGE, "status": "completed", "content": [REFUSAL]})),
        ("anthropic", blocks(stop="refusal")),
        ("anthropic", REFUSED_CALL),
        ("google", gemini({"text": "I wi"}, finish="SAFETY")),
        ("google", gemini(finish="IMAGE_SAFETY")),
        ("google", {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
    ],
)
def test_a_refusal_is_reported_and_not_asked_again(name: str, refusal: WireReply) -> None:
    provider = PROVIDERS[name]
    with provider.server(refusal, provider.whole) as server:
        manager = create_memory_manager(provider.client(server))
        with pytest.warns(DroppedWarning):
            assert kept(manager) == []
    assert len(server.requests) == 1


OLD_CALL = said(None, function_call={"name": "Memory", "arguments": json.dumps(WHOLE)})
TWO = [{"content": "Ann is here."}, {"content": "Bob is there."}]


@pytest.mark.parametrize(
    ("name", "answer", "count"),
    [
        ("openai", OLD_CALL, 1),
        ("openai", called(("", WHOLE)), 1),
        ("openai", called(("Memory", "".join(map(json.dumps, TWO)))), 2),
        ("openai", said(json.dumps(WHOLE)), 1),
        ("openai", called(("Memory", WHOLE), finish="eos"), 1),
        ("openai", called(("Memory", '{"content": "Nuts \\ud83e"}')), 1),
        ("openai", said(json.dumps({"content": "Nuts \ud83e"})), 1),
        ("anthropic", blocks(use("Memory", {"content": "Nuts \ud83e"})), 1),
        ("openai", said("I note that.</think>" + SPELLED), 1),
        (
            "responses",
            response(function_call(json.dumps(WHOLE)), CUT_MESSAGE, status="incomplete"),
            1,
        ),
        ("anthropic", blocks(use("Memory", WHOLE), text_block("and"), stop="max_tokens"), 1),
        (
            "google",
            gemini({"text": "```tool_code\nprint(default_api.Memory(content='Nuts.'))\n```"}),
            1,
        ),
        (
            "ollama",
            ollama("\n".join(json.dumps({"name": "Memory", "parameters": one}) for one in TWO)),
            2,
        ),
    ],
)
def test_what_is_whole_in_an_odd_answer_counts(name: str, answer: WireReply, count: int) -> None:
    provider = PROVIDERS[name]
    with provider.server(answer) as server:
        manager = create_memory_manager(provider.client(server))
        assert len(kept(manager)) == count


class LooseOpenAIServer(OpenAIServer):
    """Answers as servers do that only resemble OpenAI's."""

    @override
    def check_script(self, body: dict[str, Any], reply: dict[str, Any]) -> None:
        """Take any script."""


class LooseAnthropicServer(AnthropicServer):
    """Answers as a proxy in front of Anthropic's may."""

    @override
    def check_script(self, body: dict[str, Any], reply: dict[str, Any]) -> None:
        """Take any script."""


def _choice(message: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}


LOOSE = PROVIDERS | {
    "openai": replace(PROVIDERS["openai"], server=LooseOpenAIServer),
    "anthropic": replace(PROVIDERS["anthropic"], server=LooseAnthropicServer),
}
#: By provider: answers that its client cannot read.
UNREADABLE: list[tuple[str, WireReply]] = [
    ("openai", {"choices": []}),
    ("openai", {"choices": None}),
    ("openai", {"object": "chat.completion"}),
    ("openai", {"error": {"message": "The model is loading.", "code": 503}}),
    ("openai", _choice(None)),
    ("openai", _choice({"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]})),
    ("responses", {"id": "r"}),
    ("anthropic", {}),
    ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "Later."}}),
    ("google", {"candidates": [{"content": 5}]}),
    ("ollama", {}),
]


@pytest.mark.parametrize(("name", "odd"), UNREADABLE)
def test_what_a_client_cannot_read_is_asked_for_again(name: str, odd: WireReply) -> None:
    provider = LOOSE[name]
    with provider.server(odd, provider.whole) as server:
        assert kept(create_memory_manager(provider.client(server))) == ["Ann must not eat nuts."]
    assert len(server.requests) == 2


@pytest.mark.parametrize(("name", "odd"), UNREADABLE)
def test_what_a_client_can_never_read_is_an_error_that_says_what_to_do(
    name: str, odd: WireReply
) -> None:
    provider = LOOSE[name]
    with provider.server(odd, odd) as server:
        manager = create_memory_manager(provider.client(server))
        with pytest.raises(UnreadableAnswerError, match=r"Ask again: .* server's log") as raised:
            manager.invoke({"messages": TALK})
    assert len(server.requests) == 2
    assert not isinstance(raised.value.__cause__, LongtermError)
    assert f"{type(raised.value.__cause__).__name__} in " in str(raised.value)
    assert "loading" not in str(raised.value)


async def test_it_is_so_where_the_client_is_awaited() -> None:
    nothing: WireReply = {"choices": []}
    with (
        LooseOpenAIServer(nothing, nothing) as server,
        pytest.raises(UnreadableAnswerError, match=r"IndexError in langchain_openai\."),
    ):
        await create_memory_manager(openai(server)).ainvoke({"messages": TALK})


def test_arguments_that_ollamas_client_refuses_as_a_text_are_read() -> None:
    call = {"function": {"name": "Memory", "arguments": json.dumps(WHOLE)}}
    # What else there was in such an answer is asked for, as of OpenAI's client.
    with OllamaServer(ollama(tool_calls=[call]), ollama("Nothing else.")) as server:
        manager = create_memory_manager(ollama_client(server))
        with pytest.warns(DroppedWarning):
            assert kept(manager) == ["Ann must not eat nuts."]


def test_a_client_that_was_set_up_wrongly_says_so_itself() -> None:
    with OpenAIServer() as server:
        model = openai(server).bind(nonsense=True)
        with pytest.raises(TypeError, match="nonsense"):
            create_memory_manager(model).invoke({"messages": TALK})
