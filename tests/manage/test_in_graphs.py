"""Managers and tools in LangGraph: the runtime's context, the user's stream, neighbours."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypedDict

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from longterm import (
    create_manage_memory_tool,
    create_memory_store_manager,
    create_search_memory_tool,
)
from longterm.errors import ConfigurationError
from longterm.guard import Guard
from longterm.manage.manager import MemoryManager
from longterm.manage.store_manager import MemoryStoreManager
from longterm.memory.namespace import NamespaceTemplate
from longterm.testing import ScriptedChatModel, tool_calls


@dataclass
class AsDataclass:
    user_id: str


class AsModel(BaseModel):
    user_id: str


class AsDict(TypedDict):
    user_id: str


class AsObject:
    def __init__(self) -> None:
        self.user_id = "ann"


class AsTuple(NamedTuple):
    user_id: str


class AsSlots:
    __slots__ = ("user_id",)

    def __init__(self) -> None:
        self.user_id = "ann"


class AsProperty:
    @property
    def user_id(self) -> str:
        return "ann"


class Note(BaseModel):
    """A note."""

    text: str


def graph_with(work: Any, schema: Any) -> Any:
    builder: Any = StateGraph(MessagesState, context_schema=schema)
    builder.add_node("work", work)
    builder.add_edge(START, "work")
    return builder


@pytest.mark.parametrize(
    ("schema", "context"),
    [
        (AsDataclass, AsDataclass("ann")),
        (AsModel, AsModel(user_id="ann")),
        (AsDict, {"user_id": "ann"}),
        (AsObject, AsObject()),
        (AsTuple, AsTuple("ann")),
        (AsSlots, AsSlots()),
        (AsProperty, AsProperty()),
    ],
)
@pytest.mark.parametrize("given", [None, {"configurable": {"thread_id": "1"}}])
def test_a_namespace_is_filled_from_the_runtime_context(
    store: InMemoryStore, schema: Any, context: Any, given: Any
) -> None:
    model = ScriptedChatModel(tool_calls(("Memory", {"content": "likes tea"})))
    manager = create_memory_store_manager(model, namespace=("m", "{user_id}"))

    def work(state: Any) -> dict[str, Any]:
        manager.invoke({"messages": state["messages"]}, given)
        return {}

    graph = graph_with(work, schema).compile(store=store)
    graph.invoke({"messages": [("user", "I like tea")]}, context=context)
    assert len(store.search(("m", "ann"))) == 1


@pytest.mark.parametrize("value", [True, None, [], {}, b"ann", float("nan")])
def test_a_context_whose_user_is_no_id_is_refused(store: InMemoryStore, value: Any) -> None:
    manager = create_memory_store_manager(ScriptedChatModel(), namespace=("m", "{user_id}"))

    def work(state: Any) -> dict[str, Any]:
        manager.invoke(state["messages"])
        return {}

    graph = graph_with(work, AsDict).compile(store=store)
    with pytest.raises(ConfigurationError, match="is not an id"):
        graph.invoke({"messages": [("user", "tea")]}, context={"user_id": value})


def test_what_is_configured_goes_before_the_context(store: InMemoryStore) -> None:
    manager = create_memory_store_manager(
        ScriptedChatModel(tool_calls(("Memory", {"content": "likes tea"}))),
        namespace=("m", "{user_id}"),
    )

    def work(state: Any) -> dict[str, Any]:
        manager.invoke(state["messages"])
        return {}

    graph = graph_with(work, AsDataclass).compile(store=store)
    config = {"configurable": {"user_id": "bob"}}
    graph.invoke({"messages": [("user", "tea")]}, config, context=AsDataclass("ann"))
    assert len(store.search(("m", "bob"))) == 1


def test_what_a_manager_s_model_says_is_not_in_the_user_s_stream(store: InMemoryStore) -> None:
    answer = '{"operations":[{"action":"add","kind":"Memory","content":{"content":"private"}}]}'
    manager = create_memory_store_manager(
        ScriptedChatModel(answer), namespace=("m",), protocol="text"
    )

    def work(state: Any) -> dict[str, Any]:
        manager.invoke(state["messages"])
        return {}

    graph = graph_with(work, None).compile(store=store)
    parts = list(graph.stream({"messages": [("user", "hi")]}, stream_mode="messages"))
    assert not [part for part, _ in parts if "private" in str(part.content)]
    assert len(store.search(("m",))) == 1


@pytest.mark.parametrize("now", [datetime(2024, 2, 29, 23, tzinfo=UTC), "2024-02-29T23:00:00"])
def test_the_user_s_day_counts(store: InMemoryStore, now: Any) -> None:
    model = ScriptedChatModel(tool_calls())
    manager = create_memory_store_manager(model, namespace=("m",), store=store)
    manager.invoke("hi", {"configurable": {"now": now}})
    assert "2024-02-29" in model.asked[0].text


# Namespaces


@pytest.mark.parametrize("blank", ["", "  ", "\u200b", "\u2060\ufeff ", None])
def test_a_blank_id_is_refused(blank: Any) -> None:
    with pytest.raises(ConfigurationError, match="without an owner"):
        NamespaceTemplate(("m", "{user}"))({"configurable": {"user": blank}})


def test_two_values_in_one_label_never_give_another_s_label() -> None:
    template = NamespaceTemplate(("{a}-{b}",))
    pairs = [("x-y", "z"), ("x", "y-z"), ("x%2Dy", "z"), ("x", "y%2Dz"), ("x", "y")]
    labels = {template({"configurable": {"a": a, "b": b}}) for a, b in pairs}
    assert len(labels) == len(pairs)
    assert ("x-y",) in labels


def test_two_placeholders_that_touch_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="touch"):
        NamespaceTemplate(("{a}{b}",))


# Tools always answer


class Down(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise RuntimeError("429 rate limit")

    def embed_query(self, text: str) -> list[float]:
        raise RuntimeError("429 rate limit")


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "arguments",
    [
        {"query": "tea"},
        {"query": "tea", "filter": {"content": {"$nonsense": 1}}},
        {"query": "tea", "limit": None, "offset": None, "filter": None},
    ],
)
def test_a_provider_that_is_down_is_an_answer(arguments: Any) -> None:
    store = InMemoryStore(index={"embed": Down(), "dims": 4})
    tool = create_search_memory_tool(("m",), store=store)
    assert "out of order" in tool.invoke(arguments) or "cannot" in tool.invoke(arguments)


@pytest.mark.parametrize("query", ["", "  ", None, "\0"])
def test_a_blank_query_finds_what_is_there(store: InMemoryStore, query: Any) -> None:
    store.put(("m",), "a", {"content": "mine"})
    assert "mine" in create_search_memory_tool(("m",), store=store).invoke({"query": query})


def test_null_stands_for_what_is_left_out(store: InMemoryStore) -> None:
    tool = create_manage_memory_tool(("m",), store=store)
    assert "created" in tool.invoke({"content": "likes tea", "action": None, "id": None})


def test_content_that_is_too_deep_is_an_answer(store: InMemoryStore) -> None:
    tool = create_manage_memory_tool(("m",), schema=Any, store=store)
    assert isinstance(tool.invoke({"content": deep(300)}), str)


def test_a_nul_loses_nothing(store: InMemoryStore) -> None:
    create_manage_memory_tool(("m",), store=store).invoke({"content": "a\0b"})
    assert [item.value for item in store.search(("m",))] == [{"content": "ab"}]


def test_the_tool_s_schema_says_that_nothing_is_required(store: InMemoryStore) -> None:
    schema: Any = create_manage_memory_tool(("m",), store=store).args_schema
    assert schema.model_json_schema()["required"] == []


# What LangMem's users read of a manager


def test_a_manager_is_made_by_its_class_as_well(store: InMemoryStore) -> None:
    model = ScriptedChatModel(tool_calls(("Note", {"text": "tea"})), tool_calls())
    manager = MemoryStoreManager(model, schemas=[Note], namespace=("n",), store=store)
    assert len(manager.invoke("I like tea")) == 1
    assert MemoryManager(model=model).invoke("hi") == []


def test_a_manager_made_by_its_class_deletes_as_langmem_s_does(store: InMemoryStore) -> None:
    gone = tool_calls(("delete_memory", {"number": 0}))
    model = ScriptedChatModel(tool_calls(("Note", {"text": "tea"})), gone)
    manager = MemoryStoreManager(model, schemas=[Note], namespace=("n",), store=store)
    manager.invoke("I like tea")
    manager.invoke("I do not care about tea any more")
    assert store.search(("n",)) == []


def test_a_manager_says_how_it_was_made(store: InMemoryStore) -> None:
    model = ScriptedChatModel()
    manager = create_memory_store_manager(
        model, schemas=[Note], instructions="Keep it.", namespace=("n",), store=store
    )
    assert (manager.model, manager.schemas, manager.instructions) == (model, (Note,), "Keep it.")
    assert (manager.query_limit, manager.default_factory, manager.store) == (5, None, store)
    assert (manager.enable_inserts, manager.enable_deletes, manager.phases) == (True, False, [])
    assert NamespaceTemplate(("a", "{user}")).vars == {1: "user"}


def test_a_manager_s_store_is_that_of_its_graph(store: InMemoryStore) -> None:
    manager = create_memory_store_manager(ScriptedChatModel(), namespace=("n",))
    seen: list[Any] = []

    def work(state: Any) -> dict[str, Any]:
        seen.append(manager.store)
        return {}

    graph_with(work, None).compile(store=store).invoke({"messages": [("user", "hi")]})
    assert seen == [store]
    with pytest.raises(ValueError, match="store"):
        _ = manager.store


def test_a_guard_that_asks_a_person_halts_the_run_of_a_tool(store: InMemoryStore) -> None:
    def ask_a_person(text: str) -> list[tuple[str, int, int]]:
        return [] if interrupt(f"May {text} be kept?") else [("secret", 0, len(text))]

    tool = create_manage_memory_tool(("m",), guard=Guard([ask_a_person]))
    builder: Any = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([tool]))
    builder.add_edge(START, "tools")
    graph = builder.compile(store=store, checkpointer=InMemorySaver())
    call = {"id": "1", "name": "manage_memory", "args": {"content": "likes tea"}}
    thread: Any = {"configurable": {"thread_id": "1"}}
    halted = graph.invoke({"messages": [AIMessage("", tool_calls=[call])]}, thread)
    assert halted["__interrupt__"]
    assert store.search(("m",)) == []
    graph.invoke(Command(resume=True), thread)
    assert [item.value for item in store.search(("m",))] == [{"content": "likes tea"}]
