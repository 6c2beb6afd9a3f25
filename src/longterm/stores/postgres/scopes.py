"""What a search is about: the namespaces at or below a path, and how much there is in them.

One statement reads it. That of a small scope brings everything the scores are made of as well,
in arrays: a few hundred items are sooner sent than chosen from, and a round trip is what a small
search waits for. The same statement checks what the search took for granted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longterm.errors import StoreError
from longterm.stores.filters import EVERYTHING
from longterm.stores.lexicon import Postings
from longterm.stores.matrix import Vector
from longterm.stores.postgres.binary import Binary, half_vector, received
from longterm.stores.postgres.conditions import condition_sql
from longterm.stores.postgres.indexing import WIDEST, term_number
from longterm.stores.postgres.items import Session, inside_path
from longterm.stores.preparing import FindItems
from longterm.stores.scoring import Floats, Scores, TextScores, fused, score_terms

__all__ = ["QueryVector", "ScopeContents", "SearchScope", "UnpreparedError", "read_scope"]


class UnpreparedError(StoreError):
    """The database has another model than a search took for granted, or lacks vectors."""


@dataclass(frozen=True, slots=True)
class QueryVector:
    """What vectors are compared with, of which model."""

    vector: Binary
    model: int
    dims: int

    @classmethod
    def of(cls, vector: Vector | None, model: int | None) -> "QueryVector | None":
        """Shape the vector of a query; None where there is nothing to compare it with."""
        if vector is None or model is None:
            return None
        return cls(half_vector(vector.astype("<f2").tobytes()), model, len(vector))

    @property
    def table(self) -> str:
        """Where vectors of so many dimensions lie."""
        return "wide_vectors" if self.dims > WIDEST else "vectors"


@dataclass(frozen=True, slots=True)
class ScopeContents:
    """All items of a scope, by slot, in ascending order of their numbers."""

    namespaces: NDArray[np.int32]
    items: NDArray[np.int64]
    revisions: NDArray[np.int64]
    lengths: Floats
    #: Which of them are as the operation says, as far as SQL can say that.
    wanted: NDArray[np.bool_]
    #: Where a term of the query stands, by its number: slots and counts side by side.
    terms: NDArray[np.int32]
    slots: NDArray[np.int64]
    counts: NDArray[np.int64]
    #: The best of each item, NaN where it has no vector; None where none was asked for.
    cosines: Floats | None

    def postings(self, term: np.uint64) -> Postings:
        """Where a term of the query stands."""
        here = self.terms == term_number(term)
        return Postings(self.slots[here], self.counts[here])

    def scores(self, terms: Sequence[np.uint64]) -> Scores:
        """Score every item; what it is measured by is all of them, also those not wanted."""
        text: TextScores | None = None
        if terms:
            text = score_terms(self, np.ones(len(self.items), dtype=np.bool_), terms)
        return fused(text, self.cosines, self.wanted)


@dataclass(frozen=True, slots=True)
class SearchScope:
    """The namespaces that are searched, and how much there is in them."""

    #: Version of the text index.
    tokenizer: int
    #: Their paths by their numbers.
    paths: Mapping[int, str]
    items: int
    terms: int
    #: Of a small scope, everything.
    contents: ScopeContents | None

    @property
    def namespaces(self) -> list[int]:
        """Their numbers, in ascending order."""
        return list(self.paths)


def read_scope(
    session: Session, op: FindItems, query: QueryVector | None, *, whole: int, assumed: bool
) -> SearchScope:
    """Look up the namespaces of *op*; of at most *whole* items all that is searched.

    Where the model is *assumed*, not looked up, another one is an `UnpreparedError`, and so are
    vectors that are still to be made.
    """
    inside, paths = inside_path(op.path, exact=op.exact)
    alive, parameters = session.alive
    filtered = condition_sql(op.condition)
    wanted = "NULL"  # all of them
    if op.condition != EVERYTHING or session.hides_expired:
        wanted = f"array_send(array_agg(coalesce({alive} AND {filtered.text}, false)))"
    there, is_lacking = "namespace = ANY (scope.ids) AND scope.items <= %s", "false"
    items = (
        "SELECT array_send(array_agg(i.namespace)), array_send(array_agg(i.id)), "
        "array_send(array_agg(i.revision)), array_send(array_agg(i.length)), "
        f"{wanted} FROM items i WHERE i.{there}"
    )
    postings = (
        "SELECT array_send(array_agg(p.term)), array_send(array_agg(p.item)), "
        "array_send(array_agg(p.count)) "
        f"FROM postings p WHERE p.{there} AND p.term = ANY (%s::int[])"
    )
    parts = [items, postings]
    given: list[Any] = [*paths, *parameters, *filtered.parameters, whole]
    given += [whole, [term_number(term) for term in op.terms]]
    if query is not None:
        is_lacking = (
            "EXISTS (SELECT FROM late_vectors l "
            "WHERE l.failures = 0 AND l.namespace = ANY (scope.ids))"
        )
        vectors = (
            "SELECT array_send(array_agg(v.item)), array_send(array_agg(v.vector <#> %s::halfvec)) "
            f"FROM {query.table} v WHERE v.model = %s AND v.{there}"
        )
        parts.append(vectors)
        given += [query.vector, query.model, whole]
    columns = "".join(f", part{number}.*" for number in range(len(parts)))
    joined = "".join(
        f" CROSS JOIN LATERAL ({part}) AS part{number}" for number, part in enumerate(parts)
    )
    found = session.packed(
        f"SELECT state.model, {is_lacking}, state.tokenizer, scope.*{columns} "
        "FROM state CROSS JOIN ("
        "SELECT coalesce(array_agg(n.id ORDER BY n.id), '{}') AS ids, "
        "coalesce(array_agg(n.path ORDER BY n.id), '{}') AS paths, "
        "coalesce(sum(n.items), 0)::bigint AS items, coalesce(sum(n.terms), 0)::bigint AS terms "
        f"FROM namespaces n WHERE {inside}) AS scope{joined}",
        given,
    )
    model, lacks_vectors, tokenizer, numbers, names, count, terms, *sent = found
    if assumed and query is not None and (lacks_vectors or model != query.model):
        raise UnpreparedError("The database is not as the search took for granted.")
    contents = _contents(sent) if count <= whole else None
    return SearchScope(tokenizer, dict(zip(numbers, names, strict=True)), count, terms, contents)


def _contents(sent: Sequence[bytes | None]) -> ScopeContents:
    """Read the arrays of `read_scope`."""
    dtypes = ("i4", "i8", "i8", "i4", "?", "i4", "i8", "i4", "i8", "f8")
    arrays = [received(one, dtype) for one, dtype in zip(sent, dtypes, strict=False)]
    order = np.argsort(arrays[1])
    namespaces, items, revisions, lengths = (array[order] for array in arrays[:4])
    wanted = np.ones(len(items), dtype=np.bool_) if sent[4] is None else arrays[4][order]
    terms, holders, counts, *vectors = arrays[5:]
    slots, known = _slots(items, holders)
    cosines: Floats | None = None
    if vectors:
        owners, known_owners = _slots(items, vectors[0])
        cosines = np.full(len(items), np.nan, np.float32)
        np.fmax.at(cosines, owners, -vectors[1][known_owners].astype(np.float32))
    return ScopeContents(
        namespaces, items, revisions, lengths.astype(np.float32), wanted,
        terms[known], slots, counts[known].astype(np.int64), cosines,
    )  # fmt: skip


def _slots(
    items: NDArray[np.int64], owners: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Look up the slots of *owners*, and which of them are there: `check` finds the others."""
    slots = np.searchsorted(items, owners)
    known = np.append(items, -1)[slots] == owners
    return slots[known], known
