"""Searching inside a transaction: candidates from the indexes, items where they are shown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
from langgraph.store.base import SearchItem

from longterm.errors import ModelChangedError
from longterm.stores.filters import EVERYTHING
from longterm.stores.operations import (
    ExplainedItem,
    Explanation,
    FindItems,
    HybridColumns,
    HybridHit,
)
from longterm.stores.postgres.candidates import Candidates, CandidateSearch
from longterm.stores.postgres.items import Place, Session, fetch_rows, holds_now, latest_rows
from longterm.stores.postgres.kept import KeptScope, KeptScopes, brought_up_to_date
from longterm.stores.postgres.scopes import QueryVector, SearchScope, read_scope, read_state
from longterm.stores.rows import Row
from longterm.stores.scoring import NOTHING, contributions
from longterm.text.tokenizer import VERSION

__all__ = ["ItemSearch"]

#: How many of each signal are gathered at first, and how much further each time.
_REACH, _FURTHER = 200, 8
#: More at first, this share and at most so many, where gathering again would cost more than that.
_SHARE, _DEEP = 100, 2000
#: Scopes of at most so many items are read whole.
_SMALL = 1_000
#: One in so many of what a signal finds is good enough for its neighbours to be of interest.
_CENTRES = 8


@dataclass(frozen=True, slots=True)
class _Ranked:
    """An item, and what it is among the candidates."""

    row: Row
    candidates: Candidates | None = None
    at: int = 0


class _Kept(NamedTuple):
    """The scope that is searched, where it stays between searches."""

    scope: KeptScope
    keep_rows: Callable[[Mapping[Place, Row]], None]


class ItemSearch:
    """One search in one transaction; *assumed* is as `read_scope` says.

    *scopes* are those that stay between searches, None in a transaction that writes: no other
    may see what it has not committed.
    """

    def __init__(
        self,
        session: Session,
        op: FindItems,
        query: QueryVector | None,
        *,
        assumed: bool,
        scopes: KeptScopes | None,
    ) -> None:
        self._session, self._op, self._query, self._assumed = session, op, query, assumed
        self._scopes = scopes
        self._kept: _Kept | None = None
        self._paths: Mapping[int, str] = {}
        self._with_terms = False

    def answer(self) -> list[SearchItem] | list[HybridHit] | HybridColumns:
        """Find the items that the operation asks for."""
        op = self._op
        if op.answer in ("hybrid", "columns"):
            found = self._columns()
            return found if op.answer == "columns" else found.hits()
        size, skip = op.offset + op.limit, 0
        if op.query is None:
            # Where all count, the database passes over what comes before the page.
            skip = op.offset if op.condition == EVERYTHING else 0
            found = self._latest(size - skip, (), skip)
        else:
            found, candidates = self._ranked(size)
            if len(found) < size:
                scored = [candidates.places[at][1] for at in candidates.found]
                found += self._latest(size - len(found), scored)
        page = found[op.offset - skip :]
        if op.refresh:
            for one in page:
                self._session.touch(one.row)
        return [
            _explained_hits(one) if op.answer == "explained" else _search_item(one) for one in page
        ]

    def _latest(self, size: int, without: Sequence[int], skip: int = 0) -> list[_Ranked]:
        rows = latest_rows(self._session, self._op, without=without, skip=skip)
        return [_Ranked(row) for row in islice(rows, size)]

    def _scope(self, whole: int) -> SearchScope:
        scope = self._kept_scope(whole) or read_scope(
            self._session, self._op, self._query, whole=whole, assumed=self._assumed
        )
        if scope.tokenizer > VERSION:  # an older one is good enough until it is made again
            raise ModelChangedError(
                f"The text index of the database is of version {scope.tokenizer}, this longterm "
                f"knows version {VERSION}. Upgrade longterm, or call store.reindex() to make it "
                "again."
            )
        self._paths = scope.paths
        # Recall reads the terms of what it finds; those of an older tokenizer are not its own.
        is_read = self._op.answer in ("hybrid", "columns") or self._kept is not None
        self._with_terms = is_read and scope.tokenizer == VERSION
        return scope

    def _kept_scope(self, whole: int) -> SearchScope | None:
        """Look up a scope that stays between searches; None where it cannot."""
        name = (self._op.path, self._op.exact)
        place = None if self._scopes is None or not whole else self._scopes.place(name)
        if self._scopes is None or place is None:
            return None
        scope, state, wanted = read_state(
            self._session, self._op, self._query, whole=whole, assumed=self._assumed
        )
        if scope.items > whole:
            return scope
        kept = brought_up_to_date(self._session, place.kept, state, self._query)
        self._scopes.keep(name, place, kept)
        if kept is None:
            return None
        self._kept = _Kept(kept, partial(self._scopes.keep_rows, name, place, kept))
        return replace(scope, contents=kept.contents(self._query, wanted))

    def _ranked(self, size: int) -> tuple[list[_Ranked], Candidates]:
        """Find the best *size* that are as the operation says; reaches as far as that takes."""
        scope = self._scope(_SMALL)
        if scope.contents is not None:
            candidates = Candidates.all_of(scope.contents, self._op.terms)
            order = candidates.in_order(candidates.scores.score)
            return list(islice(self._shown(candidates, order, size), size)), candidates
        search = CandidateSearch(self._session, self._op, scope, self._query)
        reach = max(_REACH, 2 * size, min(scope.items // _SHARE, _DEEP))
        while True:
            candidates = search.gather(reach)
            score, bound = candidates.scores.score, candidates.bound
            certain = candidates.in_order(np.where(score > bound, score, NOTHING))
            found = list(self._shown(candidates, certain, size))
            if len(found) >= size or candidates.complete:
                return found[:size], candidates
            reach *= _FURTHER

    def _shown(self, candidates: Candidates, order: Sequence[int], size: int) -> Iterator[_Ranked]:
        """Fetch *size* of the candidates that may be shown, in growing chunks."""
        start, chunk, shown = 0, max(size, 1), 0
        while start < len(order) and shown < size:
            part = order[start : start + chunk]
            rows = self._rows([candidates.places[at] for at in part])
            for at in part:
                row = rows.get(candidates.places[at])
                if row is not None:
                    shown += 1
                    yield _Ranked(row, candidates, at)
            start, chunk = start + chunk, chunk * 4

    def _rows(self, places: Sequence[Place]) -> dict[Place, Row]:
        """Fetch those that are as the operation says."""
        condition = self._op.condition
        known = {} if self._kept is None else self._kept.scope.rows.of(places)
        unread = [place for place in places if place not in known]
        found: dict[Place, Row] = {}
        if unread:
            found = fetch_rows(
                self._session, unread, condition, self._paths, with_terms=self._with_terms
            )
            if self._kept is not None:
                self._kept.keep_rows(found)
        if condition != EVERYTHING:
            known = {place: row for place, row in known.items() if holds_now(condition, row)}
        return known | found

    # --- what each signal says ---

    def _columns(self) -> HybridColumns:
        """Collect the best of each signal, both being asked about all of them."""
        scope = self._scope(self._op.full_scan_limit)
        if scope.contents is not None:
            candidates = Candidates.all_of(scope.contents, self._op.terms)
        else:
            search = CandidateSearch(self._session, self._op, scope, self._query)
            candidates = search.score(self._best(search))
        places, score = candidates.places, candidates.scores.score
        shown = np.flatnonzero(score[: len(places)] > -np.inf)
        rows: tuple[Row, ...] | None = None
        if self._kept and len(shown) == len(places) and self._op.condition == EVERYTHING:
            rows = self._kept.scope.rows.whole(places)
        if rows is None:
            found = self._rows([places[at] for at in shown.tolist()])
            shown = np.array([at for at, place in enumerate(places) if place in found], np.int64)
            rows = tuple([found[places[at]] for at in shown.tolist()])
        return HybridColumns(rows, *candidates.scores.raw_of(shown), score[shown])

    def _best(self, search: CandidateSearch) -> list[Place]:
        """Find what each signal puts first, and what was written around the best of it."""
        # Twice as far, as which of equals comes first is not PostgreSQL's to say.
        limit, reach = self._op.limit, max(2 * self._op.limit, _REACH)
        while True:
            candidates = search.gather(reach)
            live = np.ones(len(candidates.scores.score), dtype=np.bool_)
            best: list[list[Place]] = []
            for signal in candidates.scores.signals(live):
                # A score below 0 is a cosine's, and one of those found all the same.
                order = candidates.in_order(np.where(signal > -np.inf, signal + 1, -1))
                shown = islice(self._shown(candidates, order, limit), limit)
                best.append([candidates.places[one.at] for one in shown])
            known = zip(best, candidates.exhausted, strict=True)
            if all(is_exhausted or len(places) == limit for places, is_exhausted in known):
                break
            reach *= _FURTHER
        chosen = {place for places in best for place in places}
        centres = [place for places in best for place in places[: limit // _CENTRES]]
        if self._op.neighbors and centres:
            chosen |= self._around(centres)
        return [*chosen]

    def _around(self, centres: Sequence[Place]) -> set[Place]:
        reach = self._op.neighbors
        near = self._session.rows(
            "SELECT near.namespace, near.id FROM unnest(%s::int[], %s::bigint[]) "
            "AS c (namespace, id), LATERAL ("
            "(SELECT namespace, i.id FROM items i WHERE i.namespace = c.namespace AND i.id < c.id "
            "ORDER BY i.id DESC LIMIT %s) UNION ALL "
            "(SELECT namespace, i.id FROM items i WHERE i.namespace = c.namespace AND i.id > c.id "
            "ORDER BY i.id LIMIT %s)) AS near",
            ([place[0] for place in centres], [place[1] for place in centres], reach, reach),
        )
        return {(namespace, number) for namespace, number in near}


def _search_item(found: _Ranked) -> SearchItem:
    score = NOTHING
    if found.candidates is not None:
        score = float(found.candidates.scores.score[found.at])
    return found.row.found(None if score == NOTHING else score)


def _explained_hits(found: _Ranked) -> ExplainedItem:
    if found.candidates is None:
        return ExplainedItem(_search_item(found), Explanation(None, None, None, None))
    scores = found.candidates.scores
    text, vector = contributions(scores, found.at)
    raw = scores.raw(found.at)
    return ExplainedItem(_search_item(found), Explanation(text, vector, *raw))
