"""Searching inside a transaction: scores from the arrays, items from the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from langgraph.store.base import SearchItem
from numpy.typing import NDArray

from longterm.errors import ModelChangedError
from longterm.stores.filters import EVERYTHING
from longterm.stores.matrix import Vector
from longterm.stores.operations import ArmHit, ExplainedItem, Explanation, Find
from longterm.stores.ranking import NOTHING, Scores, bm25, contributions, fused, in_order
from longterm.stores.scopes import Arms, Scope, ScopeCache, Slots, View
from longterm.stores.transaction import Row, Transaction, fetched, item, latest
from longterm.text import VERSION

__all__ = ["Asked", "find"]

_CHUNK = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as vectors see it: what to compare with, of which model."""

    vector: Vector | None
    model: int | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """The scores of a scope, by slot."""

    slots: Slots
    scores: Scores


def find(
    tx: Transaction, op: Find, asked: Asked, cache: ScopeCache, *, own: bool
) -> list[SearchItem] | list[ArmHit]:
    """Find the items that *op* asks for; *own*: this transaction wrote some of them."""
    if op.query is None:
        return _page(tx, op, (_Found(row, None) for row in latest(tx, op)))
    ranking = _ranking(tx, op, asked, cache, own=own)
    if op.answer == "arms":
        return _hits(tx, op, ranking)
    return _page(tx, op, _ranked(tx, op, ranking, ranking.scores.score))


@dataclass(frozen=True, slots=True)
class _Found:
    """An item, and its slot where a query ranked it."""

    row: Row
    slot: int | None
    scores: Scores | None = None


def _page(tx: Transaction, op: Find, found: Iterator[_Found]) -> list[SearchItem]:
    page = list(islice(found, op.offset, op.offset + op.limit))
    if op.refresh:
        for one in page:
            tx.touch(one.row)
    return [_explained(one) if op.answer == "explained" else _search_item(one) for one in page]


# --- scores -----------------------------------------------------------------------------------


def _ranking(tx: Transaction, op: Find, asked: Asked, cache: ScopeCache, *, own: bool) -> Ranking:
    dims = 0 if asked.vector is None else len(asked.vector)
    arms = Arms(text=bool(op.terms), model=asked.model, dims=dims)
    scope, view = _viewed(tx, op.path, arms, cache, own=own)
    cache.settle(op.path)
    live = view.slots.live
    text = None if view.lexicon is None else bm25(view.lexicon, live, op.terms)
    cosines = None
    if asked.vector is not None and asked.model is not None:
        cosines = scope.cosines(tx.connection, view, arms, asked.vector)
    return Ranking(view.slots, fused(text, cosines, live))


def _viewed(
    tx: Transaction, path: str, arms: Arms, cache: ScopeCache, *, own: bool
) -> tuple[Scope, View]:
    if not own:
        scope = cache.shared(path)
        # The first read of a transaction decides which state of the file it sees. Under the lock,
        # that is never an older one than the scope has reached already.
        with scope.lock:
            revision = _revision(tx)
            if scope.revision <= revision:
                return scope, scope.view(tx.connection, revision, arms)
    scope = cache.private(path)
    return scope, scope.view(tx.connection, _revision(tx), arms)


def _revision(tx: Transaction) -> int:
    revision, version = tx.execute("SELECT revision, tokenizer FROM state").fetchone()
    if version != VERSION:
        raise ModelChangedError(
            f"The text index of {tx.file} is of version {version}, this longterm makes version "
            f"{VERSION}. Call store.reindex() to make it again."
        )
    return int(revision)


# --- items ------------------------------------------------------------------------------------


def _ranked(
    tx: Transaction, op: Find, ranking: Ranking, score: NDArray[np.float32]
) -> Iterator[_Found]:
    """Fetch the items in the order of *score*, in growing chunks, as most are not wanted."""
    size = op.offset + op.limit + (0 if op.condition == EVERYTHING else _CHUNK)
    size = max(size, 1)
    for part in in_order(score, ranking.slots.revisions, size):
        start = 0
        while start < len(part):
            chunk = part[start : start + size]
            yield from _of_chunk(tx, op, ranking, chunk)
            start, size = start + size, size * 4


def _of_chunk(
    tx: Transaction, op: Find, ranking: Ranking, chunk: NDArray[np.int64]
) -> Iterator[_Found]:
    ids: list[int] = ranking.slots.ids[chunk].tolist()
    rows = fetched(tx, ids, op.condition)
    for slot, number in zip(chunk.tolist(), ids, strict=True):
        if number in rows:
            yield _Found(rows[number], slot, ranking.scores)


def _search_item(found: _Found) -> SearchItem:
    plain = item(found.row)
    return SearchItem(
        namespace=plain.namespace,
        key=plain.key,
        value=plain.value,
        created_at=plain.created_at,
        updated_at=plain.updated_at,
        score=_score(found),
    )


def _score(found: _Found) -> float | None:
    if found.slot is None or found.scores is None:
        return None
    score = float(found.scores.score[found.slot])
    return None if score == NOTHING else score


def _explained(found: _Found) -> ExplainedItem:
    nothing = Explanation(None, None, None, None)
    if found.slot is None or found.scores is None:
        return ExplainedItem(_search_item(found), nothing)
    text, vector = contributions(found.scores, found.slot)
    raw = found.scores.raw(found.slot)
    return ExplainedItem(_search_item(found), Explanation(text, vector, *raw))


def _hits(tx: Transaction, op: Find, ranking: Ranking) -> list[ArmHit]:
    """Collect the best of each arm; the other arm is asked about them as well."""
    best: dict[int, _Found] = {}
    for score in ranking.scores.arms(ranking.slots.live):
        for one in islice(_ranked(tx, op, ranking, score), op.offset, op.offset + op.limit):
            best[one.row.id] = one
    ordered = sorted(best.values(), key=lambda one: _score(one) or 0.0, reverse=True)
    return [ArmHit(item(one.row), *_raw(one)) for one in ordered]


def _raw(found: _Found) -> tuple[float | None, float | None]:
    if found.scores is None or found.slot is None:
        return None, None
    return found.scores.raw(found.slot)
