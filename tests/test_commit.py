"""commit: no change of another writer is overwritten, no failure goes unsaid."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from langgraph.store.base import BaseStore, GetOp, Item, Op, PutOp, Result
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

from longterm.commit import Committed, Policy, Skip, Write, commit, if_unchanged
from longterm.effects.capabilities import CompareAndSet, Revisions
from longterm.effects.drivers import arun, run
from longterm.effects.steps import Batch, Exclusive, Has, Replace, get_op, put_op
from longterm.errors import ConflictError, PartialWriteError
from longterm.stores import EmbeddedStore

PLACE = ("memories",)
WRITES = [Write(PLACE, key, {"content": key}) for key in ("a", "b", "c")]
by_user = partial(commit, actor="user", policy=Policy(keep_revisions=0))


class FailingStore(InMemoryStore):
    """Fails at the write after the first *after*; `reads_too` makes reading fail from then on."""

    def __init__(self, after: int = 0, *, reads_too: bool = False) -> None:
        super().__init__()
        self.after = after
        self.reads_too = reads_too
        self.failed = False

    @override
    def batch(self, ops: Any) -> list[Any]:
        return [self._one(op) for op in ops]

    @override
    async def abatch(self, ops: Any) -> list[Any]:
        return self.batch(ops)

    def _one(self, op: Op) -> Any:
        if isinstance(op, PutOp):
            self.after -= 1
            if self.after < 0:
                self.failed = True
                raise ConnectionError("disk full")
        elif self.failed and self.reads_too:
            raise ConnectionError("gone")
        return super().batch([op])[0]


# What is read and written


def test_what_is_there_is_read_before_it_is_written() -> None:
    lock = by_user([Write(PLACE, "t", {"content": "tea"})]).send(None)
    assert isinstance(lock, Exclusive)
    assert lock.namespaces == {PLACE}
    assert lock.flow.send(None) == Batch((get_op(PLACE, "t", refresh_ttl=False),))
    assert lock.flow.send([None]) == Replace((put_op(PLACE, "t", {"content": "tea"}),), (None,))
    lock.flow.close()


def test_what_has_a_fresh_key_is_read_only_where_the_store_cannot_tell_that_it_is_there() -> None:
    look = Batch((get_op(PLACE, "t", refresh_ttl=False),))
    write = Replace((put_op(PLACE, "t", {"content": "tea"}),), (None,))
    for compares, then in ((True, write), (False, look)):
        lock = by_user([Write(PLACE, "t", {"content": "tea"}, fresh=True)]).send(None)
        assert isinstance(lock, Exclusive)
        assert lock.flow.send(None) == Has(CompareAndSet)
        assert lock.flow.send(compares) == then
        lock.flow.close()


@pytest.mark.parametrize("make", [InMemoryStore, lambda: EmbeddedStore(":memory:")])
def test_a_fresh_key_that_is_there_after_all_is_read_and_its_history_goes_on(
    make: Callable[[], BaseStore],
) -> None:
    store = make()

    def create(text: str) -> Committed:
        def unless_there(item: Item | None) -> dict[str, Any] | Skip:
            return {"content": text} if item is None else Skip()

        write = Write(PLACE, "t", unless_there, fresh=True)
        return run(commit([write], actor="user"), store=store)

    assert [one.key for one in create("tea").written] == ["t"]
    assert create("ale").written == ()
    run(commit([Write(PLACE, "t", None)], actor="user"), store=store)
    (again,) = create("tea").written
    assert again.revision is not None
    assert again.revision.number == 3


def test_nothing_to_write_touches_no_store() -> None:
    assert run(by_user([])).written == ()


def test_an_edit_sees_what_is_there_and_may_leave_it_so(store: InMemoryStore) -> None:
    store.put(PLACE, "t", {"content": "tea"})
    seen: list[Any] = []

    def leave(item: Item | None) -> Skip:
        seen.append(item and item.value)
        return Skip("it is better as it is")

    done = run(by_user([Write(PLACE, "t", leave), Write(PLACE, "u", leave)]), store=store)
    assert seen == [{"content": "tea"}, None]
    assert (done.written, done.lost) == ((), ("it is better as it is",) * 2)


def test_what_an_edit_raises_comes_out_with_nothing_written(store: InMemoryStore) -> None:
    def refuse(_: Item | None) -> dict[str, Any]:
        raise ConflictError("not as expected")

    with pytest.raises(ConflictError, match="not as expected"):
        run(by_user([WRITES[0], Write(PLACE, "t", refuse)]), store=store)
    assert store.search(PLACE) == []


def test_the_history_is_written_in_the_same_batch(store: InMemoryStore) -> None:
    lock = commit([Write(PLACE, "t", {"content": "tea"}, fresh=True)], actor="user").send(None)
    assert isinstance(lock, Exclusive)
    assert lock.flow.send(None) == Has(Revisions)
    assert lock.flow.send(False) == Has(CompareAndSet)  # noqa: FBT003 - the answer to the step
    write = lock.flow.send(True)  # noqa: FBT003 - the answer to the step
    assert isinstance(write, Replace)
    assert [op.namespace for op in write.ops] == [PLACE, ("longterm-history", *PLACE)]
    assert write.ops[1].index is False
    lock.flow.close()


def test_a_value_of_none_deletes(store: InMemoryStore) -> None:
    store.put(PLACE, "a", {"content": "old"})
    (gone,) = run(by_user([Write(PLACE, "a", None)]), store=store).written
    assert (gone.key, gone.value, store.search(PLACE)) == ("a", None, [])


# A store that fails


def test_a_failure_says_what_was_written_and_what_was_not() -> None:
    with pytest.raises(PartialWriteError, match="disk full") as error:
        run(by_user(WRITES), store=FailingStore(2))
    assert (error.value.written, error.value.failed) == (("a", "b"), ("c",))
    assert isinstance(error.value.__cause__, ConnectionError)


def test_with_nothing_written_the_store_s_own_error_comes_through() -> None:
    with pytest.raises(ConnectionError, match="disk full"):
        run(by_user(WRITES), store=FailingStore())


async def test_with_nothing_written_the_store_s_own_error_comes_through_in_a_loop() -> None:
    with pytest.raises(ConnectionError, match="disk full"):
        await arun(by_user(WRITES), store=FailingStore())


def test_what_stood_there_before_does_not_count_as_written() -> None:
    store = FailingStore(1)
    store.put(PLACE, "a", {"content": "a"})
    with pytest.raises(ConnectionError):
        run(by_user(WRITES), store=store)


def test_where_reading_fails_too_nothing_counts_as_written() -> None:
    with pytest.raises(PartialWriteError, match="written or not") as error:
        run(by_user(WRITES), store=FailingStore(2, reads_too=True))
    assert (error.value.written, error.value.failed) == ((), ("a", "b", "c"))


def test_a_delete_counts_as_written_when_the_memory_is_gone() -> None:
    store = FailingStore(2)
    store.put(PLACE, "a", {"content": "old"})
    with pytest.raises(PartialWriteError) as error:
        run(by_user([Write(PLACE, "a", None), WRITES[1]]), store=store)
    assert (error.value.written, error.value.failed) == (("a",), ("b",))


# Others change a memory between the reading and the writing


class Hasty(EmbeddedStore):
    """A store in which another writer adds to a memory just after each of *times* readings."""

    def __init__(self, times: int) -> None:
        self.times = 0
        super().__init__(":memory:")
        self.put(PLACE, "t", {"content": "tea"})
        self.times = times

    @override
    def batch(self, ops: Iterable[Any]) -> list[Result]:
        ops = list(ops)
        answers = super().batch(ops)
        if self.times and any(isinstance(op, GetOp) for op in ops):
            self.times -= 1
            self.put(PLACE, "t", {"content": f"{self.text}, cup {self.times}"})
        return answers

    @override
    async def abatch(self, ops: Iterable[Any]) -> list[Result]:
        return self.batch(ops)

    @property
    def text(self) -> str:
        item = super().batch([GetOp(PLACE, "t")])[0]
        assert isinstance(item, Item)
        return item.value["content"]


def adding(word: str) -> Write:
    """Return a write that adds *word* to what memory t says."""

    def edit(item: Item | None) -> dict[str, Any]:
        return {"content": f"{item.value['content']}, {word}" if item else word}

    return Write(PLACE, "t", edit)


def test_an_edit_is_made_on_what_a_memory_is_when_it_is_written() -> None:
    with Hasty(3) as store:
        run(by_user([adding("ale")]), store=store)
        assert store.text == "tea, cup 2, cup 1, cup 0, ale"


async def test_an_edit_is_made_on_what_a_memory_is_in_a_loop_as_well() -> None:
    with Hasty(3) as store:
        await arun(by_user([adding("ale")]), store=store)
        assert store.text == "tea, cup 2, cup 1, cup 0, ale"


def test_who_is_overtaken_again_and_again_gives_up_aloud() -> None:
    with Hasty(10_000) as store, pytest.raises(ConflictError):
        run(by_user([adding("ale")]), store=store)


def add(store: Any, word: str) -> None:
    run(by_user([adding(word)]), store=store)


WORDS = [f"word{number}" for number in range(40)]


def words_in(store: Any) -> list[str]:
    return sorted(store.get(PLACE, "t").value["content"].split(", "))


def test_no_edit_is_lost_however_many_write() -> None:
    with EmbeddedStore(":memory:") as store, ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(add, store), WORDS))
        assert words_in(store) == sorted(WORDS)


class Slow(InMemoryStore):
    """A store whose readers wait for each other: all read before any of them writes.

    With commits that take turns, a reader waits in vain and goes on.
    """

    def __init__(self, readers: int) -> None:
        super().__init__()
        self.together = threading.Barrier(readers, timeout=0.02)

    @override
    def batch(self, ops: Iterable[Op]) -> list[Result]:
        ops = list(ops)
        answers = super().batch(ops)
        if isinstance(ops[0], GetOp):
            try:
                self.together.wait()
            except threading.BrokenBarrierError:
                self.together.reset()
        return answers

    @override
    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await asyncio.to_thread(self.batch, ops)


def test_no_edit_is_lost_where_the_store_cannot_compare() -> None:
    store = Slow(4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(add, store), WORDS[:8]))
    assert words_in(store) == sorted(WORDS[:8])


async def test_no_edit_is_lost_among_tasks_and_threads() -> None:
    store = Slow(2)
    pool = ThreadPoolExecutor(4)
    loop = asyncio.get_running_loop()
    tasks = [arun(by_user([adding(word)]), store=store) for word in WORDS[:4]]
    threads = [loop.run_in_executor(pool, add, store, word) for word in WORDS[4:8]]
    await asyncio.gather(*tasks, *threads)
    pool.shutdown()
    assert words_in(store) == sorted(WORDS[:8])


def test_what_was_changed_within_a_second_is_a_conflict_where_times_are_whole_seconds() -> None:
    second = datetime(2026, 3, 1, 8, tzinfo=UTC)

    def item(text: str) -> Item:
        return Item(
            namespace=PLACE, key="k", value={"t": text}, created_at=second, updated_at=second
        )

    edit = if_unchanged(item("read"), {"t": "mine"})

    assert edit(item("read")) == {"t": "mine"}
    for meanwhile in (item("theirs"), None):
        with pytest.raises(ConflictError):
            edit(meanwhile)
