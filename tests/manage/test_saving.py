"""Writing changes: nobody's change is overwritten, no failure goes unsaid."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langgraph.store.base import GetOp, Item, Result
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

from longterm.effects.drivers import arun, run
from longterm.effects.operations import get_op, put_op
from longterm.effects.steps import Batch, Replace
from longterm.errors import ConflictError, PartialWriteError
from longterm.manage.saving import save, write_all
from longterm.memory.draft import Draft
from longterm.memory.model import Document
from longterm.stores import EmbeddedStore

PLACE = ("memories",)
TEA = Document("t", "Memory", {"content": "likes tea"})
OPS = [put_op(PLACE, key, {"content": key}) for key in ("a", "b", "c")]


def test_only_what_is_to_be_changed_is_read_again() -> None:
    draft = Draft.of([TEA, Document("u", "Memory", {})]).update(0, lambda _: {"content": "x"})
    flow = save(draft, PLACE)
    assert flow.send(None) == Batch((get_op(PLACE, "t", refresh_ttl=False),))
    flow.close()


def test_new_memories_with_random_ids_are_not_read() -> None:
    flow = save(Draft().insert(TEA), PLACE)
    assert flow.send(None) == Replace(
        (put_op(PLACE, "t", {"kind": "Memory", "content": {"content": "likes tea"}}),), (None,)
    )
    flow.close()


def test_nothing_changed_touches_no_store() -> None:
    assert run(save(Draft.of([TEA]), PLACE)) == ([], [])


def test_a_failure_tells_what_was_written_and_what_was_not(failing: Any) -> None:
    with pytest.raises(PartialWriteError, match="disk full") as error:
        run(write_all(OPS, [None] * 3), store=failing(2))
    assert (error.value.written, error.value.failed) == (("a", "b"), ("c",))


def test_where_reading_fails_too_nothing_counts_as_written(failing: Any) -> None:
    with pytest.raises(PartialWriteError) as error:
        run(write_all(OPS, [None] * 3), store=failing(2, reads_too=True))
    assert (error.value.written, error.value.failed) == ((), ("a", "b", "c"))


def test_a_delete_counts_as_written_when_the_memory_is_gone(failing: Any) -> None:
    store = failing(2)
    store.put(PLACE, "a", {"content": "old"})
    ops = [put_op(PLACE, "a", None), put_op(PLACE, "b", {"content": "new"})]
    with pytest.raises(PartialWriteError) as error:
        run(write_all(ops, [None] * 2), store=store)
    assert (error.value.written, error.value.failed) == (("a",), ("b",))


def test_the_store_s_own_error_is_the_cause(failing: Any) -> None:
    with pytest.raises(PartialWriteError) as error:
        run(write_all(OPS, [None] * 3), store=failing())
    assert isinstance(error.value.__cause__, OSError)


def test_a_bare_value_is_written_back_bare(store: InMemoryStore) -> None:
    store.put(PLACE, "n", {"text": "tea"})
    bare = Document("n", None, {"text": "tea"}, bare=True)
    run(save(Draft.of([bare]).update(0, lambda _: {"text": "ale"}), PLACE), store=store)
    assert [item.value for item in store.search(PLACE)] == [{"text": "ale"}]


# Somebody changes a memory between the reading and the writing


class Hasty(EmbeddedStore):
    """A store in which somebody else appends to a memory just after each of *times* readings."""

    def __init__(self, times: int) -> None:
        self.times = 0
        super().__init__(":memory:")
        self.put(PLACE, "t", {"kind": "Memory", "content": {"content": "tea"}})
        self.times = times

    @override
    def batch(self, ops: Iterable[Any]) -> list[Result]:
        ops = list(ops)
        answers = super().batch(ops)
        if self.times and any(isinstance(op, GetOp) for op in ops):
            self.times -= 1
            self.put(PLACE, "t", _and(self.text, f"cup {self.times}"))
        return answers

    @override
    async def abatch(self, ops: Iterable[Any]) -> list[Result]:
        return self.batch(ops)

    @property
    def text(self) -> str:
        item = super().batch([GetOp(PLACE, "t")])[0]
        assert isinstance(item, Item)
        return item.value["content"]["content"]


def _and(text: str, more: str) -> dict[str, Any]:
    return {"kind": "Memory", "content": {"content": f"{text}, {more}"}}


LIKES_ALE = Draft.of([Document("t", "Memory", {"content": "tea"})]).update(
    0, lambda content: {"content": f"{content['content']}, ale"}
)


def test_an_edit_is_made_on_what_a_memory_is_when_it_is_written() -> None:
    with Hasty(3) as store:
        run(save(LIKES_ALE, PLACE), store=store)
        assert store.text == "tea, cup 2, cup 1, cup 0, ale"


async def test_an_edit_is_made_on_what_a_memory_is_in_a_loop_as_well() -> None:
    with Hasty(3) as store:
        await arun(save(LIKES_ALE, PLACE), store=store)
        assert store.text == "tea, cup 2, cup 1, cup 0, ale"


def test_who_is_overtaken_again_and_again_gives_up_aloud() -> None:
    with Hasty(10_000) as store, pytest.raises(ConflictError):
        run(save(LIKES_ALE, PLACE), store=store)


def test_nobody_loses_an_edit_however_many_write() -> None:
    def add(word: str) -> None:
        draft = Draft.of([Document("t", "Memory", {"content": "tea"})])
        edited = draft.update(0, lambda content: {"content": f"{content['content']} {word}"})
        run(save(edited, PLACE), store=store)

    words = [f"word{number}" for number in range(40)]
    with EmbeddedStore(":memory:") as store, ThreadPoolExecutor(8) as pool:
        store.put(PLACE, "t", {"kind": "Memory", "content": {"content": "tea"}})
        list(pool.map(add, words))
        (item,) = store.search(PLACE)
    assert sorted(item.value["content"]["content"].split()[1:]) == sorted(words)
