"""A store seen through a manager's namespace: get, search, put, delete, typed."""

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

from longterm import create_memory_store_manager
from longterm.errors import ConfigurationError, NoStoreError
from longterm.manage.store_manager import MemoryStoreManager
from longterm.memory.model import Memory
from longterm.stores import EmbeddedStore
from longterm.testing import ScriptedChatModel, tool_calls

ALICE = ("memories", "alice")
TEA = {"kind": "Memory", "content": {"content": "likes tea"}}


class Food(BaseModel):
    """A food."""

    name: str


def manager(store: BaseStore | None, *script: Any, **options: Any) -> MemoryStoreManager:
    return create_memory_store_manager(ScriptedChatModel(*script), store=store, **options)


@pytest.fixture
def keeper(store: InMemoryStore) -> MemoryStoreManager:
    return manager(store, schemas=[Memory, Food])


# Reading


async def test_a_value_is_an_instance_of_its_schema(
    keeper: MemoryStoreManager, store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "k", TEA)
    item, found = keeper.get("k", config=alice), keeper.search(config=alice)
    assert item is not None
    assert item.value == found[0].value == Memory(content="likes tea")
    assert (await keeper.aget("k", config=alice)) == item
    assert [one.value for one in await keeper.asearch(config=alice)] == [item.value]


@pytest.mark.parametrize(
    "odd",
    [
        {"kind": "Food", "content": {"old": 1}},
        {"kind": "Gone", "content": {"x": 1}},
        {"kind": "Food", "content": None},
        {"content": "from a tool"},
        {"anything": [1, 2]},
    ],
)
def test_one_odd_item_stays_raw_and_spoils_no_search(
    odd: Any, keeper: MemoryStoreManager, store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "odd", odd)
    store.put(ALICE, "k", TEA)
    values = {item.key: item.value for item in keeper.search(config=alice)}
    assert values == {"odd": odd, "k": Memory(content="likes tea")}


def test_an_item_shows_its_value_as_json_data(
    keeper: MemoryStoreManager, store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "k", TEA)
    item: Any = keeper.get("k", config=alice)
    (found,) = keeper.search(config=alice)
    assert item.dict()["value"] == {"content": "likes tea"}
    assert found.dict()["value"] == {"content": "likes tea"}


def test_query_filter_limit_and_offset_reach_the_store(
    indexed: InMemoryStore, alice: RunnableConfig
) -> None:
    for n, text in enumerate(["drives cars", "likes tea", "reads books"]):
        indexed.put(ALICE, str(n), {"kind": "Memory", "content": {"content": text}, "n": n})
    keeper = manager(indexed)
    best = keeper.search(query="tea", limit=1, config=alice)
    assert [item.key for item in best] == ["1"]
    assert best[0].score is not None
    assert [item.key for item in keeper.search(filter={"n": 2}, config=alice)] == ["2"]
    assert len(keeper.search(limit=2, offset=2, config=alice)) == 1


@pytest.mark.parametrize(
    "store", [InMemoryStore(), EmbeddedStore(":memory:")], ids=["plain", "own"]
)
def test_a_name_that_stands_in_most_memories_drowns_no_other(
    store: BaseStore, alice: RunnableConfig
) -> None:
    for n in range(40):
        text = f"Caroline went to town for the {n}th time"
        store.put(ALICE, str(n), {"kind": "Memory", "content": {"content": text}})
    kayak = {"kind": "Memory", "content": {"content": "Her sister bought a kayak in May"}}
    store.put(ALICE, "kayak", kayak)
    keeper = manager(store)
    found = keeper.search(query="When did Caroline buy a kayak?", limit=2, config=alice)
    assert found[0].key == "kayak"
    rest = keeper.search(query="When did Caroline buy a kayak?", offset=1, config=alice)
    assert len(rest) == 10
    assert "kayak" not in {item.key for item in rest}


def test_nothing_stored_is_nothing_found(keeper: MemoryStoreManager, alice: RunnableConfig) -> None:
    assert keeper.get("k", config=alice) is None
    assert keeper.get("default", config=alice) is None
    assert keeper.search(config=alice) == []


# Writing


