"""Kept scopes: what a small one is searched by stays in the process.

Every search reads, in its own transaction, what the namespaces below its path are like now: how
many items each holds, the latest revision among them, and which transaction wrote its row last.
Writers of one namespace take turns, so what was written since has a later revision; where
nothing has, and as many items are there as are kept, they are the same. Vectors that come later
than their item write the row of its namespace, too. So what is kept is brought up to date by the
few items that changed, and answers for no state but the one that the search sees.

To read a scope takes as long as a few searches of it without. So it is kept once it is searched
again before many others were. All together take no more than a number of bytes; the one used
longest ago goes first.
"""

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from longterm.effects.erasure import inform_of_erasures
from longterm.stores.matrix import best_by_owner, product, widened
from longterm.stores.postgres.binary import integers, place_arrays, received
from longterm.stores.postgres.items import Place, Session
from longterm.stores.postgres.scopes import (
    QueryVector,
    ScopeContents,
    ScopeItems,
    ScopeState,
    without_noise,
)
from longterm.stores.rows import Row, may_share
from longterm.stores.scoring import Floats
from longterm.text.tokenizer import TERM_BYTES

__all__ = ["KeptPlace", "KeptRows", "KeptScope", "KeptScopes", "ScopeName", "brought_up_to_date"]

#: About what a scope takes before it holds anything.
_EMPTY = 2_048
#: So many other scopes may be searched until one is searched again, and kept.
_REMEMBERED = 128
#: Earlier than every revision.
_NEVER = -1
#: What stands before the numbers of a vector that pgvector sends.
_VECTOR_HEAD = 4


