"""Flows: jobs that say what they need, and the two drivers that get it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langgraph.func import entrypoint
from langgraph.store.base import GetOp, Item, Op, PutOp, SearchOp, TTLConfig
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

from longterm.effects import capabilities
from longterm.effects.drivers import arun, run
from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import (
    Ask,
    Batch,
    Flow,
    Has,
    Together,
    ask,
    fetch,
    get_op,
    put_op,
    search,
    search_op,
    together,
    write,
)
from longterm.errors import NoStoreError
from longterm.testing import HashEmbeddings, ScriptedChatModel

PLACE = ("memories", "alice")
#: Builds a graph around a function.
Graph = Callable[[Callable[[Any], Any], InMemoryStore | None], Any]
HELLO = [HumanMessage("hello")]
#: What LangGraph's own store can do beyond its interface.
HELD: dict[type[Any], bool] = {
    capabilities.Embedding: True,
    capabilities.CompareAndSet: False,
    capabilities.Revisions: False,
    capabilities.HybridSearch: False,
}


async def answer_of(model: Runnable[Any, Any]) -> str:
    reply = await ask(model, HELLO)
    return str(reply.text)


async def kept(key: str) -> Item | None:
    (item,) = await fetch([get_op(PLACE, key)])
    return item


async def remember(key: str, text: str) -> None:
    await write([put_op(PLACE, key, {"content": text})])


async def number(value: int) -> int:
    return value


async def failing(error: BaseException) -> None:
    raise error


# Driven by hand


def test_a_flow_says_what_it_asks() -> None:
    model = ScriptedChatModel()
    assert answer_of(model).send(None) == Ask(model, HELLO)


def test_a_flow_goes_on_with_the_answer_it_is_given() -> None:
    flow = answer_of(ScriptedChatModel())
    flow.send(None)
    with pytest.raises(StopIteration) as stop:
        flow.send(AIMessage("hi"))
    assert stop.value.value == "hi"


def test_reads_of_a_flow_are_one_batch() -> None:
    flow = fetch([get_op(PLACE, "a"), get_op(PLACE, "b")])
    assert flow.send(None) == Batch((get_op(PLACE, "a"), get_op(PLACE, "b")))
    flow.close()


@pytest.mark.parametrize("nothing", [fetch, search, write, together])
def test_nothing_to_do_takes_no_step(nothing: Any) -> None:
    with pytest.raises(StopIteration):
        nothing([]).send(None)


def test_an_error_thrown_into_a_flow_can_be_handled_there() -> None:
    async def careful() -> str:
        try:
            return await answer_of(ScriptedChatModel())
        except TimeoutError:
            return "too late"

    flow = careful()
    flow.send(None)
    with pytest.raises(StopIteration) as stop:
        flow.throw(TimeoutError())
    assert stop.value.value == "too late"


# Two drivers, one behaviour


async def test_both_drivers_give_the_model_s_answer() -> None:
    model = ScriptedChatModel("one", "two")
    assert run(answer_of(model)) == "one"
    assert await arun(answer_of(model)) == "two"


async def test_both_drivers_write_and_read_the_store() -> None:
    for_run, for_arun = InMemoryStore(), InMemoryStore()
    run(remember("k", "tea"), store=for_run)
    await arun(remember("k", "tea"), store=for_arun)
    item, other = run(kept("k"), store=for_run), await arun(kept("k"), store=for_arun)
    assert item is not None
    assert other is not None
    assert item.value == other.value == {"content": "tea"}


async def test_both_drivers_keep_the_order_of_flows_side_by_side() -> None:
    flows = [1, 2, 3]
    assert run(together([number(n) for n in flows])) == flows
    assert await arun(together([number(n) for n in flows])) == flows


async def test_both_drivers_raise_a_model_s_error_as_it_is() -> None:
    error = TimeoutError("slow")
    model = ScriptedChatModel(error, error)
    with pytest.raises(TimeoutError, match="slow"):
        run(answer_of(model))
    with pytest.raises(TimeoutError, match="slow"):
        await arun(answer_of(model))


async def test_both_drivers_ask_for_a_store_where_there_is_none() -> None:
    with pytest.raises(NoStoreError, match="store="):
        run(kept("k"))
    with pytest.raises(NoStoreError, match="store="):
        await arun(kept("k"))


async def test_both_drivers_hand_the_config_to_the_model() -> None:
    class Tags(BaseCallbackHandler):
        seen: ClassVar[list[Any]] = []

        @override
        def on_chat_model_start(self, *args: Any, tags: Any = None, **kwargs: Any) -> None:
            self.seen.append(tags)

    config: RunnableConfig = {"tags": ["t"], "callbacks": [Tags()]}
    model = ScriptedChatModel("ok", "ok")
    run(answer_of(model), config)
    await arun(answer_of(model), config)
    assert Tags.seen == [["t"], ["t"]]


def test_a_model_that_raises_stop_iteration_does_not_end_the_flow_quietly() -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        run(answer_of(ScriptedChatModel(StopIteration())))


# Only steps may be awaited


async def sleeping() -> None:
    await asyncio.sleep(0)


async def waiting_for_a_future() -> None:
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("foreign", [sleeping, waiting_for_a_future])
async def test_foreign_awaits_are_refused(foreign: Any) -> None:
    with pytest.raises(TypeError, match="not a step"):
        run(foreign())
    with pytest.raises(TypeError, match="not a step"):
        await arun(foreign())


# Side by side


async def test_the_first_error_side_by_side_comes_out() -> None:
    with pytest.raises(ValueError, match="bad"):
        run(together([number(1), failing(ValueError("bad"))]))
    with pytest.raises(ValueError, match="bad"):
        await arun(together([number(1), failing(ValueError("bad"))]))


async def test_an_error_cancels_the_flows_beside_it() -> None:
    async def never(_: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(ValueError, match="bad"):
        await arun(together([answer_of(RunnableLambda(never)), failing(ValueError("bad"))]))


def test_flows_side_by_side_really_run_at_once() -> None:
    meeting = threading.Barrier(2, timeout=30)

    def waits_for_the_other(_: Any) -> str:
        meeting.wait()
        return "met"

    model = ScriptedChatModel(waits_for_the_other, waits_for_the_other)
    assert run(together([answer_of(model), answer_of(model)])) == ["met", "met"]


def test_side_by_side_keeps_to_max_concurrency() -> None:
    model = ScriptedChatModel(*["ok"] * 5)
    config: RunnableConfig = {"max_concurrency": 1}
    assert run(together([answer_of(model) for _ in range(5)]), config) == ["ok"] * 5


def test_flows_side_by_side_may_split_again() -> None:
    async def split() -> list[int]:
        return await together([number(1), number(2)])

    assert run(together([split(), split()]), {"max_concurrency": 1}) == [[1, 2], [1, 2]]


def test_a_step_of_flows_side_by_side_holds_them() -> None:
    one = number(1)
    flow = together([one])
    assert flow.send(None) == Together((one,))
    flow.close()
    one.close()


# Cancellation


async def test_cancelling_reaches_the_flow_and_nothing_is_written(store: InMemoryStore) -> None:
    asked, cleaned = asyncio.Event(), asyncio.Event()

    async def never(_: Any) -> None:
        asked.set()
        await asyncio.Event().wait()

    async def ask_then_write() -> None:
        try:
            await answer_of(RunnableLambda(never))
            await remember("k", "tea")
        finally:
            cleaned.set()

    task = asyncio.create_task(arun(ask_then_write(), store=store))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()
    assert store.search(PLACE) == []


# Stores


class Remember(FlowRunnable[str, str]):
    """Stores what it is given, and answers in which store it was known already."""

    @override
    async def flow(self, input: str, config: RunnableConfig) -> str:
        item = await kept("k")
        await remember("k", input)
        return "new" if item is None else str(item.value["content"])


def test_a_runnable_used_in_two_graphs_writes_to_the_store_of_each(graph: Graph) -> None:
    runnable, first, second = Remember(), InMemoryStore(), InMemoryStore()
    assert graph(runnable.invoke, first).invoke("tea") == "new"
    assert graph(runnable.invoke, second).invoke("ale") == "new"
    assert [item.value for item in first.search(PLACE)] == [{"content": "tea"}]
    assert [item.value for item in second.search(PLACE)] == [{"content": "ale"}]


def test_an_explicit_config_in_a_node_does_not_hide_the_graph_s_store(
    store: InMemoryStore, node_graph: Graph
) -> None:
    def node(state: dict[str, str]) -> dict[str, str]:
        Remember().invoke(state["text"], {"configurable": {"other": 1}})
        return state

    node_graph(node, store).invoke({"text": "tea"})
    assert [item.value for item in store.search(PLACE)] == [{"content": "tea"}]


def test_a_given_store_wins_over_the_graph_s(store: InMemoryStore, graph: Graph) -> None:
    runnable, other = Remember(), InMemoryStore()
    runnable.store = store
    graph(runnable.invoke, other).invoke("tea")
    assert other.search(PLACE) == []
    assert len(store.search(PLACE)) == 1


async def test_a_runnable_works_inside_a_running_loop(store: InMemoryStore) -> None:
    runnable = Remember()
    runnable.store = store
    assert runnable.invoke("tea") == "new"
    assert await runnable.ainvoke("ale") == "tea"


def test_batch_runs_every_input(store: InMemoryStore) -> None:
    class Echo(FlowRunnable[str, str]):
        @override
        async def flow(self, input: str, config: RunnableConfig) -> str:
            return input

    assert Echo().batch(["a", "b"]) == ["a", "b"]


async def test_a_store_without_an_async_side_is_used_on_a_thread() -> None:
    class SyncOnly(InMemoryStore):
        threads: list[int]

        @override
        async def abatch(self, ops: Any) -> list[Any]:
            raise NotImplementedError

        @override
        def batch(self, ops: Any) -> list[Any]:
            self.threads = [*getattr(self, "threads", []), threading.get_ident()]
            return super().batch(ops)

    store = SyncOnly()
    await arun(remember("k", "tea"), store=store)
    assert store.get(PLACE, "k") is not None
    assert store.threads[0] != threading.get_ident()


class Recording(InMemoryStore):
    """Remembers the batches it was given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.batches: list[list[Op]] = []

    @override
    def batch(self, ops: Any) -> list[Any]:
        self.batches.append(list(ops))
        return super().batch(self.batches[-1])


