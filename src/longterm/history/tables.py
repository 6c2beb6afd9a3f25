"""History on stores that keep revisions themselves (`Revisions`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from langgraph.store.base import SearchItem

from longterm.commit import revision_of
from longterm.effects.capabilities import RevisionRow
from longterm.effects.steps import OnStore
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Revision

__all__ = ["all_revisions", "deleted_keys", "erased", "revisions_of_each", "state_at"]

_PAGE = 1_000
#: More than any namespace holds.
_ALL = 2**31


async def revisions_of_each(namespace: Namespace, keys: Sequence[str]) -> dict[str, list[Revision]]:
    """Return the revisions of several memories, oldest first."""
    return {
        key: [revision_of(row) for row in await OnStore("get_revisions", (namespace, key))]
        for key in keys
    }


async def all_revisions(namespace: Namespace) -> dict[str, list[Revision]]:
    """Return the revisions of every memory of *namespace*, oldest first."""
    found: list[RevisionRow] = []
    after: RevisionRow | None = None
    while True:
        page: list[RevisionRow] = await OnStore(
            "list_revisions", (namespace,), {"after": after, "limit": _PAGE}
        )
        found += [row for row in page if row.namespace == namespace]
        if len(page) < _PAGE:
            break
        after = page[-1]
    return {
        key: [revision_of(row) for row in rows] for key, rows in groupby(found, lambda row: row.key)
    }


async def deleted_keys(namespace: Namespace) -> list[str]:
    """Return the keys of memories that are deleted but not erased."""
    every = await all_revisions(namespace)
    return [key for key, ones in every.items() if ones[-1].action == "deleted"]


async def state_at(
    namespace: Namespace,
    time: datetime,
    *,
    key: str | None = None,
    query: str | None = None,
    filter: Mapping[str, Any] | None = None,
) -> list[SearchItem]:
    """Return the memories as they were at *time*, the best for *query* first."""
    options = {
        "key": key,
        "query": query,
        "filter": dict(filter) if filter else None,
        "limit": _ALL,
        "exact": True,
    }
    return await OnStore("search_as_of", (namespace, time), options)


async def erased(namespace: Namespace, key: str | None, actor: str) -> dict[str, int]:
    """Erase one memory, or all at and below *namespace*; return counts by place."""
    return await OnStore("erase", (namespace, key), {"actor": actor})
