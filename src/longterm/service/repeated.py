"""Conversations that may be sent twice under one key, and are learned from once.

What is kept of a request is a digest of it, and the ids and revisions it wrote: never what was
said. It lies below a root of its own, and is erased with its user.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from longterm.commit import Written
from longterm.errors import ConflictError, InvalidInputError
from longterm.memory.namespace import escape_label
from longterm.service.items import REQUESTS
from longterm.service.memory_service import MemoryService
from longterm.service.records import MemoryChange
from longterm.service.user_memory import UserMemory

__all__ = ["remember_once"]

#: A request that has begun and not ended by then is taken for one that a crash cut short.
_LONGEST = timedelta(minutes=10)
_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, "longterm/requests")


async def remember_once(
    service: MemoryService,
    memory: UserMemory,
    key: str,
    request: str,
    remember: Callable[[], Awaitable[list[MemoryChange]]],
) -> list[MemoryChange]:
    """Return what *remember* changes, or did when *request* came under *key* before.

    Raises `InvalidInputError` where *key* came with another request, and `ConflictError` while
    the first one still runs. A request that failed may be sent again.
    """
    place = (REQUESTS, *map(escape_label, memory.labels))
    id, digest = (str(uuid.uuid5(_ROOT, text)) for text in (key, request))
    known = await service.own_items.aget(place, id)
    if known is not None:
        if known.value["request"] != digest:
            raise InvalidInputError("This idempotency key came with another request.")
        if known.value["done"] is not None:
            return [
                MemoryChange.of(Written((), memory_id, revision.value, revision))
                for memory_id, number in known.value["done"]
                for revision in await memory.ahistory(memory_id)
                if revision.number == number
            ]
        if datetime.now(UTC) - known.updated_at < _LONGEST:
            raise ConflictError("This request is being worked on: ask again in a moment.")
    await service.own_items.aput(place, id, {"request": digest, "done": None}, index=False)
    try:
        changes = await remember()
    except BaseException:
        await service.own_items.aput(place, id, None)
        raise
    done = [[change.id, change.revision] for change in changes]
    await service.own_items.aput(place, id, {"request": digest, "done": done}, index=False)
    return changes
