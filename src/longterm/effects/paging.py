"""Searches that keep to one namespace: LangGraph's stores find what lies below it as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import ListNamespacesOp, MatchCondition, SearchItem

from longterm.effects.operations import search_op
from longterm.effects.steps import Batch, search

__all__ = ["PAGE", "namespaces_below", "search_exactly"]

#: Items that are asked for at once where many are wanted.
PAGE = 1_000


async def search_exactly(
    namespace: tuple[str, ...],
    query: str | None = None,
    *,
    filter: Mapping[str, Any] | None = None,
    limit: int | None = None,
    offset: int = 0,
    refresh_ttl: bool | None = None,
) -> list[SearchItem]:
    """Return the items of exactly *namespace* that match, whatever else the store finds.

    None for *limit* returns all, a blank *query* is none. The store is asked again only
    where something else took places.
    """
    query = query if query and query.strip() else None
    wanted = None if limit is None else offset + limit
    found: dict[str, SearchItem] = {}
    start, size = 0, PAGE if wanted is None else wanted
    while True:
        op = search_op(
            namespace,
            query,
            filter=dict(filter) if filter else None,
            limit=size,
            offset=start,
            refresh_ttl=refresh_ttl,
        )
        [items] = await search([op])
        found.update({item.key: item for item in items if tuple(item.namespace) == namespace})
        if len(items) < size or (wanted is not None and len(found) >= wanted):
            return list(found.values())[offset:wanted]
        start, size = start + size, PAGE


async def namespaces_below(
    prefix: tuple[str, ...], max_depth: int | None = None
) -> list[tuple[str, ...]]:
    """Return all namespaces at and below *prefix*, whatever else the store finds; a flow."""
    below: list[tuple[str, ...]] = []
    start = 0
    while True:
        op = ListNamespacesOp((MatchCondition("prefix", prefix),), max_depth, PAGE, start)
        (found,) = await Batch((op,))
        below += [one for one in found if one[: len(prefix)] == prefix]
        start += PAGE
        if len(found) < PAGE:
            return below
