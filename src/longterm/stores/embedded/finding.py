"""Searching inside a transaction: scores from the arrays, items from the file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from langgraph.store.base import SearchItem
from numpy.typing import NDArray

from longterm.errors import ModelChangedError
from longterm.stores.embedded.scopes import Scope, ScopeCache, ScopeView, Signals
from longterm.stores.embedded.slots import Slots
from longterm.stores.embedded.transaction import Transaction, fetched
from longterm.stores.filters import EVERYTHING
from longterm.stores.matrix import Vector, distinct
from longterm.stores.operations import (
    ExplainedItem,
    Explanation,
    FindItems,
    HybridColumns,
    HybridHit,
)
from longterm.stores.rows import Row
from longterm.stores.scoring import NOTHING, Scores, contributions, fused, in_order, score_terms
from longterm.text.tokenizer import VERSION

__all__ = ["VectorQuery", "find"]

_CHUNK = 32
#: One in so many of what a signal finds is good enough for its neighbours to be of interest.
_CENTRES = 8


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """A query as vectors see it: what to compare with, of which model."""

    vector: Vector | None
    model: int | None


@dataclass(frozen=True, slots=True)
class ScopeScores:
    """The scores of a scope, by slot, and where its items are kept that were read before."""

    slots: Slots
    scores: Scores
    scope: Scope
    view: ScopeView
    #: Whether the text index is of this tokenizer's version as a whole.
    has_current_terms: bool


def find(
    tx: Transaction, op: FindItems, asked: VectorQuery, cache: ScopeCache, *, own: bool
) -> list[SearchItem] | list[HybridHit] | HybridColumns:
    """Find the items that *op* asks for and ranks; *own*: this transaction wrote some of them."""
    if op.answer in ("hybrid", "columns"):
        found = _columns(tx, op, _ranking(tx, op, asked, cache, own=own))
        return found if op.answer == "columns" else found.hits()
    ranking = _ranking(tx, op, asked, cache, own=own)
    ranked = _ranked(_Reader(tx, op, ranking), op, ranking, ranking.scores.score)
    page = list(islice(ranked, op.offset, op.offset + op.limit))
    if op.refresh:
        for _, row in page:
            tx.touch(row)
    scores = ranking.scores
    items: list[SearchItem] = []
    for slot, row in page:
        score = float(scores.score[slot])
        items.append(row.found(None if score == NOTHING else score))
    if op.answer != "explained":
        return items
    return [
        ExplainedItem(item, Explanation(*contributions(scores, slot), *scores.raw(slot)))
        for item, (slot, _) in zip(items, page, strict=True)
    ]


# --- scores -----------------------------------------------------------------------------------


def _ranking(
    tx: Transaction, op: FindItems, asked: VectorQuery, cache: ScopeCache, *, own: bool
) -> ScopeScores:
    signals = Signals(text=bool(op.terms), model=None, dims=0)
    if asked.vector is not None:
        signals = replace(signals, model=asked.model, dims=len(asked.vector))
    scope, view = _viewed(tx, op.path, signals, cache, own=own)
    cache.settle(op.path)
    slots = view.slots
    if op.exact:  # what lies below is left out
        row = tx.execute("SELECT id FROM namespaces WHERE path = ?", (op.path,)).fetchone()
        here = slots.live & (slots.namespaces == (-1 if row is None else row[0]))
        if np.count_nonzero(here) < np.count_nonzero(slots.live):
            slots = replace(slots, live=here)
    live = slots.live
    text = None if view.lexicon is None else score_terms(view.lexicon, live, op.terms)
    cosines = None
    if asked.vector is not None and asked.model is not None:
        cosines = scope.cosines(tx.connection, view, signals, asked.vector)
    (version,) = tx.execute("SELECT tokenizer FROM state").fetchone()
    return ScopeScores(slots, fused(text, cosines, live), scope, view, version == VERSION)


def _viewed(
    tx: Transaction, path: str, signals: Signals, cache: ScopeCache, *, own: bool
) -> tuple[Scope, ScopeView]:
    if not own:
        scope = cache.shared(path)
        # The first read of a transaction decides which state of the file it sees. Under the lock,
        # that is never an older one than the scope has reached already.
        with scope.lock:
            revision = _revision(tx)
            if scope.revision <= revision:
                return scope, scope.view(tx.connection, revision, signals)
    scope = cache.private(path)
    return scope, scope.view(tx.connection, _revision(tx), signals)


def _revision(tx: Transaction) -> int:
    revision, version = tx.execute("SELECT revision, tokenizer FROM state").fetchone()
    if version > VERSION:  # an older one is being made again
        raise ModelChangedError(
            f"The text index of {tx.file} is of version {version}, this longterm knows version "
            f"{VERSION}. Upgrade longterm, or call store.reindex() to make it again."
        )
    return int(revision)


# --- items ------------------------------------------------------------------------------------


class _Reader:
    """Reads the items of slots that are as the operation says, each of them once."""

    def __init__(self, tx: Transaction, op: FindItems, ranking: ScopeScores) -> None:
        self._tx = tx
        self._condition = op.condition
        self._ranking = ranking
        # Recall reads the terms of what it finds; those of an older tokenizer are not its own.
        self._with_terms = op.answer in ("hybrid", "columns") and ranking.has_current_terms
        # A kept row may have expired since, and is not compared with a condition.
        self._keeps = op.condition == EVERYTHING and not tx.hides_expired
        self._rows: dict[int, Row | None] = {}

    def rows(self, slots: NDArray[np.int64]) -> dict[int, Row]:
        """Those that may be shown, in the order of *slots*."""
        wanted: list[int] = slots.tolist()
        rows = self._rows
        if self._keeps:
            rows |= self._ranking.view.rows.known(wanted)
        if unread := [slot for slot in wanted if slot not in rows]:
            ids: list[int] = self._ranking.slots.ids[unread].tolist()
            found = fetched(self._tx, ids, self._condition, with_terms=self._with_terms)
            rows |= zip(unread, map(found.get, ids), strict=True)
            if self._keeps:
                read = {slot: row for slot in unread if (row := rows[slot])}
                self._ranking.scope.keep(self._ranking.view, read)
        return {slot: row for slot in wanted if (row := rows[slot]) is not None}

    def whole(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[Row, ...]]:
        """Those of a whole scope that may be shown; the same tuple while they are the same."""
        cache, state = self._ranking.view.rows, self._ranking.slots
        if self._keeps and (known := cache.whole(state)) is not None:
            return slots, known
        found = self.rows(slots)
        rows = tuple(found.values())
        if self._keeps and len(rows) == len(slots):
            cache.keep_whole(state, rows)
        return np.fromiter(found, np.int64, len(found)), rows


def _ranked(
    reader: _Reader, op: FindItems, ranking: ScopeScores, score: NDArray[np.float32]
) -> Iterator[tuple[int, Row]]:
    """Fetch the items in the order of *score*, in growing chunks, as most are not wanted."""
    size = op.offset + op.limit + (0 if op.condition == EVERYTHING else _CHUNK)
    size = max(size, 1)
    for part in in_order(score, ranking.slots.revisions, size):
        start = 0
        while start < len(part):
            yield from reader.rows(part[start : start + size]).items()
            start, size = start + size, size * 4


def _columns(tx: Transaction, op: FindItems, ranking: ScopeScores) -> HybridColumns:
    """Collect the best of each signal, both being asked about all of them."""
    reader, scores = _Reader(tx, op, ranking), ranking.scores
    slots = np.flatnonzero(ranking.slots.live)
    if len(slots) <= op.full_scan_limit:
        places, rows = reader.whole(slots)
    else:
        # What each signal puts first, and what was written around the best of it.
        chosen: list[int] = []
        centres: list[int] = []
        for score in scores.signals(ranking.slots.live):
            ranked = _ranked(reader, op, ranking, score)
            best = [slot for slot, _ in islice(ranked, op.offset, op.offset + op.limit)]
            chosen += best
            centres += best[: op.limit // _CENTRES]
        if op.neighbors and centres:
            chosen += ranking.slots.around(np.array(centres), op.neighbors).tolist()
        found = reader.rows(distinct(np.array(chosen, dtype=np.int64)))
        places, rows = np.fromiter(found, np.int64, len(found)), tuple(found.values())
    return HybridColumns(rows, *scores.raw_of(places), scores.score[places])
