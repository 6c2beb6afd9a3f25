"""Searches that reach as far as they are meant to, whatever else a store finds.

One rule for all that search: what lies in a namespace is found, and what lies below it, unless
*exact*. Nothing beside it ever is: "ann" does not reach "anna".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from langgraph.store.base import Item, ListNamespacesOp, MatchCondition, SearchItem

from longterm.effects.steps import Batch, search, search_op

__all__ = [
    "PAGE",
    "Reach",
    "best_of_each",
    "namespaces_below",
    "place_of",
    "score_of",
    "search_exactly",
    "search_within",
]

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


def place_of(item: Item) -> tuple[str, ...]:
    """Return where *item* lies: the labels of its namespace, and its key."""
    return (*item.namespace, item.key)


def score_of(item: SearchItem) -> float:
    """Return the score of *item*, less than any other where the store gives none."""
    return float("-inf") if item.score is None else item.score


def best_of_each(found: Iterable[SearchItem]) -> list[SearchItem]:
    """Return what several searches *found* once each, with its best score; of equals the first."""
    items: dict[tuple[str, ...], SearchItem] = {}
    for item in found:
        place = place_of(item)
        items[place] = max(items.get(place, item), item, key=score_of)
    return list(items.values())


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
        found |= {place_of(item): item for item in items if reach.holds(tuple(item.namespace))}
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
