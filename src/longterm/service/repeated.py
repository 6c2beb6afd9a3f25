"""Conversations that may be sent twice under one key, and are learned from once.

What is kept of a request is a digest of it, and the ids and revisions it wrote: never what was
said. It lies below a root of its own, and is erased with its user.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from langgraph.store.base import Item

from longterm.commit import Edit, Policy, Skip, Write, Written, commit
from longterm.effects.drivers import arun
from longterm.errors import ConflictError, InvalidInputError, StoreError
from longterm.memory.namespace import escape_label
from longterm.service.items import REQUESTS
from longterm.service.memory_service import MemoryService
from longterm.service.records import Learned, MemoryChange
from longterm.service.user_memory import UserMemory

__all__ = ["remember_once"]

#: A request whose mark is older, and has no end, is taken for one that a crash cut short.
_LEASE = timedelta(seconds=30)
#: How often a mark is renewed within that time.
_RENEWALS = 6
_NO_PAST = Policy(keep_revisions=0)
_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, "longterm/requests")


async def remember_once(
    service: MemoryService,
    memory: UserMemory,
    key: str,
    request: str,
    remember: Callable[[], Awaitable[Learned]],
    *,
    lease: timedelta = _LEASE,
) -> Learned:
    """Return what *remember* changes, or did when *request* came under *key* before.

    Raises `InvalidInputError` where *key* came with another request, and `ConflictError` while
    the first one still runs. A request that failed may be sent again at once, one whose process
    was killed after *lease*: as long as it runs, its process renews its mark.
    """
    place = (REQUESTS, *map(escape_label, memory.labels))
    id, digest = (str(uuid.uuid5(_ROOT, text)) for text in (key, request))
    done: list[Any] | None = None

    def claim(marker: Item | None) -> dict[str, Any] | Skip:
        nonlocal done
        if marker is not None:
            if marker.value["request"] != digest:
                raise InvalidInputError("This idempotency key came with another request.")
            done = marker.value["done"]
            if done is not None:
                return Skip()
            if datetime.now(UTC) - marker.updated_at < lease:
                raise ConflictError("This request is being worked on: ask again in a moment.")
        return {"request": digest, "done": None}

    async def mark(value: dict[str, Any] | Edit | None) -> None:
        # Of two equal requests at the same moment the store lets one make the mark.
        write = Write(place, id, value, index=False)
        await arun(commit([write], actor="user", policy=_NO_PAST), store=service.store)

    def renew(marker: Item | None) -> dict[str, Any] | Skip:
        if marker is None or marker.value["done"] is not None:
            return Skip()
        return marker.value | {"renewed": marker.value.get("renewed", 0) + 1}

    await mark(claim)
    if done is not None:
        return Learned(
            [
                MemoryChange.of(Written((), memory_id, revision.value, revision))
                for memory_id, number in done
                for revision in await memory.ahistory(memory_id)
                if revision.number == number
            ]
        )
    try:
        async with _repeating(partial(mark, renew), lease / _RENEWALS):
            changes = await remember()
    except BaseException:
        await mark(None)
        raise
    written = [[change.id, change.revision] for change in changes]
    await mark({"request": digest, "done": written})
    return changes


@asynccontextmanager
async def _repeating(do: Callable[[], Awaitable[None]], pause: timedelta) -> AsyncGenerator[None]:
    """*do* it again after each *pause*, as long as the block goes on."""
    ended = asyncio.Event()

    async def go_on() -> None:
        while True:
            try:
                await asyncio.wait_for(ended.wait(), pause.total_seconds())
            except TimeoutError:
                # A mark that cannot be renewed grows old: then another may begin, no more.
                with suppress(StoreError):
                    await do()
            else:
                return

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        ended.set()
        await task
