"""Candidates: what each signal puts first in a scope, with both scores of every one.

PostgreSQL computes BM25 over the postings and cosines over the vectors, both from covering
indexes alone; whatever one signal puts first is then scored by the other one too. A gathering
knows the worst score that each signal let in. So a caller can tell whether an item that was
left out could have come before one that is there, and reach further if so: results are exact.

Two shortcuts are not: the signs of long vectors choose which of them are compared in full, and
an HNSW index, where one was built, walks to the nearest of a scope of many namespaces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from longterm.stores.filters import EVERYTHING
from longterm.stores.operations import FindItems
from longterm.stores.postgres.binary import place_arrays
from longterm.stores.postgres.conditions import condition_sql
from longterm.stores.postgres.indexing import WIDEST, term_number
from longterm.stores.postgres.items import Place, Session
from longterm.stores.postgres.scopes import QueryVector, ScopeContents, SearchScope
from longterm.stores.scoring import NOTHING, Scores, TextScores, fused
from longterm.text.bm25 import BM25_B, BM25_K1, idf

__all__ = ["CandidateSearch", "Candidates"]

#: So many of the best by their signs are compared in full, at least.
_RESCORED = 200
#: Scopes of more namespaces than this are searched with an HNSW index, where one was built.
MANY_NAMESPACES = 100


@dataclass(frozen=True, slots=True)
class Candidates:
    """Items with their scores, in ascending order of their places or numbers.

    Where not all are among them, the arrays of scores have one entry more than there are places:
    the best that an item could score which is not.
    """

    places: Sequence[Place]
    #: When each was written last, by the database's own count.
    revisions: NDArray[np.int64]
    scores: Scores
    #: Of each signal that took part: whether every item that it finds is among them.
    exhausted: Sequence[bool]

    @classmethod
    def all_of(cls, contents: ScopeContents, terms: Sequence[np.uint64]) -> Self:
        """Take every item of a small scope, found or not."""
        places = list(zip(contents.namespaces.tolist(), contents.items.tolist(), strict=True))
        return cls(places, contents.revisions, contents.scores(terms), ())

    @property
    def complete(self) -> bool:
        """Whether every item that a signal finds is among them."""
        return all(self.exhausted)

    @property
    def bound(self) -> float:
        """The best score that an item may have which is not among them."""
        return -np.inf if self.complete else float(self.scores.score[-1])

    @property
    def found(self) -> list[int]:
        """Which of them a signal found."""
        return np.flatnonzero(self.scores.score[: len(self.places)] > NOTHING).tolist()

    def in_order(self, score: NDArray[np.float32]) -> list[int]:
        """Sort them, best first, then latest first; what *score* does not find is left out."""
        found = np.flatnonzero(score[: len(self.places)] >= 0)
        order: list[int] = found[np.lexsort((-self.revisions[found], -score[found]))].tolist()
        return order


Found = dict[Place, float]


class CandidateSearch:
    """The candidates of one search, gathered as far down as a caller wants."""

    def __init__(
        self, session: Session, op: FindItems, scope: SearchScope, query: QueryVector | None
    ) -> None:
        self._session, self._op, self.scope, self._query = session, op, scope, query
        self._weights, self._ideal = self._text_weights()
        self._mean_length = scope.terms / max(scope.items, 1) or 1.0
        alive, parameters = session.alive
        wanted = condition_sql(op.condition)
        self._filter, self._filter_parameters = "", ()
        if op.condition != EVERYTHING or session.hides_expired:
            self._filter = (
                " AND {row} IN (SELECT i.id FROM items i WHERE i.namespace = ANY (%s::int[]) "
                f"AND {alive} AND {wanted.text})"
            )
            self._filter_parameters = (scope.namespaces, *parameters, *wanted.parameters)

    @property
    def has_text(self) -> bool:
        """Whether the query has terms; that none of them occurs is an answer too."""
        return bool(self._op.terms)

    def gather(self, reach: int) -> Candidates:
        """Take the best *reach* of each signal."""
        text, text_floor = self._best_by_text(reach)
        cosines, cosine_floor = self._best_by_vector(reach)
        if text_floor is not None:
            text |= self._text_of([place for place in cosines if place not in text])
        if cosine_floor is not None:
            cosines |= self._cosines_of([place for place in text if place not in cosines])
        written = self._written([*{*text, *cosines}])
        return self._candidates(written, text, cosines, (text_floor, cosine_floor))

    def score(self, places: Sequence[Place]) -> Candidates:
        """Score items that were chosen otherwise."""
        text, cosines = self._text_of(places), self._cosines_of(places)
        return self._candidates(self._written(places), text, cosines, (None, None))

    def _candidates(
        self,
        written: Sequence[tuple[Any, ...]],
        text: Found,
        cosines: Found,
        floors: tuple[float | None, float | None],
    ) -> Candidates:
        """Fuse what the signals say of items, which come as `_written` describes them."""
        written = sorted(written)
        places = [(namespace, item) for namespace, item, _, _ in written]
        text_floor, cosine_floor = floors
        best = (text_floor or 0.0, np.nan if cosine_floor is None else cosine_floor)
        bm25 = np.array([*(text.get(place, 0.0) for place in places), best[0]], np.float32)
        cosine = np.array([*(cosines.get(place, np.nan) for place in places), best[1]], np.float32)
        lengths = np.array([*(length for _, _, length, _ in written), 0], np.float32)
        revisions = np.array([revision for _, _, _, revision in written], np.int64)
        scores = fused(
            TextScores(bm25, self._ideal, lengths) if self.has_text else None,
            cosine if self._query is not None else None,
            np.ones(len(bm25), dtype=np.bool_),
        )
        took_part = (scores.text is not None, scores.cosines is not None)
        exhausted = [floor is None for floor, there in zip(floors, took_part, strict=True) if there]
        return Candidates(places, revisions, scores, exhausted)

    def _written(self, places: Sequence[Place]) -> list[tuple[Any, ...]]:
        """Look up namespace, id, number of terms and revision of each of *places*."""
        return self._session.rows(
            "SELECT i.namespace, i.id, i.length, i.revision "
            "FROM unnest(%s::int[], %s::bigint[]) AS w (namespace, id) "
            "JOIN items i ON i.namespace = w.namespace AND i.id = w.id",
            place_arrays(places),
        )

    # --- full text ---

    def _text_weights(self) -> tuple[dict[int, float], float]:
        """How much each term of the query counts that occurs, and all of them together."""
        signed = [term_number(term) for term in self._op.terms]
        if not signed:
            return {}, 0.0
        holders = dict(
            self._session.rows(
                "SELECT term, count(*) FROM postings WHERE namespace = ANY (%s::int[]) "
                "AND term = ANY (%s::int[]) GROUP BY term",
                (self.scope.namespaces, signed),
            )
        )
        total = max(self.scope.items, 1)
        weights = {term: idf(holders.get(term, 0), total) for term in signed}
        return {term: weights[term] for term in holders}, sum(weights.values())

    def _best_by_text(self, reach: int) -> tuple[Found, float | None]:
        if not self._weights:
            return {}, None
        inside = "JOIN postings p ON p.term = w.term WHERE p.namespace = ANY (%s::int[])"
        rows = self._session.rows(
            f"{self._bm25(inside)}{self._filter.format(row='p.item')} "
            "GROUP BY 1, 2 ORDER BY 3 DESC LIMIT %s",
            (*self._bm25_parameters, self.scope.namespaces, *self._filter_parameters, reach),
        )
        return _found(rows, reach)

    def _text_of(self, places: Sequence[Place]) -> Found:
        if not self._weights or not places:
            return {}
        # OFFSET 0 has each posting looked up by itself, whatever the planner believes of them.
        given = (
            "CROSS JOIN unnest(%s::int[], %s::bigint[]) AS c (namespace, item) CROSS JOIN LATERAL "
            "(SELECT * FROM postings WHERE namespace = c.namespace AND term = w.term "
            "AND item = c.item OFFSET 0) AS p"
        )
        rows = self._session.rows(
            f"{self._bm25(given)} GROUP BY 1, 2", (*self._bm25_parameters, *place_arrays(places))
        )
        return _found(rows, None)[0]

    def _bm25(self, joined: str) -> str:
        return (
            "SELECT p.namespace, p.item, sum(w.weight * p.count * %s "
            "/ (p.count + %s + %s * p.length))::float4 "
            f"FROM unnest(%s::int[], %s::float8[]) AS w (term, weight) {joined}"
        )

    @property
    def _bm25_parameters(self) -> tuple[Any, ...]:
        return (
            BM25_K1 + 1,
            BM25_K1 * (1 - BM25_B),
            BM25_K1 * BM25_B / self._mean_length,
            list(self._weights),
            list(self._weights.values()),
        )

    # --- vectors ---

    def _best_by_vector(self, reach: int) -> tuple[Found, float | None]:
        query = self._query
        if query is None:
            return {}, None
        if query.dims > WIDEST:
            return self._best_by_signs(query, max(reach, _RESCORED))
        if len(self.scope.namespaces) > MANY_NAMESPACES and not self._filter:
            found = self._best_by_graph(query, reach)
            if len(found) == reach:
                return _found(found, reach)
        rows = self._session.rows(
            "SELECT v.namespace, v.item, -(v.vector <#> %s::halfvec) FROM vectors v "
            "WHERE v.model = %s AND v.namespace = ANY (%s::int[])"
            f"{self._filter.format(row='v.item')} ORDER BY v.vector <#> %s::halfvec LIMIT %s",
            (query.vector, query.model, self.scope.namespaces, *self._filter_parameters,
             query.vector, reach),
        )  # fmt: skip
        return _found(rows, reach)

    def _best_by_signs(self, query: QueryVector, reach: int) -> tuple[Found, float | None]:
        rows = self._session.rows(
            "SELECT v.namespace, v.item, -(v.vector <#> %s::halfvec) AS cosine FROM ("
            "SELECT w.model, w.namespace, w.item, w.chunk FROM wide_vectors w "
            "WHERE w.model = %s AND w.namespace = ANY (%s::int[])"
            f"{self._filter.format(row='w.item')} "
            "ORDER BY w.signs <~> binary_quantize(%s::halfvec) LIMIT %s) AS best "
            "JOIN wide_vectors v USING (model, namespace, item, chunk) ORDER BY 3 DESC",
            (query.vector, query.model, self.scope.namespaces, *self._filter_parameters,
             query.vector, reach),
        )  # fmt: skip
        return _found(rows, reach)

    def _best_by_graph(self, query: QueryVector, reach: int) -> list[tuple[Any, ...]]:
        """Walk the HNSW index, if there is one; it may bring fewer than there are."""
        graph = f"vectors_graph_{query.model}"
        valid = "SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid"
        if not self._session.rows(valid, (graph,)):
            return []
        self._session.run("SET LOCAL hnsw.iterative_scan TO relaxed_order")
        self._session.run(f"SET LOCAL hnsw.ef_search TO {min(max(reach, 100), 1000)}")
        self._session.run("SET LOCAL hnsw.max_scan_tuples TO 80000")
        typed = f"v.vector::halfvec({query.dims}) <#> %s::halfvec({query.dims})"
        rows = self._session.rows(
            f"SELECT v.namespace, v.item, -({typed}) FROM vectors v WHERE v.model = {query.model} "
            f"AND v.namespace = ANY (%s::int[]) ORDER BY {typed} LIMIT %s",
            (query.vector, self.scope.namespaces, query.vector, reach),
        )
        return sorted(rows, key=lambda row: -row[2])

    def _cosines_of(self, places: Sequence[Place]) -> Found:
        query = self._query
        if query is None or not places:
            return {}
        rows = self._session.rows(
            "SELECT v.namespace, v.item, max(-(v.vector <#> %s::halfvec)) "
            "FROM unnest(%s::int[], %s::bigint[]) AS w (namespace, item) JOIN "
            f"{query.table} v ON v.namespace = w.namespace AND v.item = w.item WHERE v.model = %s "
            "GROUP BY 1, 2",
            (query.vector, *place_arrays(places), query.model),
        )
        return _found(rows, None)[0]


def _found(rows: Sequence[tuple[Any, ...]], reach: int | None) -> tuple[Found, float | None]:
    """Best score of each item, and the worst of all where there may be more than *reach*.

    None for *reach*: there are no more.

    Where an item is there more than once, the best of it comes first.
    """
    found = {(namespace, item): score for namespace, item, score in reversed(rows)}
    return found, None if reach is None or len(rows) < reach else float(rows[-1][2])
