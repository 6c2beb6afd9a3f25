"""History on stores that keep revisions themselves (`Revisions`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any, cast

from langgraph.store.base import SearchItem

from longterm.commit import revision_of
from longterm.effects.capabilities import RevisionNote, RevisionRow
from longterm.effects.steps import Batch, Has, StoreCall
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Revision
from longterm.stores.base import CapableStore
from longterm.stores.operations import Erase, GetRevisions, ReplaceNotes

__all__ = ["TableHistory", "erased", "replace_notes"]

_PAGE = 1_000
#: More than any namespace holds.
_ALL = 2**31


class TableHistory:
    """Reads revisions from a store that keeps them itself."""

    async def revisions_of_each(
        self, namespace: Namespace, keys: Sequence[str]
    ) -> dict[str, list[Revision]]:
        """Return the revisions of several memories, oldest first."""
        found: list[list[RevisionRow]]
        if await Has(CapableStore):
            found = await Batch(tuple(cast("Any", GetRevisions(namespace, key)) for key in keys))
        else:
            found = [await StoreCall("get_revisions", (namespace, key)) for key in keys]
        return {
            key: [revision_of(row) for row in rows] for key, rows in zip(keys, found, strict=True)
        }

    async def latest_numbers(self, namespace: Namespace, keys: Sequence[str]) -> dict[str, int]:
        """Return the number of the latest revision of each memory, 0 where none is kept."""
        revisions = await self.revisions_of_each(namespace, keys)
        return {key: ones[-1].number if ones else 0 for key, ones in revisions.items()}

    async def numbers_at(
        self, namespace: Namespace, items: Sequence[SearchItem], time: datetime
    ) -> dict[str, int]:
        """Return by key which revision each of *items* was at *time*, 0 where none is kept."""
        revisions = await self.revisions_of_each(namespace, [item.key for item in items])
        return {
            key: max((one.number for one in ones if one.time <= time), default=0)
            for key, ones in revisions.items()
        }

    async def all_revisions(self, namespace: Namespace) -> dict[str, list[Revision]]:
        """Return the revisions of every memory of *namespace*, oldest first."""
        found = [row for row in await _rows_below(namespace) if row.namespace == namespace]
        return {
            key: [revision_of(row) for row in rows]
            for key, rows in groupby(found, lambda row: row.key)
        }

    async def namespaces_with_history(self, prefix: Namespace) -> list[Namespace]:
        """Return the namespaces at and below *prefix* of which revisions are kept."""
        return list(dict.fromkeys(row.namespace for row in await _rows_below(prefix)))

    async def deleted_page(
        self, namespace: Namespace, after: RevisionRow | None
    ) -> tuple[list[str], RevisionRow | None]:
        """Return keys of memories that are deleted but not erased, and where to go on."""
        # The rows of one item come in a run; one more row tells whether a run goes on.
        rows = await _page_below(namespace, after, limit=_PAGE + 1)
        whole = len(rows) <= _PAGE
        ends = [
            one
            for one, other in pairwise(rows)
            if (one.namespace, one.key) != (other.namespace, other.key)
        ]
        ends += rows[-1:] if whole else []
        keys = [
            one.key for one in ends if one.namespace == namespace and one.note.action == "deleted"
        ]
        return keys, None if whole else rows[-2]

    async def state_at(
        self,
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
        return await StoreCall("search_as_of", (namespace, time), options)


async def _rows_below(prefix: Namespace) -> list[RevisionRow]:
    found: list[RevisionRow] = []
    while True:
        page = await _page_below(prefix, found[-1] if found else None)
        found += page
        if len(page) < _PAGE:
            return found


async def _page_below(
    prefix: Namespace, after: RevisionRow | None, *, limit: int = _PAGE
) -> list[RevisionRow]:
    return await StoreCall("list_revisions", (prefix,), {"after": after, "limit": limit})


async def erased(namespace: Namespace, key: str | None, actor: str) -> dict[str, int]:
    """Erase one memory, or all at and below *namespace*; return counts by place.

    Of a store of ours, but for the last bytes.
    """
    if await Has(CapableStore):
        (removed,) = await Batch((cast("Any", Erase(namespace, key, actor, scrub=False)),))
        return removed
    return await StoreCall("erase", (namespace, key), {"actor": actor})


async def replace_notes(namespace: Namespace, key: str, notes: Mapping[int, RevisionNote]) -> None:
    """Put other notes in the place of those of an item's revisions, as `erased` erases."""
    if await Has(CapableStore):
        op = ReplaceNotes(namespace, key, notes, scrub=False)
        await Batch((cast("Any", op),))
    else:
        await StoreCall("replace_notes", (namespace, key, notes))
