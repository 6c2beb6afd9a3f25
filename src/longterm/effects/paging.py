"""Searches that reach as far as they are meant to, whatever else a store finds.

One rule for all that search: what lies in a namespace is found, and what lies below it, unless
*exact*. Nothing beside it ever is: "ann" does not reach "anna".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langgraph.store.base import ListNamespacesOp, MatchCondition, SearchItem

from longterm.effects.operations import search_op
from longterm.effects.steps import Batch, search

__all__ = ["PAGE", "Reach", "namespaces_below", "search_exactly", "search_within"]

#: Items that are asked for at once where many are wanted.
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Reach:
    """Where is searched: in *namespace* and, unless *exact*, in what lies below it."""

    namespace: tuple[str, ...]
    exact: bool = False

    def holds(self, namespace: tuple[str, ...]) -> bool:
        """Whether what lies in *namespace* is found."""
        depth = len(self.namespace)
        return namespace[:depth] == self.namespace and not (self.exact and namespace[depth:])


async def search_exactly(
    namespace: tuple[str, ...],
    query: str | None = None,
    *,
    filter: Mapping[str, Any] | None = None,
    limit: int | None = None,
    offset: int = 0,
    refresh_ttl: bool | None = None,
) -> list[SearchItem]:
    """Return the items of *namespace* alone that match; see `search_within`."""
    return await search_within(
        Reach(namespace, exact=True),
        query,
        filter=filter,
        limit=limit,
        offset=offset,
        refresh_ttl=refresh_ttl,
    )


async def search_within(
    reach: Reach,
    query: str | None = None,
    *,
    filter: Mapping[str, Any] | None = None,
    limit: int | None = None,
    offset: int = 0,
    refresh_ttl: bool | None = None,
) -> list[SearchItem]:
    """Return the items of *reach* that match, whatever else the store finds.

    None for *limit* returns all, a blank *query* is none. The store is asked again only
    where something else took places.
    """
    query = query if query and query.strip() else None
    wanted = None if limit is None else offset + limit
    found: dict[tuple[str, ...], SearchItem] = {}
    start, size = 0, PAGE if wanted is None else wanted
    while True:
        op = search_op(
            reach.namespace,
            query,
            filter=dict(filter) if filter else None,
            limit=size,
            offset=start,
            refresh_ttl=refresh_ttl,
        )
        [items] = await search([op])
        for item in items:
            if reach.holds(place := tuple(item.namespace)):
                found[*place, item.key] = item
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
