"""What is known of memories' histories, wherever the store keeps it: in tables or in items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from langgraph.store.base import SearchItem

from longterm.effects.capabilities import Revisions
from longterm.effects.steps import Has
from longterm.history.items import ItemHistory
from longterm.history.tables import TableHistory
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Revision

__all__ = [
    "all_revisions",
    "deleted_keys",
    "deleted_page",
    "latest_numbers",
    "namespaces_with_history",
    "numbers_at",
    "revisions_of",
    "revisions_of_each",
    "state_at",
]


async def revisions_of(namespace: Namespace, key: str) -> list[Revision]:
    """Return the revisions of one memory, oldest first."""
    return (await revisions_of_each(namespace, [key]))[key]


async def revisions_of_each(namespace: Namespace, keys: Sequence[str]) -> dict[str, list[Revision]]:
    """Return the revisions of several memories, oldest first."""
    return await (await _home()).revisions_of_each(namespace, keys)


async def latest_numbers(namespace: Namespace, keys: Sequence[str]) -> dict[str, int]:
    """Return the number of the latest revision of each memory, 0 where none is kept."""
    return await (await _home()).latest_numbers(namespace, keys)


async def namespaces_with_history(prefix: Namespace) -> list[Namespace]:
    """Return the namespaces at and below *prefix* of which revisions are kept."""
    return await (await _home()).namespaces_with_history(prefix)


async def all_revisions(namespace: Namespace) -> dict[str, list[Revision]]:
    """Return the revisions of every memory of *namespace*, oldest first."""
    return await (await _home()).all_revisions(namespace)


async def deleted_page(namespace: Namespace, after: Any = None) -> tuple[list[str], Any]:
    """Return keys of memories that are deleted but not erased, and what the next page is after.

    A page may be empty; after the last one comes None.
    """
    return await (await _home()).deleted_page(namespace, after)


async def deleted_keys(namespace: Namespace) -> list[str]:
    """Return the keys of all memories that are deleted but not erased."""
    keys, after = await deleted_page(namespace)
    while after is not None:
        more, after = await deleted_page(namespace, after)
        keys += more
    return keys


async def state_at(
    namespace: Namespace,
    time: datetime,
    *,
    key: str | None = None,
    query: str | None = None,
    filter: Mapping[str, Any] | None = None,
) -> list[SearchItem]:
    """Return the memories as they were at *time*; for *query* the best first."""
    home = await _home()
    return [*await home.state_at(namespace, time, key=key, query=query, filter=filter)]


async def numbers_at(
    namespace: Namespace, items: Sequence[SearchItem], time: datetime
) -> dict[str, int]:
    """Return by key which revision each of *items*, which `state_at` returned for *time*, was."""
    return await (await _home()).numbers_at(namespace, items, time)


async def _home() -> ItemHistory | TableHistory:
    return TableHistory() if await Has(Revisions) else ItemHistory()
