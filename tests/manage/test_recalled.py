"""A manager whose known memories a recall finds."""

from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.store.memory import InMemoryStore

from longterm import create_memory_store_manager, create_recall
from longterm.testing import ScriptedChatModel, tool_calls

NOTHING = tool_calls()
MINE = ("memories", "alice")


def memory(words: str) -> dict[str, Any]:
    return {"kind": "Memory", "content": {"content": words}}


def filled(store: InMemoryStore) -> InMemoryStore:
    store.put(MINE, "tea", memory("Alice drinks green tea"))
    store.put(MINE, "car", memory("Alice drives a red car"))
    store.put(MINE, "dog", memory("Alice walks a brown dog"))
    store.put((*MINE, "private"), "below", memory("Alice brews tea in a pot down below"))
    store.put(("turns", "alice"), "turn", {"kind": "Turn", "content": "Alice drinks green tea"})
    return store


def known_to(model: ScriptedChatModel) -> str:
    return model.asked[0].text


def test_the_model_sees_the_memories_the_recall_ranks_first(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    model = ScriptedChatModel(NOTHING)
    recall = create_recall(namespace=MINE)
    manager = create_memory_store_manager(model, query_limit=1, store=filled(store), recall=recall)

    manager.invoke({"messages": "Which tea do I drink?"}, alice)

    assert "green tea" in known_to(model)
    assert "red car" not in known_to(model)


@pytest.mark.parametrize("exact", [False, True])
def test_only_memories_that_the_manager_reaches_are_known(
    store: InMemoryStore, alice: RunnableConfig, *, exact: bool
) -> None:
    model = ScriptedChatModel(NOTHING)
    everything = [("turns", "{langgraph_user_id}"), ("memories", "{langgraph_user_id}")]
    recall = create_recall(namespace=everything)
    manager = create_memory_store_manager(
        model, store=filled(store), query_limit=9, recall=recall, exact=exact
    )

    manager.invoke({"messages": "Which tea do I drink?"}, alice)

    assert known_to(model).count("green tea") == 1
    assert ("below" in known_to(model)) is not exact


def test_an_earlier_message_has_its_say_too(store: InMemoryStore, alice: RunnableConfig) -> None:
    model = ScriptedChatModel(NOTHING)
    recall = create_recall(namespace=MINE)
    manager = create_memory_store_manager(model, query_limit=2, store=filled(store), recall=recall)
    said = [{"role": "user", "content": "My car is red"}, {"role": "user", "content": "Tea again"}]

    manager.invoke({"messages": said}, alice)

    assert "green tea" in known_to(model)
    assert "red car" in known_to(model)


async def test_what_was_recalled_can_be_changed(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    change = ("update_Memory", {"number": 0, "changes": {"content": "Alice drinks black tea"}})
    recall = create_recall(namespace=MINE)
    manager = create_memory_store_manager(
        ScriptedChatModel(tool_calls(change)), query_limit=1, store=filled(store), recall=recall
    )

    (put,) = await manager.ainvoke({"messages": "My tea is black now"}, alice)

    assert put["key"] == "tea"


def test_a_default_is_not_begun_anew_where_the_recall_looks_elsewhere(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    model = ScriptedChatModel(NOTHING)
    manager = create_memory_store_manager(
        model,
        default="a blank page",
        store=filled(store),
        recall=create_recall(namespace=("elsewhere",)),
    )

    manager.invoke({"messages": "Which tea do I drink?"}, alice)

    assert "blank page" not in known_to(model)
    assert "green tea" in known_to(model)
