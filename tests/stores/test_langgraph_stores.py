"""The store manager and the tools on LangGraph's own stores, with an index and without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.base import BaseStore, PutOp
from pydantic import BaseModel
from real_stores import OPENERS, Postgres, postgres_server, why_not

from longterm import (
    create_manage_memory_tool,
    create_memory_searcher,
    create_memory_store_manager,
    create_search_memory_tool,
)
from longterm.memory.model import Memory
from longterm.testing import ScriptedChatModel, tool_calls

TALK = [{"role": "user", "content": "I love ramen."}]
ANN: Any = {"configurable": {"langgraph_user_id": "ann@example.org"}}
BOB: Any = {"configurable": {"langgraph_user_id": "bob"}}

Call = Callable[..., Awaitable[Any]]


class Food(BaseModel):
    """A food the user has an opinion on."""

    name: str
    liking: int


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["indexed", "plain"])
def indexed(request: pytest.FixtureRequest) -> bool:
    return request.param == "indexed"


@pytest.fixture(params=OPENERS)
async def store(
    request: pytest.FixtureRequest,
    indexed: bool,  # noqa: FBT001 - a fixture
    tmp_path: Path,
) -> AsyncIterator[BaseStore]:
    if reason := why_not(request.param, indexed=indexed):
        pytest.skip(reason)
    needs_server = "Postgres" in request.param
    server = request.getfixturevalue("postgres") if needs_server else None
    async with OPENERS[request.param](indexed=indexed, folder=tmp_path, postgres=server) as opened:
        yield opened


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Call:
    """Call a method by its name, or its async twin; async stores take sync calls on threads."""

    async def by_thread(target: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(getattr(target, method), *args, **kwargs)

    async def awaited(target: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        return await getattr(target, f"a{method}")(*args, **kwargs)

    return by_thread if request.param == "sync" else awaited


def food(name: str, liking: int) -> tuple[str, dict[str, Any]]:
    return "Food", {"name": name, "liking": liking}


async def test_memories_are_inserted_found_and_kept_apart_by_user(
    store: BaseStore, call: Call
) -> None:
    model = ScriptedChatModel(tool_calls(food("ramen", 90), food("soba", 40)), tool_calls())
    manager = create_memory_store_manager(model, schemas=[Food], store=store)
    puts = await call(manager, "invoke", {"messages": TALK}, ANN)
    assert [put["value"]["content"]["name"] for put in puts] == ["ramen", "soba"]
    found = await call(manager, "search", query="ramen", config=ANN)
    assert {(item.key, item.value.name) for item in found} == {
        (put["key"], put["value"]["content"]["name"]) for put in puts
    }
    assert await call(manager, "search", query="ramen", config=BOB) == []


async def test_what_is_known_is_changed_and_deleted_in_a_later_conversation(
    store: BaseStore, call: Call
) -> None:
    model = ScriptedChatModel(
        tool_calls(food("ramen", 90), food("pasta", 80)),
        lambda asked: tool_calls(
            ("update_Food", {"number": number_of("ramen", asked.text), "changes": {"liking": 99}}),
            ("delete_memory", {"number": number_of("pasta", asked.text)}),
        ),
    )
    manager = create_memory_store_manager(model, schemas=[Food], enable_deletes=True, store=store)
    first = await call(manager, "invoke", {"messages": TALK}, ANN)
    second = await call(manager, "invoke", {"messages": TALK}, ANN)
    ramen = first[0]["key"]
    assert [put["key"] for put in second] == [ramen]
    (left,) = await call(manager, "search", config=ANN)
    assert (left.key, left.value) == (ramen, Food(name="ramen", liking=99))
    assert await call(manager, "get", first[1]["key"], config=ANN) is None


async def test_nothing_new_writes_nothing(store: BaseStore, call: Call) -> None:
    model = ScriptedChatModel(tool_calls(food("ramen", 90)), tool_calls(food("ramen", 90)))
    manager = create_memory_store_manager(model, schemas=[Food], store=store)
    (first,) = await call(manager, "invoke", {"messages": TALK}, ANN)
    before = await call(manager, "get", first["key"], config=ANN)
    assert await call(manager, "invoke", {"messages": TALK}, ANN) == []
    after = await call(manager, "get", first["key"], config=ANN)
    assert after.updated_at == before.updated_at


async def test_a_default_stands_before_the_first_run_and_is_saved_by_it(
    store: BaseStore, call: Call
) -> None:
    model = ScriptedChatModel(tool_calls())
    manager = create_memory_store_manager(
        model, schemas=[Food], default=Food(name="rice", liking=50), store=store
    )
    before = await call(manager, "get", "default", config=ANN)
    assert before.value == Food(name="rice", liking=50)
    puts = await call(manager, "invoke", {"messages": TALK}, ANN)
    assert [put["key"] for put in puts] == ["default"]
    (saved,) = await call(manager, "search", config=ANN)
    assert saved.value == Food(name="rice", liking=50)


async def test_a_profile_is_begun_once_and_kept_current(store: BaseStore, call: Call) -> None:
    model = ScriptedChatModel(
        tool_calls(food("ramen", 90)),
        tool_calls(("update_Food", {"number": 0, "changes": {"liking": 10}})),
    )
    manager = create_memory_store_manager(model, schemas=[Food], enable_inserts=False, store=store)
    await call(manager, "invoke", {"messages": TALK}, ANN)
    await call(manager, "invoke", {"messages": ["Something else entirely."]}, ANN)
    (profile,) = await call(manager, "search", config=ANN)
    assert profile.value == Food(name="ramen", liking=10)


async def test_the_one_that_matters_is_found_among_many(store: BaseStore, call: Call) -> None:
    model = ScriptedChatModel(tool_calls())
    manager = create_memory_store_manager(model, store=store, query_limit=3)
    contents = [f"Number {n} is a house on a hill." for n in range(130)]
    contents[7] = "Ann thinks ramen is best eaten at midnight."
    namespace = manager.get_namespace(ANN)
    ops = [
        PutOp(namespace, f"m{n}", {"kind": "Memory", "content": {"content": content}})
        for n, content in enumerate(contents)
    ]
    await fill(store, ops)
    await call(manager, "invoke", {"messages": TALK}, ANN)
    assert "ramen is best" in model.asked[0].text
    assert model.asked[0].text.count('{"content":') == 3


async def test_searching_takes_a_query_a_filter_a_limit_and_an_offset(
    store: BaseStore, call: Call
) -> None:
    model = ScriptedChatModel(
        tool_calls(*(food(name, liking) for liking, name in enumerate(["ramen", "soba", "udon"])))
    )
    manager = create_memory_store_manager(model, schemas=[Food], store=store)
    await call(manager, "invoke", {"messages": TALK}, ANN)
    by_kind = await call(manager, "search", filter={"kind": "Food"}, config=ANN)
    assert {item.value.name for item in by_kind} == {"ramen", "soba", "udon"}
    assert await call(manager, "search", filter={"kind": "Song"}, config=ANN) == []
    first = await call(manager, "search", limit=2, config=ANN)
    rest = await call(manager, "search", limit=2, offset=2, config=ANN)
    assert len({item.key for item in [*first, *rest]}) == 3


@pytest.mark.parametrize("indexed", ["indexed"], indirect=True)
async def test_an_index_ranks_what_a_query_means_first(store: BaseStore, call: Call) -> None:
    model = ScriptedChatModel(tool_calls(food("cold soba noodles", 1), food("spicy ramen", 2)))
    manager = create_memory_store_manager(model, schemas=[Food], store=store)
    await call(manager, "invoke", {"messages": TALK}, ANN)
    best, *_ = await call(manager, "search", query="spicy ramen", config=ANN)
    assert best.value.name == "spicy ramen"
    assert best.score is not None


@pytest.mark.parametrize(
    "user", ["a.b", "ann smith", "安娜", "🍜", 7, "a%2Eb", "langgraph", "x" * 300]
)
async def test_any_user_id_makes_a_namespace_of_its_own(
    store: BaseStore, call: Call, user: object
) -> None:
    config: Any = {"configurable": {"langgraph_user_id": user}}
    model = ScriptedChatModel(tool_calls(food("ramen", 90)))
    manager = create_memory_store_manager(model, schemas=[Food], store=store)
    await call(manager, "invoke", {"messages": TALK}, config)
    (item,) = await call(manager, "search", config=config)
    assert item.value == Food(name="ramen", liking=90)


async def test_the_tools_create_find_change_and_delete(store: BaseStore, call: Call) -> None:
    namespace = ("notes", "{langgraph_user_id}")
    manage = create_manage_memory_tool(namespace, store=store)
    search = create_search_memory_tool(namespace, store=store)
    created = await call(manage, "invoke", {"content": "likes ramen"}, ANN)
    key = created.removeprefix("created memory ")
    update = {"action": "update", "id": key, "content": "loves ramen"}
    assert await call(manage, "invoke", update, ANN) == f"updated memory {key}"
    (found,) = json.loads(await call(search, "invoke", {"query": "ramen"}, ANN))
    assert (found["key"], found["value"]) == (key, {"content": "loves ramen"})
    deleted = await call(manage, "invoke", {"action": "delete", "id": key}, ANN)
    assert deleted == f"Deleted memory {key}"
    assert json.loads(await call(search, "invoke", {"query": "ramen"}, ANN)) == []


async def test_a_manager_works_on_what_a_tool_wrote(store: BaseStore, call: Call) -> None:
    namespace = ("memories", "{langgraph_user_id}")
    await call(
        create_manage_memory_tool(namespace, store=store),
        "invoke",
        {"content": "Ann likes ramen."},
        ANN,
    )
    model = ScriptedChatModel(
        tool_calls(("update_memory", {"number": 0, "changes": {"content": "Ann loves ramen."}}))
    )
    manager = create_memory_store_manager(model, store=store)
    (put,) = await call(manager, "invoke", {"messages": TALK}, ANN)
    assert put["value"] == {"content": "Ann loves ramen."}


async def test_a_searcher_finds_by_several_queries(store: BaseStore, call: Call) -> None:
    model = ScriptedChatModel(tool_calls(("Memory", {"content": "Ann loves ramen."})))
    manager = create_memory_store_manager(model, store=store)
    await call(manager, "invoke", {"messages": TALK}, ANN)
    queries = ScriptedChatModel(
        tool_calls(("search_memory", {"query": "ramen"}), ("search_memory", {"query": "Ann"}))
    )
    searcher = create_memory_searcher(queries, store=store)
    (item,) = await call(searcher, "invoke", {"messages": TALK}, ANN)
    assert Memory(**item.value["content"]) == Memory(content="Ann loves ramen.")


def number_of(word: str, text: str) -> int:
    """Return the number under which the memory with *word* was shown."""
    (line,) = [line for line in text.splitlines() if line.startswith("[") and word in line]
    return int(line[1 : line.index("]")])


async def fill(store: BaseStore, ops: list[PutOp]) -> None:
    try:
        await store.abatch(ops)
    except NotImplementedError:  # LangGraph's SqliteStore has no async side
        store.batch(ops)
