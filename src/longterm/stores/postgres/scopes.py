"""What a search is about: the namespaces at or below a path, and how much there is in them.

One statement reads it. That of a small scope brings everything the scores are made of as well,
in arrays: a few hundred items are sooner sent than chosen from, and a round trip is what a small
search waits for. The same statement checks what the search took for granted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longterm.errors import StoreError
from longterm.stores.filters import EVERYTHING
from longterm.stores.lexicon import Postings
from longterm.stores.matrix import Vector
from longterm.stores.operations import FindItems
from longterm.stores.postgres.binary import Binary, half_vector, received
from longterm.stores.postgres.conditions import condition_sql
from longterm.stores.postgres.indexing import WIDEST, term_number
from longterm.stores.postgres.items import Session, as_text, inside_path
from longterm.stores.scoring import Floats, Scores, TextScores, fused, score_terms

__all__ = [
    "Mark",
    "QueryVector",
    "ScopeContents",
    "ScopeItems",
    "ScopeState",
    "SearchScope",
    "UnpreparedError",
    "read_scope",
    "read_state",
    "without_noise",
]


#: What the order of adding products may make of a cosine: so much, and this share of it.
_NOISE, _SHARE_OF_NOISE = np.float32(2e-7), np.float32(1e-6)


class UnpreparedError(StoreError):
    """The database has another model than a search took for granted, or lacks vectors."""


@dataclass(frozen=True, slots=True)
class QueryVector:
    """What vectors are compared with, of which model."""

    vector: Binary
    #: The same as numbers.
    row: Vector
    #: The number of the model, and the name it goes by.
    model: int
    name: str

    @classmethod
    def of(cls, vector: Vector | None, model: int | None, name: str) -> "QueryVector | None":
        """Shape the vector of a query; None where there is nothing to compare it with."""
        if vector is None or model is None:
            return None
        return cls(half_vector(vector.astype("<f2").tobytes()), vector, model, as_text(name))

    @property
    def dims(self) -> int:
        """How many dimensions it has."""
        return len(self.row)

    @property
    def table(self) -> str:
        """Where vectors of so many dimensions lie."""
        return "wide_vectors" if self.dims > WIDEST else "vectors"


class Mark(NamedTuple):
    """What a namespace is like: a write in it changes one of these, whatever it writes."""

    items: int
    #: The latest of an item.
    revision: int
    #: The transaction that wrote its row last.
    writer: int


@dataclass(frozen=True, slots=True)
class ScopeState:
    """What a scope is like; where two are equal, the same is found."""

    #: The database, the start of its server, and who wrote last what all clients agree on.
    epoch: tuple[Any, ...]
    #: Of the namespaces, by their numbers.
    marks: Mapping[int, Mark]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeItems:
    """Items of a scope by slot, and the terms that they are found by."""

    namespaces: NDArray[np.int32]
    items: NDArray[np.int64]
    revisions: NDArray[np.int64]
    lengths: Floats
    #: Where each term stands, by its number: slots and counts side by side.
    terms: NDArray[np.int32]
    slots: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeContents(ScopeItems):
    """All items of a scope, in ascending order of their numbers, as one search sees them.

    It may hold the terms of its query alone.
    """

    #: Which of them are as the operation says, as far as SQL can say that.
    wanted: NDArray[np.bool_]
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
    alive, parameters = session.alive
    filtered = condition_sql(op.condition)
    wanted = "NULL"  # all of them
    if op.condition != EVERYTHING or session.hides_expired:
        wanted = f"array_send(array_agg(coalesce({alive} AND {filtered.text}, false)))"
    there = "namespace = ANY (scope.ids) AND scope.items <= %s"
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
    given: list[Any] = [*parameters, *filtered.parameters, whole]
    given += [whole, [term_number(term) for term in op.terms]]
    if query is not None:
        parts.append(
            "SELECT array_send(array_agg(v.item)), array_send(array_agg(v.vector <#> %s::halfvec)) "
            f"FROM {query.table} v WHERE v.model = %s AND v.{there}"
        )
        given += [query.vector, query.model, whole]
    scope, sent = _looked_up(session, op, query, _Parts(parts, given), assumed=assumed)
    return replace(scope, contents=_contents(sent)) if scope.items <= whole else scope


def read_state(
    session: Session, op: FindItems, query: QueryVector | None, *, whole: int, assumed: bool
) -> tuple[SearchScope, ScopeState, NDArray[np.int64] | None]:
    """Look up what the namespaces of *op* are like, and which items are as it says.

    Both of at most *whole* items, and the latter where they are not all; the rest is as
    `read_scope` has it.
    """
    parts, given = [_STATE], [whole]
    alive, parameters = session.alive
    is_narrowed = op.condition != EVERYTHING or session.hides_expired
    if is_narrowed:
        filtered = condition_sql(op.condition)
        parts.append(
            "SELECT array_send(array_agg(i.id)) FROM items i WHERE i.namespace = ANY (scope.ids) "
            f"AND scope.items <= %s AND {alive} AND {filtered.text}"
        )
        given += [whole, *parameters, *filtered.parameters]
    scope, found = _looked_up(session, op, query, _Parts(parts, given), assumed=assumed)
    *epoch, numbers, counts, revisions, writers = found[: -1 if is_narrowed else None]
    marks = map(Mark, counts, revisions, writers)
    state = ScopeState(tuple(epoch), dict(zip(numbers, marks, strict=True)))
    return scope, state, received(found[-1], "i8") if is_narrowed else None


class _Parts(NamedTuple):
    """What is read of a scope beside what it is: statements of one row, and their parameters."""

    statements: Sequence[str]
    given: Sequence[Any]


def _looked_up(
    session: Session,
    op: FindItems,
    query: QueryVector | None,
    parts: _Parts,
    *,
    assumed: bool,
) -> tuple[SearchScope, list[Any]]:
    """Read which namespaces *op* is about, and the *parts*."""
    inside, paths = inside_path(op.path, exact=op.exact)
    is_lacking = "false"
    if query is not None:
        is_lacking = (
            "EXISTS (SELECT FROM late_vectors l "
            "WHERE l.failures = 0 AND l.namespace = ANY (scope.ids))"
        )
    columns = ", ".join(f"part{number}.*" for number in range(len(parts.statements)))
    joined = "".join(
        f" CROSS JOIN LATERAL ({part}) AS part{at}" for at, part in enumerate(parts.statements)
    )
    model, name, lacks_vectors, tokenizer, numbers, names, items, terms, *rest = session.packed(
        "SELECT state.model, (SELECT m.name FROM models m WHERE m.id = state.model), "
        f"{is_lacking}, state.tokenizer, scope.ids, scope.paths, scope.items, scope.terms, "
        f"{columns} FROM state CROSS JOIN ("
        "SELECT coalesce(array_agg(n.id ORDER BY n.id), '{}') AS ids, "
        "coalesce(array_agg(n.path ORDER BY n.id), '{}') AS paths, "
        "coalesce(sum(n.items), 0)::bigint AS items, coalesce(sum(n.terms), 0)::bigint AS terms "
        f"FROM namespaces n WHERE {inside}) AS scope{joined}",
        [*paths, *parts.given],
    )
    known = (model, name)
    if assumed and query is not None and (lacks_vectors or known != (query.model, query.name)):
        raise UnpreparedError("The database is not as the search took for granted.")
    named = dict(zip(numbers, names, strict=True))
    return SearchScope(tokenizer, named, items, terms, None), rest


# Another database under the same name, or one that was set back, has another oid or start; what
# all clients agree on has changed where another transaction wrote it.
_STATE = (
    "SELECT state.tableoid::bigint, extract(epoch FROM pg_postmaster_start_time())::float8, "
    "state.xmin::text::bigint, coalesce(array_agg(n.id), '{}'), "
    "coalesce(array_agg(n.items), '{}'), coalesce(array_agg(("
    "SELECT coalesce(max(i.revision), 0) FROM items i WHERE i.namespace = n.id)), '{}'), "
    "coalesce(array_agg(n.xmin::text::bigint), '{}') "
    "FROM namespaces n WHERE n.id = ANY (scope.ids) AND scope.items <= %s"
)


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
        cosines = without_noise(cosines)
    return ScopeContents(
        namespaces=namespaces,
        items=items,
        revisions=revisions,
        lengths=lengths.astype(np.float32),
        terms=terms[known],
        slots=slots,
        counts=counts[known].astype(np.int64),
        wanted=wanted,
        cosines=cosines,
    )


def without_noise(cosines: Floats) -> Floats:
    """Make equal what differs by no more than the order in which products are added.

    The server adds in another than this process does. Which of two equals comes first must not
    depend on who has compared them: pages of one search may be found in either way.
    """
    found = np.flatnonzero(~np.isnan(cosines))
    order = found[np.argsort(-cosines[found], kind="stable")]
    ordered = cosines[order]
    first = np.arange(len(ordered))
    noise = _NOISE + _SHARE_OF_NOISE * np.abs(ordered[1:])
    first[1:][ordered[:-1] - ordered[1:] <= noise] = 0
    alike = cosines.copy()
    alike[order] = ordered[np.maximum.accumulate(first)]
    return alike


def _slots(
    items: NDArray[np.int64], owners: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Look up the slots of *owners*, and which of them are there: `check` finds the others."""
    slots = np.searchsorted(items, owners)
    known = np.append(items, -1)[slots] == owners
    return slots[known], known
