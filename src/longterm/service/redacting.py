"""What a memory was is erased while what it is stays."""

from __future__ import annotations

from longterm.commit import Policy, Write, commit, if_unchanged
from longterm.effects.drivers import arun
from longterm.effects.erasure import forget_texts
from longterm.effects.steps import fetch, get_op
from longterm.errors import UnknownMemoryError
from longterm.history.erasing import scrub_store
from longterm.history.reading import revisions_of
from longterm.memory.namespace import Namespace, escape_label
from longterm.service.user_memory import UserMemory

__all__ = ["erase_past"]


async def erase_past(memory: UserMemory, id: str) -> None:
    """Erase all that memory *id* was, and not for a moment what it is.

    Raises `UnknownMemoryError`, and `ConflictError` where it changes meanwhile.
    """
    place = ("memories", *map(escape_label, memory.labels))
    await arun(_dropped_past(place, id), memory.config, store=memory.store)


async def _dropped_past(namespace: Namespace, key: str) -> None:
    while True:
        [item] = await fetch([get_op(namespace, key, refresh_ttl=False)])
        if item is None:
            raise UnknownMemoryError(key)
        write = Write(namespace, key, if_unchanged(item, dict(item.value)), action="restored")
        await commit([write], actor="user", policy=Policy(keep_revisions=1))
        if len(await revisions_of(namespace, key)) == 1:
            break  # a store of others drops a few at each change
    forget_texts(namespace, key)
    await scrub_store()
