"""Search by a query on any store: best first, also where the store cannot tell what is best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import SearchItem

from longterm.effects.observe import observed
from longterm.effects.steps import Reach, fetch, get_op, search_within
from longterm.manage.relevant import best, is_scored

__all__ = ["SCAN_LIMIT", "search_best"]

#: How far a store without an index is read, so that new memories are seen as well as old.
SCAN_LIMIT = 1_000


async def search_best(
    reach: Reach,
    query: str | None,
    *,
    filter: Mapping[str, Any] | None = None,
    limit: int = 10,
    offset: int = 0,
    refresh_ttl: bool | None = None,
) -> list[SearchItem]:
    """Return the items of *reach* that match, best first.

    A store without an index answers a query with whatever it holds. There the words shared with
    the query decide, those that few memories have more than those that most have, among the
    first `SCAN_LIMIT` items; what lies beyond comes in the store's own order.
    """
    with observed("search_memory", reach.namespace[0]) as seen:
        items = await search_within(
            reach, query, filter=filter, limit=limit, offset=offset, refresh_ttl=refresh_ttl
        )
        if items and query and query.strip() and not any(map(is_scored, items)):
            held = await search_within(reach, filter=filter, limit=SCAN_LIMIT, refresh_ttl=False)
            [ordered] = best(held, [[query]], offset + limit)
            items = ordered[offset:] or items
            if refresh_ttl is not False:  # a scan prolongs no life, but what is returned lives on
                await fetch(
                    [get_op(one.namespace, one.key, refresh_ttl=refresh_ttl) for one in items]
                )
        seen.records = len(items)
    return items
