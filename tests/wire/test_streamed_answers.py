"""Half a call in an answer that was streamed is never taken for a whole one.

Clients put its parts together, and complete what broke off.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from loose_wire import LooseServer
from wire_server import Events

from longterm import create_memory_manager
from longterm.errors import DroppedWarning

TALK = "I am Ann, and I must not eat nuts."
WHOLE = json.dumps({"content": "Ann must not eat nuts."})
HALF = WHOLE[:24]


class ChatServer(LooseServer):
    path = "/v1/chat/completions"


class ClaudeServer(LooseServer):
    path = "/v1/messages"


def chat_events(arguments: str, finish: str | None) -> Events:
    call = {"index": 0, "id": "1", "type": "function"}
    deltas: list[dict[str, Any]] = [
        {"tool_calls": [{**call, "function": {"name": "Memory", "arguments": ""}}]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": one}}]} for one in arguments),
    ]
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": one, "finish_reason": None} for one in deltas
    ]
    if finish:
        choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    form = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return Events([{**form, "choices": [one]} for one in choices])


def claude_events(arguments: str, stop: str | None) -> Events:
    message: dict[str, Any] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
    }
    message |= {"stop_reason": None, "stop_sequence": None}
    message |= {"usage": {"input_tokens": 1, "output_tokens": 1}}
    block: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "Memory", "input": {}}
    parts = [{"type": "input_json_delta", "partial_json": one} for one in arguments]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": one} for one in parts),
    ]
    if stop:
        delta = {"stop_reason": stop, "stop_sequence": None}
        events += [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 2}},
            {"type": "message_stop"},
        ]
    return Events(events)


def openai(server: LooseServer, **options: Any) -> ChatOpenAI:
    options |= {"api_key": "k", "base_url": f"{server.root}/v1", "max_retries": 0}
    return ChatOpenAI(model="m", **options)


def anthropic(server: LooseServer, **options: Any) -> ChatAnthropic:
    options |= {"api_key": "k", "base_url": server.root, "max_retries": 0}
    return ChatAnthropic(model="claude-sonnet-5", **options)  # pyright: ignore[reportCallIssue] - its types leave out the aliases


Provider = tuple[type[LooseServer], Callable[..., Any], Callable[..., Events], str]
OPENAI: Provider = (ChatServer, openai, chat_events, "tool_calls")
CLAUDE: Provider = (ClaudeServer, anthropic, claude_events, "tool_use")
each_provider = pytest.mark.parametrize("provider", [OPENAI, CLAUDE], ids=["openai", "claude"])


def kept(found: Any) -> list[str]:
    return [one.content.content for one in found]


@each_provider
@pytest.mark.parametrize("ends", [True, False])
async def test_a_call_that_broke_off_is_asked_for_again(provider: Provider, *, ends: bool) -> None:
    served, client, events, end = provider
    torn, whole = events(HALF, end if ends else None), events(WHOLE, end)
    with served(torn, whole, torn, whole) as server:
        manager = create_memory_manager(client(server, streaming=True))
        assert kept(manager.invoke({"messages": TALK})) == ["Ann must not eat nuts."]
        assert kept(await manager.ainvoke({"messages": TALK})) == ["Ann must not eat nuts."]


@each_provider
def test_one_that_always_breaks_off_is_reported(provider: Provider) -> None:
    served, client, events, end = provider
    with served(*[events(HALF, end)] * 3) as server:
        manager = create_memory_manager(client(server, streaming=True))
        with pytest.warns(DroppedWarning, match="cut off"):
            assert kept(manager.invoke({"messages": TALK})) == []


def test_a_graph_that_streams_its_tokens_has_every_model_in_it_stream() -> None:
    found: list[str] = []
    with ChatServer(chat_events(HALF, "stop"), chat_events(WHOLE, "stop")) as server:
        manager = create_memory_manager(openai(server))

        def remember(state: MessagesState) -> dict[str, Any]:
            found.extend(kept(manager.invoke({"messages": state["messages"]})))
            return {}

        builder: Any = StateGraph(MessagesState)
        builder.add_node("remember", remember)
        builder.add_edge(START, "remember")
        asked = {"messages": [("user", TALK)]}
        assert list(builder.compile().stream(asked, stream_mode="messages")) == []
    assert server.requests[0]["stream"]
    assert found == ["Ann must not eat nuts."]
