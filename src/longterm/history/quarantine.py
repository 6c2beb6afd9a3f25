"""Quarantine: what the guard kept back is listed, released to where it was to be, or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from longterm.commit import Policy, Write, commit
from longterm.effects.steps import Batch, Has, search_exactly
from longterm.memory.model import index_of
from longterm.memory.namespace import Namespace
from longterm.memory.quarantine import Held, quarantine_namespace
from longterm.stores.base import CapableStore
from longterm.stores.operations import Erase

__all__ = ["drop", "held_in", "release"]


async def held_in(namespace: Namespace) -> list[Held]:
    """Return what was kept back from *namespace*, oldest first."""
    found = await search_exactly(quarantine_namespace(namespace), refresh_ttl=False)
    held = [Held.of(item.key, namespace, item.value) for item in found]
    return sorted(held, key=lambda one: (one.time, one.id))


async def release(held: Held) -> None:
    """Write what was kept back where it was to be, with its sources; the user has decided."""
    value = held.value
    write = Write(held.namespace, held.key, value, index=index_of(value), sources=held.sources)
    await commit([write], actor="user", reason="released from quarantine")
    await _deleted([held])


async def drop(held: Sequence[Held], *, scrub: bool = True) -> None:
    """Remove what was kept back, and from a store of ours every byte of it, now or in a *scrub*."""
    if held and await Has(CapableStore):
        places = [(quarantine_namespace(one.namespace), one.id) for one in held]
        await Batch(tuple(cast("Any", Erase(*place, None, scrub)) for place in places))
    else:
        await _deleted(held)


async def _deleted(held: Sequence[Held]) -> None:
    """Delete what was kept back; of it no history is kept."""
    writes = [Write(quarantine_namespace(one.namespace), one.id, None) for one in held]
    await commit(writes, actor="policy", policy=Policy(keep_revisions=0))