class KeptRows:
    """Items of a scope that were read at one state of it, or have not changed since."""

    def __init__(self, rows: Mapping[Place, Row] | None = None) -> None:
        self._rows: dict[Place, Row] = {}
        self._whole: tuple[Row, ...] = ()
        self.nbytes = 0
        self.keep(rows or {})

    def of(self, places: Sequence[Place]) -> dict[Place, Row]:
        """Return those that were read."""
        known = self._rows.get
        return {place: row for place in places if (row := known(place)) is not None}

    def whole(self, places: Sequence[Place]) -> tuple[Row, ...] | None:
        """Return those at *places*, all of the scope, as the same tuple again; None: not all."""
        if len(self._whole) != len(places):
            if len(self._rows) != len(places):
                return None
            self._whole = tuple([self._rows[place] for place in places])
        return self._whole

    def keep(self, rows: Mapping[Place, Row]) -> None:
        """Keep *rows*, which were read at this state; another search may have been faster."""
        new = {place: row for place, row in rows.items() if place not in self._rows}
        self._rows.update(new)
        self.nbytes += Row.nbytes_of(new.values())

    def without(self, gone: Sequence[Place]) -> "KeptRows":
        """Return others that lack some; a search that goes on with these is not disturbed."""
        rows = self._rows.copy()
        for place in gone:
            rows.pop(place, None)
        return KeptRows(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptScope(ScopeItems):
    """What a scope is searched by, at one state of it; items by slot, in ascending order."""

    state: ScopeState
    #: What vectors were read for first, None where there are none: they are of its model.
    query: QueryVector | None
    #: Unit vectors, and the slots that own them.
    vectors: NDArray[np.float32]
    owners: NDArray[np.int32]
    rows: KeptRows = field(default_factory=KeptRows)

    @classmethod
    def empty(cls, state: ScopeState, query: QueryVector | None) -> Self:
        """Make one that nothing was read into."""
        dims = 0 if query is None else query.dims
        wide, narrow = np.empty(0, np.int64), np.empty(0, np.int32)
        return cls(
            state=replace(state, marks={}),
            query=query,
            namespaces=narrow,
            items=wide,
            revisions=wide,
            lengths=np.empty(0, np.float32),
            terms=narrow,
            slots=wide,
            counts=wide,
            vectors=np.empty((0, dims), np.float32),
            owners=narrow,
        )

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        arrays = (
            self.namespaces, self.items, self.revisions, self.lengths, self.terms, self.slots,
            self.counts, self.vectors, self.owners,
        )  # fmt: skip
        return _EMPTY + sum(array.nbytes for array in arrays) + self.rows.nbytes

    def contents(
        self, query: QueryVector | None, wanted: NDArray[np.int64] | None
    ) -> ScopeContents:
        """Show it as one search sees it, which takes the items *wanted* alone, None for all."""
        every = len(self.items)
        cosines: Floats | None = None
        if query is not None:
            found = best_by_owner(product(self.vectors, query.row), self.owners, every)
            cosines = without_noise(found)
        return ScopeContents(
            namespaces=self.namespaces,
            items=self.items,
            revisions=self.revisions,
            lengths=self.lengths,
            terms=self.terms,
            slots=self.slots,
            counts=self.counts,
            wanted=np.ones(every, np.bool_) if wanted is None else np.isin(self.items, wanted),
            cosines=cosines,
        )

    def fits(self, state: ScopeState, query: QueryVector | None) -> bool:
        """Whether it can be brought up to *state*, with vectors to compare *query* with."""
        has_vectors = query is None or (self.query is not None and self.query.model == query.model)
        return has_vectors and self.state.epoch == state.epoch

    def counted(self) -> dict[int, int]:
        """Count the items of each namespace."""
        found, counts = np.unique(self.namespaces, return_counts=True)
        return dict(zip(found.tolist(), counts.tolist(), strict=True))

    def read(self, session: Session, state: ScopeState, since: Mapping[int, int]) -> Self | None:
        """Return another one with what was written *since* a revision of each namespace.

        None where the terms of an item are not kept with it.
        """
        # Of the other namespaces everything is read.
        lasting = [number for number in state.marks if since.get(number) != _NEVER]
        stays = np.isin(self.namespaces, lasting)
        bare = stays & np.isin(self.namespaces, list(since))
        bare[self.owners] = False
        fresh = _read_since(session, since, self._places(bare), self.query)
        if fresh is None:
            return None
        stays &= ~np.isin(self.items, fresh.items)
        return self._joined(fresh, stays, state)

    def _joined(self, fresh: "_Fresh", stays: NDArray[np.bool_], state: ScopeState) -> Self:
        """Put what stays and what is fresh in one order."""
        before = int(np.count_nonzero(stays))
        items = np.concatenate([self.items[stays], fresh.items])
        order = np.argsort(items, kind="stable")
        place = np.empty(len(items), np.int64)
        place[order] = np.arange(len(items))
        # Where the slot of an item that stays goes.
        moved = np.zeros(len(self.items), np.int64)
        moved[stays] = place[:before]
        here, owned = stays[self.slots], stays[self.owners]
        owners = np.searchsorted(items[order], fresh.owners)

        def joined(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([old[stays], new])[order]

        return replace(
            self,
            state=state,
            namespaces=joined(self.namespaces, fresh.namespaces),
            items=items[order],
            revisions=joined(self.revisions, fresh.revisions),
            lengths=joined(self.lengths, fresh.lengths),
            terms=np.concatenate([self.terms[here], fresh.terms]),
            slots=np.concatenate([moved[self.slots[here]], place[before + fresh.slots]]),
            counts=np.concatenate([self.counts[here], fresh.counts]),
            vectors=np.concatenate([self.vectors[owned], fresh.vectors]),
            owners=np.concatenate([moved[self.owners[owned]], owners]).astype(np.int32),
            rows=self.rows.without(self._places(~stays)),
        )

    def _places(self, which: NDArray[np.bool_]) -> list[Place]:
        found = self.namespaces[which].tolist(), self.items[which].tolist()
        return list(zip(*found, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fresh(ScopeItems):
    """What was written of late, a slot each, in no order; and vectors that came later."""

    #: Vectors, with the numbers of their items.
    vectors: NDArray[np.float32]
    owners: NDArray[np.int64]


def _read_since(
    session: Session,
    since: Mapping[int, int],
    lacking: Sequence[Place],
    query: QueryVector | None,
) -> _Fresh | None:
    """Read what was written since a revision of each namespace, and vectors of those *lacking*."""
    every = integers(np.array([n for n, start in since.items() if start == _NEVER], np.int32))
    given: list[Any] = [
        integers(np.array([*since], np.int32)),
        integers(np.array([*since.values()], np.int64)),
    ]
    vectors = "SELECT NULL, NULL"
    if query is not None:
        # OFFSET 0 has each looked up by its index, however many the planner takes them for.
        vectors = (
            "SELECT array_send(array_agg(v.item)), string_agg(halfvec_send(v.vector), '') FROM ("
            f"SELECT v.item, v.vector FROM {query.table} v "
            "WHERE v.model = %s AND v.namespace = ANY (%s::int[]) UNION ALL "
            "SELECT v.* FROM (SELECT namespace, id FROM fresh WHERE namespace <> ALL (%s::int[]) "
            "UNION ALL SELECT * FROM unnest(%s::int[], %s::bigint[])) AS w CROSS JOIN LATERAL ("
            f"SELECT v.item, v.vector FROM {query.table} v WHERE v.model = %s "
            "AND v.namespace = w.namespace AND v.item = w.id OFFSET 0) AS v) AS v"
        )
        given += [query.model, every, every, *place_arrays(lacking), query.model]
    # Compared as rows, since the index by revisions alone holds those of all namespaces.
    found = session.packed(
        "WITH fresh AS MATERIALIZED (SELECT i.* FROM unnest(%s::int[], %s::bigint[]) "
        "AS w (namespace, revision) CROSS JOIN LATERAL (SELECT i.namespace, i.id, i.revision, "
        "i.hashes FROM items i WHERE i.namespace = w.namespace "
        "AND (i.namespace, i.revision) > (w.namespace, w.revision) OFFSET 0) AS i) "
        "SELECT items.*, vectors.* FROM (SELECT array_send(array_agg(f.namespace)), "
        "array_send(array_agg(f.id)), array_send(array_agg(f.revision)), "
        "array_send(array_agg(octet_length(f.hashes))), string_agg(f.hashes, ''), "
        f"count(*) = count(f.hashes) FROM fresh f) AS items CROSS JOIN ({vectors}) AS vectors",
        given,
    )
    *sent, hashes, is_whole, owners, packed = found
    if not is_whole:
        return None
    namespaces, items, revisions, sizes = (
        received(one, dtype) for one, dtype in zip(sent, ("i4", "i8", "i8", "i4"), strict=True)
    )
    lengths = sizes // TERM_BYTES
    numbers = np.frombuffer(hashes or b"", "<i4")[::2]
    slots = np.repeat(np.arange(len(items)), lengths)
    keys, counts = np.unique(
        slots << 32 | numbers.astype(np.uint32).astype(np.int64), return_counts=True
    )
    dims = 0 if query is None else query.dims
    sent_vectors = np.frombuffer(packed or b"", np.uint8).reshape(-1, _VECTOR_HEAD + 2 * dims)
    halves = np.ascontiguousarray(sent_vectors[:, _VECTOR_HEAD:]).view("<u2").byteswap()
    return _Fresh(
        namespaces=namespaces,
        items=items,
        revisions=revisions,
        lengths=lengths.astype(np.float32),
        terms=(keys & 0xFFFFFFFF).astype(np.uint32).view(np.int32),
        slots=keys >> 32,
        counts=counts,
        vectors=widened(halves.view("<f2")),
        owners=received(owners, "i8"),
    )


def brought_up_to_date(
    session: Session, known: KeptScope | None, state: ScopeState, query: QueryVector | None
) -> KeptScope | None:
    """Return what is kept of a scope as it is in *state*, the one that *session* sees.

    None where that cannot be kept.
    """
    if known is None or not known.fits(state, query):
        known = KeptScope.empty(state, query)
    before = known.state.marks
    since = {
        number: before[number].revision
        if number in before and before[number].revision <= mark.revision
        else _NEVER
        for number, mark in state.marks.items()
        if before.get(number) != mark
    }
    if not since and len(before) == len(state.marks):
        return known
    found = known.read(session, state, since)
    if found is None:
        return None
    counted = found.counted()
    # Of these something was deleted.
    wrong = [
        number
        for number, start in since.items()
        if start != _NEVER and counted.get(number) != state.marks[number].items
    ]
    return found.read(session, state, dict.fromkeys(wrong, _NEVER)) if wrong else found


#: A path, and whether what lies below it is left out.
ScopeName: TypeAlias = tuple[str, bool]


@dataclass(slots=True, eq=False)
class KeptPlace:
    """What is kept under one name, if anything is."""

    kept: KeptScope | None = None
    #: It was tried, and cannot be kept.
    is_unfit: bool = False
    nbytes: int = _EMPTY


class KeptScopes:
    """The scopes of one store that were searched last, up to a number of bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.begin_anew()
        inform_of_erasures(self)
        _all.add(self)

    def begin_anew(self) -> None:
        """Begin as in a child process, where a lock of the parent's may be held for ever."""
        self._lock = threading.Lock()
        self._places: OrderedDict[ScopeName, KeptPlace] = OrderedDict()
        #: What was searched once.
        self._seen: OrderedDict[ScopeName, None] = OrderedDict()
        #: About how much memory all of them take.
        self.nbytes = 0

    def place(self, name: ScopeName) -> KeptPlace | None:
        """Return where a scope is kept, or may be; None at its first search, and if it cannot."""
        with self._lock:
            place = self._places.get(name)
            if place is not None:
                self._places.move_to_end(name)
                return None if place.is_unfit else place
            if name not in self._seen:
                self._seen[name] = None
                while len(self._seen) > _REMEMBERED:
                    self._seen.popitem(last=False)
                return None
            del self._seen[name]
            place = self._places[name] = KeptPlace()
            self.nbytes += _EMPTY
            self._settle()
            return place

    def keep(self, name: ScopeName, place: KeptPlace, kept: KeptScope | None) -> None:
        """Keep a scope, unless it was forgotten while it was searched; None: it cannot be."""
        with self._lock:
            if self._places.get(name) is not place:
                return
            nbytes = _EMPTY if kept is None else kept.nbytes
            if kept is None or nbytes > self._max_bytes:
                place.is_unfit, kept, nbytes = True, None, _EMPTY
            self.nbytes += nbytes - place.nbytes
            place.kept, place.nbytes = kept, nbytes
            self._settle()

    def keep_rows(
        self, name: ScopeName, place: KeptPlace, kept: KeptScope, rows: Mapping[Place, Row]
    ) -> None:
        """Keep what was read of the items of a scope, if there is room."""
        if kept.nbytes + Row.nbytes_of(rows.values()) <= self._max_bytes:
            kept.rows.keep(rows)
            self.keep(name, place, kept)

    def clear(self) -> None:
        """Let go of everything; a search that goes on keeps what it reads until its end."""
        with self._lock:
            self._places.clear()
            self._seen.clear()
            self.nbytes = 0

    def forget(self, namespace: tuple[str, ...], key: str | None = None) -> None:
        """Let go of every scope that may hold something of *namespace*."""
        del key  # whole scopes go
        with self._lock:
            for name in list(self._places):
                if may_share(name[0], namespace):
                    self.nbytes -= self._places.pop(name).nbytes

    def _settle(self) -> None:
        while self.nbytes > self._max_bytes and len(self._places) > 1:
            _, oldest = self._places.popitem(last=False)
            self.nbytes -= oldest.nbytes


_all: weakref.WeakSet[KeptScopes] = weakref.WeakSet()


def _begin_anew_after_fork() -> None:
    for scopes in list(_all):
        scopes.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew_after_fork)
