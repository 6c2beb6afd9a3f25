"""What reflects, and how it is called where it cannot block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import pytest
from langchain_core.runnables import Runnable, RunnableConfig, RunnableGenerator, RunnableLambda
from langchain_core.tools import StructuredTool
from langgraph.config import get_store
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

from longterm.errors import ConfigurationError
from longterm.reflect import LocalReflectionExecutor, ReflectionExecutor
from longterm.reflect.reflector import perform

SOON = 30

#: LangGraph's types say less of a graph than a test wants to use.
graph: Any = entrypoint
state_graph: Any = StateGraph


class Managed:
    """Like a manager, but with an awaited form only."""

    namespace = ("notes",)

    def __init__(self, store: BaseStore | None = None) -> None:
        self.store = store
        self.loops: list[asyncio.AbstractEventLoop] = []

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None) -> Any:
        self.loops.append(asyncio.get_running_loop())
        store = self.store or get_store()
        user = (config or {}).get("configurable", {})["user_id"]
        await store.aput(self.namespace, user, {"text": input})
        return f"kept {input}"


async def shout(payload: Any) -> Any:
    await asyncio.sleep(0)
    return f"{payload}!"


def quiet(payload: Any) -> Any:
    return payload


class OnlyAwaited(Runnable[Any, Any]):
    """A Runnable of a user's own that has to have a blocking form."""

    @override
    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        raise NotImplementedError

    @override
    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return await shout(input)


async def _shouted(parts: AsyncIterator[Any]) -> AsyncIterator[str]:
    async for part in parts:
        yield f"{part}!"


AWAITED: dict[str, Any] = {
    "lambda": RunnableLambda(shout),
    "entrypoint": graph()(shout),
    "sequence": RunnableLambda(quiet) | RunnableLambda(shout),
    "parallel": RunnableLambda(quiet)
    | {"text": RunnableLambda(shout)}
    | RunnableLambda(lambda found: cast("dict[str, Any]", found)["text"]),
    "bound": RunnableLambda(shout).with_config(tags=["mine"]),
    "own": OnlyAwaited(),
    "generator": RunnableGenerator(_shouted),
}


@pytest.mark.parametrize("name", AWAITED)
@pytest.mark.parametrize("store", [None, InMemoryStore()], ids=["alone", "in a graph"])
def test_what_can_only_be_awaited_reflects(name: str, store: BaseStore | None) -> None:
    assert perform(AWAITED[name], "kyoto", {}, store) == "kyoto!"


def test_a_graph_with_an_awaited_node_runs_each_of_its_nodes_once() -> None:
    counts: list[int] = []

    def first(state: dict[str, Any]) -> dict[str, Any]:
        counts.append(1)
        return state

    async def second(state: dict[str, Any]) -> dict[str, Any]:
        return {"text": await shout(state["text"])}

    builder = state_graph(dict)
    builder.add_node("first", first)
    builder.add_node("second", second)
    builder.add_edge(START, "first")
    builder.add_edge("first", "second")
    found = perform(builder.compile(), {"text": "kyoto"}, {}, InMemoryStore())
    assert found == {"text": "kyoto!"}
    assert counts == [1]


def test_an_awaited_tool_reflects() -> None:
    async def remember(text: str) -> str:
        """Remember *text*."""
        return await shout(text)

    tool = StructuredTool.from_function(coroutine=remember)
    assert perform(tool, {"text": "kyoto"}, {}, None) == "kyoto!"


def test_what_blocks_is_called_so_even_where_it_could_be_awaited() -> None:
    threads: list[str] = []

    def reflect(payload: str) -> str:
        threads.append(threading.current_thread().name)
        return payload

    perform(RunnableLambda(reflect, shout), "kyoto", {}, None)
    assert threads == [threading.current_thread().name]


@pytest.fixture(params=["in memory", "durable"])
def make(
    request: pytest.FixtureRequest, sqlite: Callable[[], str]
) -> Iterator[Callable[..., LocalReflectionExecutor]]:
    made: list[LocalReflectionExecutor] = []

    def make(reflector: Any, **options: Any) -> LocalReflectionExecutor:
        durable = sqlite() if request.param == "durable" else None
        made.append(ReflectionExecutor(reflector, durable=durable, **options))
        return made[-1]

    yield make
    for executor in made:
        executor.shutdown()


def test_executors_take_what_has_an_awaited_form_only(
    make: Callable[..., LocalReflectionExecutor],
) -> None:
    reflector, store = Managed(), InMemoryStore()
    executor = make(reflector, store=store)
    futures = [
        executor.submit(name, {"configurable": {"user_id": name}}, thread_id=name)
        for name in ("ann", "bob")
    ]
    assert [future.result(SOON) for future in futures] == ["kept ann", "kept bob"]
    assert {item.key for item in store.search(("notes",))} == {"ann", "bob"}
    # One loop for both: a client keeps its connections with the loop they were made on.
    assert len(set(reflector.loops)) == 1


def test_what_fails_while_awaited_is_on_the_future(
    make: Callable[..., LocalReflectionExecutor],
) -> None:
    async def fail(payload: str) -> None:
        raise ValueError(payload)

    future = make(RunnableLambda(fail)).submit("kyoto", {})
    assert isinstance(future.exception(SOON), Exception)
    assert "ValueError" in repr(future.exception())


async def test_a_store_that_is_bound_to_its_loop_is_used_there() -> None:
    class Bound(InMemoryStore):
        loop = asyncio.get_running_loop()

    reflector = Managed(Bound())
    async with ReflectionExecutor(reflector) as executor:
        future = executor.submit("kyoto", {"configurable": {"user_id": "ann"}})
        assert await asyncio.wrap_future(future) == "kept kyoto"
    assert reflector.loops == [asyncio.get_running_loop()]


@pytest.mark.parametrize("slip", [{"store": "m.db"}, {"retry": 3}, {"budget": 3}])
def test_an_option_of_another_type_is_refused_when_the_executor_is_made(
    slip: dict[str, Any],
) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(slip))} is a "):
        ReflectionExecutor(RunnableLambda(quiet), **slip)


def test_what_cannot_be_called_at_all_is_refused_when_the_executor_is_made() -> None:
    for nothing in (cast("Any", "a text".join), cast("Any", OnlyAwaited)):
        with pytest.raises(ConfigurationError, match="neither invoke nor ainvoke: pass a memory"):
            ReflectionExecutor(nothing)
