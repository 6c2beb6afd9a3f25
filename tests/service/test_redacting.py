"""What a memory was is erased while what it is stays."""

from collections.abc import Iterable

import pytest
from langgraph.store.base import GetOp, Op, Result
from langgraph.store.memory import InMemoryStore

import longterm
from longterm.errors import UnknownMemoryError
from longterm.service import UserMemory, erase_past


async def test_the_past_is_erased_and_the_present_stays(ann: UserMemory) -> None:
    ann.add("tea 0", id="drink")
    ann.add("rice", id="food")
    for number in range(1, 12):
        ann.edit("drink", f"tea {number}")

    await erase_past(ann, "drink")

    assert [one.content for one in ann.history("drink")] == ["tea 11"]
    assert [one.content for one in ann.list()] == ["tea 11", "rice"]
    with pytest.raises(UnknownMemoryError):
        await erase_past(ann, "none")


class Watched(InMemoryStore):
    """A store that looks after each batch whether a memory is still there."""

    is_there: list[bool]

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        answers = await super().abatch(ops)
        [item] = await super().abatch([GetOp(("memories", "ann"), "drink")])
        self.is_there.append(item is not None)
        return answers


async def test_whenever_it_is_broken_off_the_memory_is_there() -> None:
    store = Watched()
    with longterm.open(store, embeddings=None) as service:
        ann = service.user("ann")
        ann.add("tea", id="drink")
        ann.edit("drink", "coffee")
        store.is_there = []

        await erase_past(ann, "drink")

    assert store.is_there
    assert all(store.is_there)
