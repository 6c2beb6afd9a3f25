"""History on stores that keep none themselves: read from the items that `commit` leaves.

What a writer that went past `commit` did is seen only in what it left: a memory that it changed
counts from then on, one that it deleted is missed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import numpy as np
from langgraph.store.base import Item, SearchItem

from longterm.effects.steps import (
    PAGE,
    Embed,
    fetch,
    get_op,
    namespaces_below,
    search,
    search_exactly,
    search_op,
)
from longterm.memory.model import content_text, document_of
from longterm.memory.namespace import Namespace
from longterm.memory.revision import (
    Revision,
    chain_of,
    history_namespace,
    key_in,
    latest_key,
    numbered_key,
    revision_in,
)
from longterm.stores.filters import holds, parse
from longterm.text.bm25 import bm25
from longterm.text.tokenizer import query_terms, terms

__all__ = ["ItemHistory", "NumberedItem"]

#: How much of a score is words, where the store has vectors as well.
_OF_WORDS = 0.5
#: To the last moment of a second.
_SECOND = timedelta(microseconds=999_999)


class NumberedItem(SearchItem):
    """A memory as it was at a time, and the number of its last revision until then."""

    __slots__ = ("revision",)

    def __init__(self, *fields: Any, revision: int) -> None:
        super().__init__(*fields)
        #: 0 where there was none yet.
        self.revision = revision


class ItemHistory:
    """Reads revisions from the items in which `commit` keeps them."""

    async def revisions_of(self, namespace: Namespace, key: str) -> list[Revision]:
        """Return the revisions of one memory, oldest first."""
        return (await self.revisions_of_each(namespace, [key]))[key]

    async def revisions_of_each(
        self, namespace: Namespace, keys: Sequence[str]
    ) -> dict[str, list[Revision]]:
        """Return the revisions of several memories, by two batches."""
        place = history_namespace(namespace)
        latest = await fetch([get_op(place, latest_key(key), refresh_ttl=False) for key in keys])
        last = {key: item.value for key, item in zip(keys, latest, strict=True) if item is not None}
        older = [
            (key, number)
            for key, record in last.items()
            for number in range(chain_of(record).first, record["number"])
        ]
        found = await fetch([get_op(place, numbered_key(*one), refresh_ttl=False) for one in older])
        revisions: dict[str, list[Revision]] = {key: [] for key in keys}
        for (key, _), item in zip(older, found, strict=True):
            revisions[key] += [] if item is None else [revision_in(item.value)]
        for key, record in last.items():
            revisions[key].append(revision_in(record))
        return revisions

    async def latest_numbers(self, namespace: Namespace, keys: Sequence[str]) -> dict[str, int]:
        """Return the number of the latest revision of several memories, 0 where none is kept."""
        place = history_namespace(namespace)
        latest = await fetch([get_op(place, latest_key(key), refresh_ttl=False) for key in keys])
        return {
            key: 0 if item is None else int(item.value["number"])
            for key, item in zip(keys, latest, strict=True)
        }

    async def numbers_at(
        self, _namespace: Namespace, items: Sequence[SearchItem], _time: datetime
    ) -> dict[str, int]:
        """Return by key which revision each of *items*, which `state_at` returned, was."""
        return {item.key: item.revision for item in items if isinstance(item, NumberedItem)}

    async def namespaces_with_history(self, prefix: Namespace) -> list[Namespace]:
        """Return the namespaces at and below *prefix* of which revisions are kept."""
        return [found[1:] for found in await namespaces_below(history_namespace(prefix))]

    async def deleted_page(
        self, namespace: Namespace, after: int | None
    ) -> tuple[list[str], int | None]:
        """Return keys of memories that are deleted but not erased, and where to go on."""
        place, start = history_namespace(namespace), after or 0
        op = search_op(
            place, filter={"action": "deleted"}, limit=PAGE, offset=start, refresh_ttl=False
        )
        [records] = await search([op])
        keys = [
            key_in(item.value)
            for item in records
            if tuple(item.namespace) == place and "first" in item.value
        ]
        return keys, None if len(records) < PAGE else start + PAGE

    async def all_revisions(self, namespace: Namespace) -> dict[str, list[Revision]]:
        """Return the revisions of every memory of *namespace*, oldest first."""
        records = await search_exactly(history_namespace(namespace), refresh_ttl=False)
        ordered = sorted(records, key=lambda item: (key_in(item.value), item.value["number"]))
        return {
            key: [revision_in(item.value) for item in items]
            for key, items in groupby(ordered, lambda item: key_in(item.value))
        }

    async def state_at(
        self,
        namespace: Namespace,
        time: datetime,
        *,
        key: str | None = None,
        query: str | None = None,
        filter: Mapping[str, Any] | None = None,
    ) -> list[NumberedItem]:
        """Return the memories as they were at *time*; for *query* the best first.

        By words and, where the store has embeddings, by vectors too: of memories that are as
        they were then the store says how near they are, the others are embedded anew.
        """
        if key is None:
            revisions = await self.all_revisions(namespace)
            living = await search_exactly(namespace, refresh_ttl=False)
            now: dict[str, Item] = {item.key: item for item in living}
        else:
            revisions = {key: await self.revisions_of(namespace, key)}
            [item] = await fetch([get_op(namespace, key, refresh_ttl=False)])
            now = {} if item is None else {key: item}
        if not time.microsecond and _keeps_seconds(now.values()):
            # Its stamps are earlier than what they are of: a second is meant up to its end.
            time += _SECOND
        then = [
            item
            for one in {**revisions, **now}
            if (item := _valid(namespace, one, revisions.get(one, []), now.get(one), time))
        ]
        if filter:
            condition = parse(filter)
            then = [item for item in then if holds(condition, item.value)]
        return then if query is None else await _ranked(namespace, then, now, query)


def _keeps_seconds(items: Collection[Item]) -> bool:
    """Whether a store's own times are of whole seconds, as those of LangGraph's SqliteStore."""
    return bool(items) and not any(
        item.created_at.microsecond or item.updated_at.microsecond for item in items
    )


def _valid(
    namespace: Namespace, key: str, revisions: Sequence[Revision], now: Item | None, time: datetime
) -> NumberedItem | None:
    """Return the memory as it was at *time*; None where there was none."""
    past = [one for one in revisions if one.time <= time]
    number = past[-1].number if past else 0
    if now and now.updated_at <= time and (not revisions or revisions[-1].value != now.value):
        return NumberedItem(
            namespace, key, now.value, now.created_at, now.updated_at, revision=number
        )
    if not past or past[-1].value is None:
        return None
    gone = [number for number, one in enumerate(past) if one.value is None]
    born = past[gone[-1] + 1 if gone else 0]
    return NumberedItem(namespace, key, past[-1].value, born.time, past[-1].time, revision=number)


async def _ranked(
    namespace: Namespace, then: Sequence[NumberedItem], now: Mapping[str, Item], query: str
) -> list[NumberedItem]:
    """Return those of *then* that have to do with *query*, best first, scores from 0 to 1."""
    texts = [terms(str(document_of(item.key, item.value).content)) for item in then]
    scores = bm25(frozenset(query_terms(query)), texts)
    best = max(scores, default=0.0) or 1.0
    scores = [score / best for score in scores]
    if near := await _cosines(namespace, then, now, query):
        scores = [
            _OF_WORDS * by_words + (1 - _OF_WORDS) * near[item.key]
            for item, by_words in zip(then, scores, strict=True)
        ]
    found = [
        NumberedItem(
            *(one.namespace, one.key, one.value, one.created_at, one.updated_at, score),
            revision=one.revision,
        )
        for one, score in zip(then, scores, strict=True)
        if score > 0
    ]
    return sorted(found, key=lambda one: one.score or 0.0, reverse=True)


async def _cosines(
    namespace: Namespace, then: Sequence[SearchItem], now: Mapping[str, Item], query: str
) -> dict[str, float]:
    """Return how near each of *then* is to *query*, from 0 to 1; none without embeddings."""
    living = await search_exactly(namespace, query, refresh_ttl=False)
    scores = {item.key: item.score for item in living if item.score is not None}
    unchanged = {
        item.key: scores[item.key]
        for item in then
        if item.key in scores and item.key in now and now[item.key].value == item.value
    }
    others = [item for item in then if item.key not in unchanged]
    texts = [content_text(document_of(item.key, item.value).content) for item in others]
    made = await Embed((query, *texts))
    if made is None:
        return {}
    asked, *vectors = np.array(made)
    lengths = [np.linalg.norm(one) * np.linalg.norm(asked) or 1.0 for one in vectors]
    found = {
        item.key: float(vector @ asked / length)
        for item, vector, length in zip(others, vectors, lengths, strict=True)
    }
    return {key: max(0.0, near) for key, near in {**unchanged, **found}.items()}
