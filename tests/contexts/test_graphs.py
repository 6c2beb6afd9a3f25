"""The store manager and the tools wherever LangGraph runs them, with the store from the context."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from langchain import agents
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.func import entrypoint, task
from langgraph.graph import (
    START,
    MessagesState,
    StateGraph,
)
from langgraph.prebuilt import ToolNode
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from longterm import (
    create_manage_memory_tool,
    create_memory_searcher,
    create_memory_store_manager,
    create_search_memory_tool,
)
from longterm.errors import NoStoreError
from longterm.manage.store_manager import MemoryStoreManager
from longterm.testing import ScriptedChatModel, tool_calls

TALK = [{"role": "user", "content": "I love ramen."}]
ANN: Any = {"configurable": {"langgraph_user_id": "ann"}}
BOB: Any = {"configurable": {"langgraph_user_id": "bob"}}

agent_of: Any = cast("Any", agents).create_agent  # LangChain leaves its types half open

#: Runs a graph, by one of its two ways in.
Call = Callable[..., Awaitable[Any]]


@pytest.fixture(params=["sync", "async"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def call(mode: str) -> Call:
    async def either(target: Any, *args: Any) -> Any:
        if mode == "sync":
            return await asyncio.to_thread(target.invoke, *args)
        return await target.ainvoke(*args)

    return either


def remembering(*contents: str, **options: Any) -> MemoryStoreManager:
    """Return a manager whose model remembers one of *contents* each time it is asked."""
    script = [tool_calls(("Memory", {"content": content})) for content in contents]
    return create_memory_store_manager(ScriptedChatModel(*script), **options)


def contents(store: BaseStore, *namespace: str) -> list[str]:
    items = store.search(("memories", *namespace))
    return [item.value["content"]["content"] for item in items]


async def test_in_a_plain_script_the_store_is_the_one_given(call: Call) -> None:
    store = InMemoryStore()
    await call(remembering("ramen", store=store), {"messages": TALK}, ANN)
    assert contents(store, "ann") == ["ramen"]


async def test_in_a_plain_script_without_a_store_the_error_says_what_to_do(call: Call) -> None:
    manager = remembering("ramen")
    with pytest.raises(NoStoreError, match=r"Pass store="):
        await call(manager, {"messages": TALK}, ANN)


async def test_in_an_entrypoint(call: Call, mode: str) -> None:
    store, manager = InMemoryStore(), remembering("ramen")

    @entrypoint(store=store)
    def sync_graph(messages: Any) -> Any:
        return manager.invoke({"messages": messages})

    @entrypoint(store=store)
    async def async_graph(messages: Any) -> Any:
        return await manager.ainvoke({"messages": messages})

    (put,) = await call(sync_graph if mode == "sync" else async_graph, TALK, ANN)
    assert put["namespace"] == ("memories", "ann")
    assert contents(store, "ann") == ["ramen"]


async def test_in_a_task_of_an_entrypoint(call: Call, mode: str) -> None:
    store, manager = InMemoryStore(), remembering("ramen")

    @task
    def remember(messages: Any) -> Any:
        return manager.invoke({"messages": messages})

    @task
    async def aremember(messages: Any) -> Any:
        return await manager.ainvoke({"messages": messages})

    @entrypoint(store=store)
    def sync_graph(messages: Any) -> Any:
        return remember(messages).result()

    @entrypoint(store=store)
    async def async_graph(messages: Any) -> Any:
        return await aremember(messages)

    await call(sync_graph if mode == "sync" else async_graph, TALK, ANN)
    assert contents(store, "ann") == ["ramen"]


def one_node_graph(node: Any, anode: Any, store: BaseStore, mode: str) -> Any:
    builder: Any = StateGraph(MessagesState)
    builder.add_node("remember", node if mode == "sync" else anode)
    builder.add_edge(START, "remember")
    return builder.compile(store=store)


@pytest.mark.parametrize("explicit", [False, True])
async def test_in_a_node_with_the_config_handed_on_or_not(
    call: Call,
    mode: str,
    explicit: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    store, manager = InMemoryStore(), remembering("ramen")

    def node(state: MessagesState, config: RunnableConfig) -> Any:
        manager.invoke({"messages": state["messages"]}, *([config] if explicit else []))
        return {}

    async def anode(state: MessagesState, config: RunnableConfig) -> Any:
        await manager.ainvoke({"messages": state["messages"]}, *([config] if explicit else []))
        return {}

    await call(one_node_graph(node, anode, store, mode), {"messages": TALK}, ANN)
    assert contents(store, "ann") == ["ramen"]


async def test_in_a_node_with_a_config_of_its_own_for_somebody_else(call: Call, mode: str) -> None:
    store, manager = InMemoryStore(), remembering("ramen")

    def node(state: MessagesState) -> Any:
        manager.invoke({"messages": state["messages"]}, BOB)
        return {}

    async def anode(state: MessagesState) -> Any:
        await manager.ainvoke({"messages": state["messages"]}, BOB)
        return {}

    await call(one_node_graph(node, anode, store, mode), {"messages": TALK}, ANN)
    assert contents(store, "bob") == ["ramen"]
    assert contents(store, "ann") == []


def nothing(_: Any) -> dict[str, Any]:
    return {}


async def test_as_a_node_itself(call: Call) -> None:
    store, manager = InMemoryStore(), remembering("ramen")
    builder: Any = StateGraph(MessagesState)
    builder.add_node("remember", manager | nothing)
    builder.add_edge(START, "remember")
    await call(builder.compile(store=store), {"messages": TALK}, ANN)
    assert contents(store, "ann") == ["ramen"]


async def test_reading_single_memories_in_a_node(call: Call, mode: str) -> None:
    store, manager = InMemoryStore(), remembering()
    seen: list[Any] = []

    def node(_: MessagesState) -> Any:
        manager.put("a", {"kind": "Memory", "content": {"content": "ramen"}})
        seen.extend([manager.get("a"), *manager.search(query="ramen")])
        manager.delete("a")
        return {}

    async def anode(_: MessagesState) -> Any:
        await manager.aput("a", {"kind": "Memory", "content": {"content": "ramen"}})
        seen.extend([await manager.aget("a"), *await manager.asearch(query="ramen")])
        await manager.adelete("a")
        return {}

    await call(one_node_graph(node, anode, store, mode), {"messages": TALK}, ANN)
    assert [item.value.content for item in seen] == ["ramen", "ramen"]
    assert contents(store, "ann") == []


async def test_two_graphs_with_two_stores_share_a_manager_and_nothing_leaks(
    call: Call, mode: str
) -> None:
    manager = remembering("of the first", "of the second", "of the first again")

    def node(state: MessagesState) -> Any:
        manager.invoke({"messages": state["messages"]})
        return {}

    async def anode(state: MessagesState) -> Any:
        await manager.ainvoke({"messages": state["messages"]})
        return {}

    one, two = InMemoryStore(), InMemoryStore()
    first, second = (one_node_graph(node, anode, store, mode) for store in (one, two))
    for graph in (first, second, first):
        await call(graph, {"messages": TALK}, ANN)
    assert sorted(contents(one, "ann")) == ["of the first", "of the first again"]
    assert contents(two, "ann") == ["of the second"]


async def test_a_store_given_wins_over_the_graph_s(call: Call, mode: str) -> None:
    own, graphs = InMemoryStore(), InMemoryStore()
    manager = remembering("ramen", store=own)

    def node(state: MessagesState) -> Any:
        manager.invoke({"messages": state["messages"]})
        return {}

    async def anode(state: MessagesState) -> Any:
        await manager.ainvoke({"messages": state["messages"]})
        return {}

    await call(one_node_graph(node, anode, graphs, mode), {"messages": TALK}, ANN)
    assert contents(own, "ann") == ["ramen"]
    assert contents(graphs) == []


async def test_in_a_tool_that_a_tool_node_runs(call: Call, mode: str) -> None:
    store, manager = InMemoryStore(), remembering("ramen")

    @tool
    def remember(text: str) -> str:
        """Remember a text."""
        return str(len(manager.invoke({"messages": [text]})))

    @tool("remember")
    async def aremember(text: str) -> str:
        """Remember a text."""
        return str(len(await manager.ainvoke({"messages": [text]})))

    builder: Any = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([remember if mode == "sync" else aremember]))
    builder.add_edge(START, "tools")
    asked = tool_calls(("remember", {"text": "I love ramen."}))
    answer = await call(builder.compile(store=store), {"messages": [asked]}, ANN)
    assert answer["messages"][-1].content == "1"
    assert contents(store, "ann") == ["ramen"]


async def test_an_agent_remembers_by_the_tools_and_finds_it_in_another_thread(call: Call) -> None:
    store, namespace = InMemoryStore(), ("notes", "{langgraph_user_id}")
    tools = [create_manage_memory_tool(namespace), create_search_memory_tool(namespace)]
    model = ScriptedChatModel(
        tool_calls(("manage_memory", {"content": "likes ramen"}), ("manage_memory", {})),
        "I will remember that.",
        tool_calls(("search_memory", {"query": "food"})),
        lambda asked: AIMessage(asked.messages[-1].text),
    )
    agent = agent_of(model, tools, store=store)
    first = await call(agent, {"messages": TALK}, ANN)
    good, bad = [message for message in first["messages"] if isinstance(message, ToolMessage)]
    assert str(good.content).startswith("created memory ")
    assert "content is missing" in str(bad.content)
    second = await call(agent, {"messages": [HumanMessage("What do I like?")]}, ANN)
    assert "likes ramen" in second["messages"][-1].text
    assert store.search(("notes", "bob")) == []


async def test_a_searcher_in_a_node(call: Call, mode: str) -> None:
    store = InMemoryStore()
    store.put(("memories", "ann"), "a", {"kind": "Memory", "content": {"content": "ramen"}})
    model = ScriptedChatModel(tool_calls(("search_memory", {"query": "ramen"})))
    searcher = create_memory_searcher(model)
    seen: list[Any] = []

    def node(state: MessagesState) -> Any:
        seen.extend(searcher.invoke({"messages": state["messages"]}))
        return {}

    async def anode(state: MessagesState) -> Any:
        seen.extend(await searcher.ainvoke({"messages": state["messages"]}))
        return {}

    await call(one_node_graph(node, anode, store, mode), {"messages": TALK}, ANN)
    assert [item.key for item in seen] == ["a"]