def test_one_write_is_one_batch() -> None:
    store = Recording()
    run(write([put_op(PLACE, str(n), {"content": str(n)}) for n in range(5)]), store=store)
    assert [len(batch) for batch in store.batches] == [5]


def test_memories_with_equal_texts_to_embed_are_all_written() -> None:
    embed = HashEmbeddings()
    store = Recording(index={"dims": embed.dims, "embed": embed, "fields": ["user"]})
    ops = [put_op(PLACE, str(n), {"user": "ann", "food": str(n)}) for n in range(3)]
    run(write(ops), store=store)
    assert len(store.search(PLACE, query="ann")) == 3


def test_operations_are_settled_by_the_store_s_own_rules() -> None:
    class Keeping(Recording):
        supports_ttl = True
        ttl_config = TTLConfig(default_ttl=7, refresh_on_read=False)

    store = Keeping()
    flows: Sequence[Flow[Any]] = [
        write([put_op(PLACE, "k", {})]),
        fetch([get_op(PLACE, "k")]),
        search([search_op(PLACE)]),
    ]
    for flow in flows:
        run(flow, store=store)
    ((put,), (get,), (found,)) = store.batches
    assert isinstance(put, PutOp)
    assert isinstance(get, GetOp)
    assert isinstance(found, SearchOp)
    assert (put.ttl, get.refresh_ttl, found.refresh_ttl) == (7, False, False)


def test_what_a_model_says_inside_a_graph_is_not_streamed_to_its_user() -> None:
    model = ScriptedChatModel("private")

    def chat(_: str) -> str:
        return run(answer_of(model))

    stream = cast("Any", entrypoint)(store=InMemoryStore())(chat).stream(
        "x", stream_mode=["messages", "updates"]
    )
    assert list(stream) == [("updates", {"chat": "private"})]


@pytest.mark.parametrize("capability", [*HELD])
def test_each_capability_can_be_asked_of_a_foreign_store(capability: type[Any]) -> None:
    async def asked() -> bool:
        return await Has(capability)

    assert run(asked(), store=InMemoryStore()) is HELD[capability]
    assert asyncio.run(arun(asked(), store=InMemoryStore())) is HELD[capability]
