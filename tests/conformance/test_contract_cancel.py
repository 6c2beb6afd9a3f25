"""What a store of ours promises where calls are cancelled at any moment."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import suppress

from langgraph.store.base import PutOp

from longterm.stores import CapableStore

CANCELS = 1_000
NS = ("cancelled",)


def test_a_thousand_cancels_leave_no_lock_no_transaction_and_no_half_batch(
    revised: CapableStore,
) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret

    async def write(number: int) -> None:
        value = {"n": number}
        await revised.abatch([PutOp(NS, "one", value), PutOp(NS, "two", value)])
        await revised.aget(NS, "one")

    async def cancel_all() -> int:
        cancelled = 0
        for number in range(CANCELS):
            task = asyncio.create_task(write(number))
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            await asyncio.sleep(chance.uniform(0, 1e-3))
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            cancelled += task.cancelled()
        return cancelled

    assert asyncio.run(cancel_all()) > 0

    other = threading.Thread(target=revised.put, args=(NS, "other", {"n": 1}), daemon=True)
    other.start()
    other.join(60)
    assert not other.is_alive()
    one, two = revised.get(NS, "one"), revised.get(NS, "two")
    assert (one and one.value) == (two and two.value)
