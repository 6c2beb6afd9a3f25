"""After a summary, what each real client sends is what its service, and strict templates, take.

The templates of many open models refuse a system message that is not the first one, and a
conversation that the user does not begin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest
from anthropic_wire import AnthropicServer, blocks, text_block
from langchain.agents import create_agent  # type: ignore[reportUnknownVariableType]
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_ollama import ChatOllama
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.store.memory import InMemoryStore
from loose_wire import GoogleServer, OllamaServer, gemini, google, ollama, openai
from openai_wire import OpenAIServer, said
from typing_extensions import override
from wire_server import Invoke, ProviderServer, WireReply, require

from longterm import create_memory_store_manager
from longterm.integrations.middleware import LongtermMiddleware
from longterm.short_term import SummarizationNode, summarize_messages
from longterm.testing import ScriptedChatModel

# Of Google's client, about the class of its own sessions.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")

LIMITS: dict[str, Any] = {"max_tokens": 120, "max_summary_tokens": 40}
LONG = "word " * 90


def check_order(roles: list[str]) -> None:
    """Refuse as strict templates do: system first and once, then user and assistant in turn."""
    others = [role for role in roles[1:] if role != "tool"]
    require("system" not in others, "System message must be at the beginning.")
    said = [role for role in roles if role in ("user", "assistant")]
    require(said[:1] == ["user"], "The conversation must begin with the user.")
    turns = [role for role, before in zip(said, ["", *said], strict=False) if role != before]
    require(turns == said or "tool" in roles, "Roles must alternate.")


class StrictTemplates(OpenAIServer):
    """A server such as vLLM, with a strict chat template."""

    @override
    def check(self, headers: Mapping[str, str], body: dict[str, Any]) -> None:
        super().check(headers, body)
        check_order([message["role"] for message in body["messages"]])


class StrictOllama(OllamaServer):
    @override
    def check(self, headers: Mapping[str, str], body: dict[str, Any]) -> None:
        check_order([message["role"] for message in body["messages"]])


class StrictGoogle(GoogleServer):
    @override
    def check(self, headers: Mapping[str, str], body: dict[str, Any]) -> None:
        contents = cast("list[dict[str, Any]]", body["contents"])
        require(contents and contents[0]["role"] == "user", "contents must begin with the user.")
        require(all(one.get("parts") for one in contents), "contents must have parts.")


def anthropic(server: ProviderServer) -> ChatAnthropic:
    options: dict[str, Any] = {"api_key": "k", "base_url": server.root, "max_retries": 0}
    return ChatAnthropic(model="claude-sonnet-5", **options)  # pyright: ignore[reportCallIssue] - its types leave out the aliases


@dataclass(frozen=True)
class Provider:
    server: Callable[..., ProviderServer]
    client: Callable[[Any], Any]
    hello: WireReply


PROVIDERS = {
    "templates": Provider(StrictTemplates, openai, said("Hello")),
    "anthropic": Provider(AnthropicServer, anthropic, blocks(text_block("Hello"), stop="end_turn")),
    "google": Provider(StrictGoogle, google, gemini({"text": "Hello"})),
    "ollama": Provider(
        StrictOllama, lambda server: ChatOllama(model="m", base_url=server.root), ollama("Hello")
    ),
}

CALL: dict[str, Any] = {"name": "fetch", "args": {}, "id": "1"}
TALK = [HumanMessage(LONG), AIMessage(LONG), HumanMessage("Well?")]
WORK = [
    HumanMessage("Read it."),
    AIMessage("", tool_calls=[CALL]),
    ToolMessage(LONG, tool_call_id="1"),
]
HISTORIES: dict[str, list[Any]] = {
    "talk": TALK,
    "talk with a system message": [SystemMessage("Be kind."), *TALK],
    "talk with a system message in blocks": [
        SystemMessage([{"type": "text", "text": "Be kind."}]),
        *TALK,
    ],
    "work": [*TALK[:2], *WORK],
    "work with a system message": [SystemMessage("Be kind."), *TALK[:2], *WORK],
    "words too long to stay after a system message": [
        SystemMessage("Be kind."),
        HumanMessage(LONG * 3),
    ],
}


class State(MessagesState):
    summarized_messages: list[AnyMessage]
    context: dict[str, Any]


def summarizer() -> ScriptedChatModel:
    return ScriptedChatModel(*["They talked."] * 9)


every_provider = pytest.mark.parametrize("provider", PROVIDERS)
every_history = pytest.mark.parametrize("history", HISTORIES)


@every_provider
@every_history
async def test_a_history_in_short_is_taken(provider: str, history: str, invoke: Invoke) -> None:
    known = PROVIDERS[provider]
    with known.server(known.hello, known.hello) as server:
        first = summarize_messages(
            HISTORIES[history], running_summary=None, model=summarizer(), **LIMITS
        )
        assert first.running_summary is not None
        answer = await invoke(known.client(server), first.messages)
        # … and once more where the caller keeps nothing but what came out.
        again = summarize_messages(
            [*first.messages, answer, HumanMessage("Go on.")],
            running_summary=first.running_summary,
            model=summarizer(),
            **LIMITS,
        )
        await invoke(known.client(server), again.messages)
        assert server.refused == []
    assert str(again.messages).count("They talked.") == 1
    assert str(again.messages).count("Be kind.") == history.count("system message")


@every_provider
async def test_an_agent_with_a_prompt_and_a_summary_is_answered(
    provider: str, invoke: Invoke
) -> None:
    known = PROVIDERS[provider]
    quiet = create_memory_store_manager(ScriptedChatModel("Nothing"), namespace=("m",))
    summarize = SummarizationNode(model=summarizer(), **LIMITS)
    with known.server(known.hello) as server:
        agent: Any = create_agent(
            known.client(server),
            system_prompt="Be kind.",
            middleware=[LongtermMiddleware(quiet, summarize=summarize)],
            store=InMemoryStore(),
        )
        result = await invoke(agent, {"messages": TALK})
        assert server.refused == []
        assert "They talked." in str(server.requests[0])
    assert result["messages"][-1].text == "Hello"


@every_provider
async def test_a_graph_that_summarises_before_its_model_is_answered(
    provider: str, invoke: Invoke
) -> None:
    known = PROVIDERS[provider]
    summarize = SummarizationNode(model=summarizer(), **LIMITS)
    with known.server(known.hello) as server:
        client = known.client(server)

        def answer(state: State) -> Any:
            return {"messages": [client.invoke(state["summarized_messages"])]}

        async def aanswer(state: State) -> Any:
            return {"messages": [await client.ainvoke(state["summarized_messages"])]}

        builder: Any = StateGraph(State)
        builder.add_node("summarize", summarize)
        builder.add_node("answer", RunnableLambda(answer, aanswer))
        builder.add_edge(START, "summarize")
        builder.add_edge("summarize", "answer")
        given = {"messages": [SystemMessage("Be kind."), *TALK]}
        result = await invoke(builder.compile(), given)
        assert server.refused == []
    assert result["messages"][-1].text == "Hello"