async def test_put_and_delete_work_on_the_manager_s_namespace(
    keeper: MemoryStoreManager, store: InMemoryStore, alice: RunnableConfig
) -> None:
    keeper.put("a", TEA, config=alice)
    await keeper.aput("b", TEA, config=alice)
    assert {item.key for item in store.search(ALICE)} == {"a", "b"}
    keeper.delete("a", alice)
    await keeper.adelete("b", alice)
    assert store.search(ALICE) == []


@pytest.mark.parametrize("value", [Memory(content="likes tea"), "likes tea"])
def test_an_instance_of_a_schema_is_stored_with_its_kind(
    value: Any, keeper: MemoryStoreManager, store: InMemoryStore, alice: RunnableConfig
) -> None:
    keeper.put("k", value, config=alice)
    assert [item.value for item in store.search(ALICE)] == [TEA]


def test_a_namespace_is_filled_from_the_config(
    keeper: MemoryStoreManager, alice: RunnableConfig
) -> None:
    assert keeper.get_namespace(alice) == ALICE
    with pytest.raises(ConfigurationError, match="langgraph_user_id"):
        keeper.get("k")


def test_users_read_only_their_own(
    keeper: MemoryStoreManager, alice: RunnableConfig, bob: RunnableConfig
) -> None:
    keeper.put("k", TEA, config=alice)
    assert keeper.get("k", config=bob) is None
    assert keeper.search(config=bob) == []
    keeper.delete("k", bob)
    assert keeper.get("k", config=alice) is not None


# Defaults


@pytest.fixture
def with_default(store: InMemoryStore) -> MemoryStoreManager:
    return manager(store, default="likes tea")


def test_a_search_finds_the_default_where_nothing_is_stored(
    with_default: MemoryStoreManager, alice: RunnableConfig
) -> None:
    (item,) = with_default.search(config=alice)
    assert (item.key, item.value) == ("default", Memory(content="likes tea"))


@pytest.mark.parametrize("page", [{"offset": 1}, {"limit": 0}, {"filter": {"x": 1}}])
def test_the_default_is_on_the_first_page_only(
    page: Any, with_default: MemoryStoreManager, alice: RunnableConfig
) -> None:
    assert with_default.search(**page, config=alice) == []


def test_the_default_is_not_found_where_something_is_stored(
    with_default: MemoryStoreManager, alice: RunnableConfig
) -> None:
    with_default.put("k", TEA, config=alice)
    assert [item.key for item in with_default.search(config=alice)] == ["k"]
    assert with_default.search(offset=1, config=alice) == []


def test_what_is_stored_as_default_wins(
    with_default: MemoryStoreManager, store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "default", {"kind": "Memory", "content": {"content": "likes ale"}})
    item: Any = with_default.get("default", config=alice)
    assert item.value.content == "likes ale"


def test_a_default_of_another_key_is_not_made_up(
    with_default: MemoryStoreManager, alice: RunnableConfig
) -> None:
    assert with_default.get("other", config=alice) is None


# After a graph


def test_memories_can_be_read_after_the_graph_has_run(
    graph: Callable[..., Any], store: InMemoryStore, alice: RunnableConfig
) -> None:
    keeper = manager(None, tool_calls(("Memory", {"content": "likes tea"})))
    graph(keeper.invoke, store).invoke("tea", alice)
    assert len(keeper.search(config=alice)) == 1


def test_nothing_is_written_to_a_store_that_was_only_remembered(
    graph: Callable[..., Any], store: InMemoryStore, alice: RunnableConfig
) -> None:
    keeper = manager(None, tool_calls(("Memory", {"content": "likes tea"})))
    graph(keeper.invoke, store).invoke("tea", alice)
    with pytest.raises(NoStoreError):
        keeper.put("k", TEA, config=alice)


def test_after_two_graphs_it_is_not_guessed_which_store_is_meant(
    graph: Callable[..., Any], alice: RunnableConfig
) -> None:
    keeper, stores = manager(None, "no", "no"), [InMemoryStore(), InMemoryStore()]
    for store in stores:
        graph(keeper.invoke, store).invoke("tea", alice)
    with pytest.raises(NoStoreError):
        keeper.search(config=alice)
