"""A store that fails in the middle of a write: an error, and what was written is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from langgraph.store.base import Op, PutOp, Result
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

from longterm import create_manage_memory_tool, create_memory_store_manager
from longterm.errors import PartialWriteError
from longterm.testing import ScriptedChatModel, tool_calls

TALK = [{"role": "user", "content": "I love ramen, soba and udon."}]
ANN: Any = {"configurable": {"langgraph_user_id": "ann"}}
FOODS = ("ramen", "soba", "udon")

Call = Callable[..., Awaitable[Any]]


class DiskFullError(OSError):
    """What the store raises."""


class BreakingStore(InMemoryStore):
    """Fails at the *nth* put and ever after; until `mend`ed. *deaf*: it then reads no more."""

    def __init__(self, nth: int, *, deaf: bool = False) -> None:
        super().__init__()
        self._left = nth
        self._deaf = deaf
        self.puts = 0

    def mend(self) -> None:
        self._left = 1_000

    @override
    def batch(self, ops: Iterable[Op]) -> list[Result]:
        return [result for op in ops for result in self._one(op)]

    @override
    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return self.batch(ops)

    def _one(self, op: Op) -> list[Result]:
        if isinstance(op, PutOp):
            self._left -= 1
            self.puts += 1
        broken = self._left <= 0
        if broken and (self._deaf or isinstance(op, PutOp)):
            raise DiskFullError("No space left on device")
        return super().batch([op])


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Call:
    async def either(target: Any, *args: Any) -> Any:
        if request.param == "sync":
            return await asyncio.to_thread(target.invoke, *args)
        return await target.ainvoke(*args)

    return either


def adding() -> Any:
    return tool_calls(*(("Memory", {"content": food}) for food in FOODS))


def contents(store: InMemoryStore) -> list[str]:
    return [item.value["content"]["content"] for item in InMemoryStore.search(store, ("memories",))]


async def test_with_nothing_written_the_store_s_own_error_comes_through(call: Call) -> None:
    manager = create_memory_store_manager(ScriptedChatModel(adding()), store=BreakingStore(1))
    with pytest.raises(DiskFullError):
        await call(manager, {"messages": TALK}, ANN)


@pytest.mark.parametrize("nth", [2, 3])
async def test_the_error_says_what_was_written_and_what_was_not(call: Call, nth: int) -> None:
    store = BreakingStore(nth)
    manager = create_memory_store_manager(ScriptedChatModel(adding()), store=store)
    with pytest.raises(PartialWriteError) as caught:
        await call(manager, {"messages": TALK}, ANN)
    error = caught.value
    assert contents(store) == list(FOODS[: nth - 1])
    assert len(error.written) == nth - 1
    assert len(error.failed) == 4 - nth
    assert all(store.get(("memories", "ann"), key) for key in error.written)
    assert not any(store.get(("memories", "ann"), key) for key in error.failed)
    assert isinstance(error.__cause__, DiskFullError)
    assert all(key in str(error) for key in (*error.written, *error.failed))
    assert "No space left on device" in str(error)


async def test_of_a_store_that_reads_no_more_either_nothing_is_claimed(call: Call) -> None:
    store = BreakingStore(2, deaf=True)
    manager = create_memory_store_manager(ScriptedChatModel(adding()), store=store)
    with pytest.raises(PartialWriteError, match="may be written or not") as caught:
        await call(manager, {"messages": TALK}, ANN)
    assert caught.value.written == ()
    assert len(caught.value.failed) == 3
    assert isinstance(caught.value.__cause__, DiskFullError)


async def test_a_failed_write_is_not_tried_again_behind_the_caller_s_back(call: Call) -> None:
    store = BreakingStore(1)
    manager = create_memory_store_manager(ScriptedChatModel(adding()), store=store)
    with pytest.raises(DiskFullError):
        await call(manager, {"messages": TALK}, ANN)
    assert store.puts == 1


async def test_the_same_conversation_again_completes_what_is_missing(call: Call) -> None:
    store = BreakingStore(3)
    manager = create_memory_store_manager(ScriptedChatModel(adding(), adding()), store=store)
    with pytest.raises(PartialWriteError):
        await call(manager, {"messages": TALK}, ANN)
    store.mend()
    (put,) = await call(manager, {"messages": TALK}, ANN)
    assert put["value"]["content"] == {"content": "udon"}
    assert sorted(contents(store)) == sorted(FOODS)


async def test_a_delete_that_fails_leaves_the_memory_and_raises(call: Call) -> None:
    store = BreakingStore(2)
    store.put(("memories", "ann"), "old", {"kind": "Memory", "content": {"content": "ramen"}})
    model = ScriptedChatModel(tool_calls(("delete_memory", {"number": 0})))
    manager = create_memory_store_manager(model, enable_deletes=True, store=store)
    with pytest.raises(DiskFullError):
        await call(manager, {"messages": TALK}, ANN)
    assert contents(store) == ["ramen"]


async def test_a_tool_answers_that_the_memory_is_out_of_order(call: Call) -> None:
    tool = create_manage_memory_tool(("notes",), store=BreakingStore(1))
    assert "DiskFullError" in await call(tool, {"content": "likes ramen"}, ANN)
