"""Scopes: what a namespace prefix holds, as arrays in memory, brought up to date before each use.

A scope is loaded at its first search: only the signals that are asked for, only what is below its
prefix. Vectors, most of what there is, are kept from the second search on. Later it reads what is
newer than itself, by its revision, so writes of other threads and other processes cost what they
wrote. All scopes together keep no more than a number of
bytes; the one used longest ago goes first.
"""

import json
import os
import sqlite3
import threading
import weakref
from collections import OrderedDict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longterm.effects.erasure import inform_of_erasures
from longterm.stores.embedded.slots import Slots
from longterm.stores.embedded.transaction import within_prefix
from longterm.stores.lexicon import Lexicon
from longterm.stores.matrix import (
    Matrix,
    Vector,
    best_by_owner,
    unpack,
    widened,
    widened_product,
)
from longterm.stores.rows import Row, may_share
from longterm.text.tokenizer import TERM_BYTES

__all__ = ["REMEMBERED", "Scope", "ScopeCache", "ScopeView", "Signals"]

_BLOCK = 4096
#: Of so many items of a namespace the vectors, or the terms, which are shorter, are read at once:
#: more would ask for memory that is new.
_VECTORS_AT_ONCE, _TERMS_AT_ONCE = 512, 2_048
#: What SQLite keeps of its pages meanwhile, as `PRAGMA cache_size` says it.
_CACHE_SIZE = -1_000
#: So many searches take less than to sort a lexicon would.
_SEARCHES_UNSORTED = 8
#: About what a scope takes before it holds anything.
_EMPTY = 2048
#: Removals and late vectors older than this many revisions are forgotten.
REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class ScopeView:
    """A scope at one revision; a signal that was not asked for, or has no room, is None."""

    slots: Slots
    lexicon: Lexicon | None
    matrix: Matrix | None
    rows: "RowCache"


class RowCache:
    """Items of a scope that were read in the file, by slot: what has changed has another slot."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        # All, in the order of the living slots of one state.
        self._whole: tuple[Slots, tuple[Row, ...]] | None = None
        self.nbytes = 0

    def whole(self, slots: Slots) -> tuple[Row, ...] | None:
        """Return the items of all living *slots*, if they were kept together."""
        known = self._whole  # others may drop it meanwhile
        return known[1] if known and known[0] is slots else None

    def keep_whole(self, slots: Slots, rows: tuple[Row, ...]) -> None:
        """Keep the items of all living *slots*, if each of them is kept."""
        self._whole = (slots, rows) if len(self._rows) == len(rows) else None

    def known(self, slots: Sequence[int]) -> dict[int, Row]:
        """Return what was read at *slots*, of those that were."""
        get = self._rows.get  # others may drop some of them meanwhile
        return {slot: row for slot in slots if (row := get(slot))}

    def keep(self, rows: Mapping[int, Row], room: int) -> None:
        """Keep *rows*, as far as they fit in *room* bytes."""
        size = Row.nbytes_of(rows.values())
        if size <= room:
            self._rows.update(rows)
            self.nbytes += size

    def drop(self, slots: Iterable[int]) -> None:
        """Forget the items of slots that have died."""
        self._whole = None
        for slot in slots:
            if row := self._rows.pop(slot, None):
                self.nbytes -= row.nbytes


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals a search needs: full text, and the vectors of one model with their dimension."""

    text: bool
    model: int | None
    dims: int


class Scope:
    """The arrays of one namespace prefix, shared by all threads."""

    def __init__(self, path: str, max_bytes: int) -> None:
        self.lock = threading.Lock()
        self._sql, self._parameters = within_prefix(path)
        self._max_bytes = max_bytes
        self._forget()

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        parts = (self._slots, self._lexicon, self._matrix, self._rows)
        return _EMPTY + sum(part.nbytes for part in parts if part is not None)

    @property
    def revision(self) -> int:
        """The state of the file it stands for."""
        return self._revision

    def view(self, connection: sqlite3.Connection, revision: int, signals: Signals) -> ScopeView:
        """Show the scope at *revision*, which is the one that *connection* reads."""
        try:
            slots = self._up_to_date(connection, revision)
            if signals.text:
                lexicon = self._lexicon or self._load_lexicon(connection, slots)
                self._searches += 1
                in_order = lexicon.is_sorted or self._searches < _SEARCHES_UNSORTED
                self._lexicon = lexicon if in_order else lexicon.in_order()
            if signals.model is not None:
                if self._model != signals.model or self.room < 0:
                    self._matrix = None
                # Many a scope is searched once: what memory that is new would take is spared then.
                is_first = self._model != signals.model
                if self._matrix is None and not is_first and not self._is_crowded:
                    self._matrix = self._load_matrix(connection, slots, signals)
                    self._is_crowded = self._matrix is None
                self._model = signals.model
        except BaseException:
            self._forget()  # some of the arrays may be ahead of the others
            raise
        return ScopeView(
            slots,
            self._lexicon if signals.text else None,
            self._matrix if signals.model is not None else None,
            self._rows,
        )

    def keep(self, view: ScopeView, rows: Mapping[int, Row]) -> None:
        """Keep what was read of *view* for the next search, if there is room."""
        with self.lock:
            view.rows.keep(rows, self.room)

    def cosines(
        self, connection: sqlite3.Connection, view: ScopeView, signals: Signals, query: Vector
    ) -> Vector:
        """Find the best cosine of every slot of *view*, in memory or else in the file."""
        slots = len(view.slots.ids)
        if view.matrix is not None:
            return view.matrix.cosines(query, slots)
        cosines = [np.zeros(0, np.float32)]
        owners = [np.zeros(0, np.int32)]
        with _without_keeping(connection, view.slots):
            for own, rows in self._vectors(connection, view.slots, signals):
                cosines.append(widened_product(rows, query))
                owners.append(own)
        return best_by_owner(np.concatenate(cosines), np.concatenate(owners), slots)

    def _forget(self) -> None:
        self._revision = -1
        self._slots: Slots | None = None
        self._lexicon: Lexicon | None = None
        #: How many have looked into the lexicon.
        self._searches = 0
        self._matrix: Matrix | None = None
        self._rows = RowCache()
        self._model: int | None = None
        #: There was no room for the vectors; not tried again before everything is loaded anew.
        self._is_crowded = False

    # --- bringing it up to date ---

    def _up_to_date(self, connection: sqlite3.Connection, revision: int) -> Slots:
        if revision - self._revision > REMEMBERED:
            self._forget()
        if self._slots is None:
            self._slots = self._loaded(connection)
        elif revision > self._revision:
            self._slots = self._advanced(connection, self._slots)
        self._revision = revision
        return self._slots

    def _advanced(self, connection: sqlite3.Connection, slots: Slots) -> Slots:
        written = f"SELECT {_SLOT} FROM items WHERE {self._sql} AND"
        new = connection.execute(
            f"{written} revision > ? UNION {written} id IN "
            "(SELECT item FROM late_vectors WHERE revision > ?) ORDER BY revision",
            (*self._parameters, self._revision) * 2,
        ).fetchall()
        removed = connection.execute(
            "SELECT item FROM removals WHERE revision > ?", (self._revision,)
        ).fetchall()
        if not new and not removed:
            return slots
        if len(slots.ids) + len(new) > 2 * np.count_nonzero(slots.live) + _BLOCK:
            self._forget()  # most slots are dead
            return self._loaded(connection)
        ids = [row[0] for row in new]
        if self._lexicon is not None:
            packed = dict(connection.execute(_TERMS_OF, (json.dumps(ids),)))
            self._lexicon = self._lexicon.appended([packed.get(item, b"") for item in ids])
        if self._matrix is not None:
            rows = connection.execute(_VECTORS_OF, (self._model, json.dumps(ids))).fetchall()
            places = {item: place for place, item in enumerate(ids, len(slots.ids))}
            owners = np.array([places[item] for item, _ in rows], dtype=np.int32)
            vectors = unpack([vector for _, vector in rows], self._matrix.rows.shape[1])
            self._matrix = self._matrix.appended(vectors, owners)
        advanced = slots.appended(new, [row[0] for row in removed])
        self._rows.drop(np.flatnonzero(slots.live & ~advanced.live[: len(slots.live)]).tolist())
        return advanced

    # --- loading ---

    def _loaded(self, connection: sqlite3.Connection) -> Slots:
        what = "group_concat(id), group_concat(revision), namespace, count(*)"
        rows = _joined(
            connection, f"SELECT {what} FROM items WHERE {self._sql}", "id", self._parameters
        )
        ids, revisions = _numbers(row[0] for row in rows), _numbers(row[1] for row in rows)
        namespaces = np.repeat(
            np.array([row[2] for row in rows], dtype=np.int64), [row[3] for row in rows]
        )
        order = np.argsort(ids, kind="stable")
        return Slots(
            ids[order], revisions[order], namespaces[order], np.ones(len(ids), dtype=np.bool_)
        )

    def _ranges(self, slots: Slots, at_once: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Say in SQL what is read at once: a long namespace in ranges, short ones together."""
        if len(slots.ids) <= at_once:
            yield self._sql, self._parameters
            return
        order = np.lexsort((slots.ids, slots.namespaces))
        ids: list[int] = slots.ids[order].tolist()
        namespaces, starts, counts = np.unique(
            slots.namespaces[order], return_index=True, return_counts=True
        )
        long = counts > at_once
        stretches = zip(namespaces[long], starts[long], (starts + counts)[long], strict=True)
        for namespace, start, end in stretches:
            for low in range(start, end, at_once):
                bounds = ids[low], ids[min(low + at_once, end) - 1]
                yield "namespace = ? AND item BETWEEN ? AND ?", (int(namespace), *bounds)
        so_far = (np.cumsum(counts[~long]) - 1) // at_once
        for short in np.split(namespaces[~long], np.flatnonzero(np.diff(so_far)) + 1):
            yield "namespace IN (SELECT value FROM json_each(?))", (json.dumps(short.tolist()),)

    def _read(
        self,
        connection: sqlite3.Connection,
        slots: Slots,
        at_once: int,
        select: str,
        condition: str = "true",
        *parameters: Any,
    ) -> Iterator[Any]:
        """Read what *select* says of the items of *slots*, joined, range by range."""
        for part, bounds in self._ranges(slots, at_once):
            query = f"{select} WHERE {condition} AND {part}"
            yield from _joined(connection, query, "item", (*parameters, *bounds))

    def _load_lexicon(self, connection: sqlite3.Connection, slots: Slots) -> Lexicon:
        what = (
            "group_concat(item), group_concat(length(hashes)), "
            "CAST(group_concat(hashes, '') AS BLOB)"
        )
        with _without_keeping(connection, slots):
            rows = [*self._read(connection, slots, _TERMS_AT_ONCE, f"SELECT {what} FROM terms")]
        places = slots.places(_numbers(row[0] for row in rows))
        sizes = _numbers(row[1] for row in rows) // TERM_BYTES
        return Lexicon.of_runs([row[2] for row in rows], sizes, places, len(slots.ids))

    def _load_matrix(
        self, connection: sqlite3.Connection, slots: Slots, signals: Signals
    ) -> Matrix | None:
        """Load the vectors of the scope, or find that there is no room for them."""
        room, dims = self.room, signals.dims
        if len(slots.ids) * dims * 4 > room:
            return None
        owners = [np.zeros(0, np.int32)]
        blocks: list[Vector] = []
        with _without_keeping(connection, slots):
            for own, rows in self._vectors(connection, slots, signals):
                owners.append(own)
                blocks.append(widened(rows))
                room -= blocks[-1].nbytes
                if room < 0:
                    return None
        return Matrix.of(blocks, np.concatenate(owners), dims)

    @property
    def room(self) -> int:
        """How many bytes more it may take."""
        return self._max_bytes - self.nbytes

    def _vectors(
        self, connection: sqlite3.Connection, slots: Slots, signals: Signals
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float16]]]:
        """Read the vectors of the scope block by block, each with the slots that own them."""
        if not self._is_crowded:
            what = "group_concat(item), CAST(group_concat(vector, '') AS BLOB)"
            select = f"SELECT {what} FROM vectors"
            of_model = select, "model = ?", signals.model
            for items, vectors in self._read(connection, slots, _VECTORS_AT_ONCE, *of_model):
                owners = slots.places(_numbers([items])).astype(np.int32)
                yield owners, unpack([vectors], signals.dims)
            return
        cursor = connection.execute(
            f"SELECT item, vector FROM vectors WHERE model = ? AND {self._sql}",
            (signals.model, *self._parameters),
        )
        while block := cursor.fetchmany(_BLOCK):
            owners = slots.places([item for item, _ in block]).astype(np.int32)
            yield owners, unpack([vector for _, vector in block], signals.dims)


@contextmanager
def _without_keeping(connection: sqlite3.Connection, slots: Slots) -> Generator[None]:
    """Let SQLite keep few of the pages it reads of many items.

    None of them is read again, and they would ask for memory that is new.
    """
    (usual,) = connection.execute("PRAGMA cache_size").fetchone()
    if len(slots.ids) > _VECTORS_AT_ONCE:
        connection.execute(f"PRAGMA cache_size = {_CACHE_SIZE}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA cache_size = {usual}")


def _joined(
    connection: sqlite3.Connection, query: str, number: str, parameters: Sequence[Any]
) -> list[Any]:
    """Read a table joined to one row for each namespace; *number* is the column of the item.

    To make an object of every value takes twice as long as all else. SQLite joins bytes as they
    are where the text is UTF-8, up to a thousand million of them; what is longer is not joined.
    """
    try:
        return connection.execute(f"{query} GROUP BY namespace", parameters).fetchall()
    except connection.DataError:
        one_by_one = f"{query} GROUP BY namespace, {number}"
        return connection.execute(one_by_one, parameters).fetchall()


def _numbers(joined: Iterable[str]) -> NDArray[np.int64]:
    """Read what ``group_concat`` made of numbers."""
    text = ",".join(joined)
    return np.fromstring(text, dtype=np.int64, sep=",") if text else np.zeros(0, np.int64)


_SLOT = "id, revision, namespace"
# CROSS JOIN: items first, by number; SQLite might otherwise walk along all the vectors.
_TERMS_OF = (
    "SELECT item, hashes FROM items CROSS JOIN terms ON terms.namespace = items.namespace "
    "AND terms.item = items.id WHERE items.id IN (SELECT value FROM json_each(?))"
)
_VECTORS_OF = (
    "SELECT item, vector FROM items CROSS JOIN vectors ON vectors.model = ? "
    "AND vectors.namespace = items.namespace AND vectors.item = items.id "
    "WHERE items.id IN (SELECT value FROM json_each(?))"
)


class ScopeCache:
    """The scopes that were used last, up to a number of bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._begin()
        inform_of_erasures(self)
        _caches.add(self)

    @property
    def nbytes(self) -> int:
        """How much memory all of them take."""
        return self._total

    def shared(self, path: str) -> Scope:
        """Hand out the scope of *path* that everybody uses."""
        with self._lock:
            scope = self._scopes.get(path) or Scope(path, self._max_bytes)
            self._scopes[path] = scope
            self._scopes.move_to_end(path)
            return scope

    def private(self, path: str) -> Scope:
        """Make a scope of one's own, for what no other reader may see yet."""
        return Scope(path, self._max_bytes)

    def settle(self, path: str) -> None:
        """Take note that the scope of *path* has grown, and let go what is too much."""
        with self._lock:
            if path in self._scopes:
                self._measure(path, self._scopes[path].nbytes)
            while self._total > self._max_bytes and self._scopes:
                oldest, _ = self._scopes.popitem(last=False)
                self._measure(oldest, 0)

    def clear(self) -> None:
        """Let go of everything; who still reads a scope keeps it until then."""
        with self._lock:
            self._scopes.clear()
            self._sizes.clear()
            self._total = 0

    def forget(self, namespace: tuple[str, ...], key: str | None = None) -> None:
        """Let go of every scope that may hold something of *namespace*."""
        del key  # whole scopes go
        with self._lock:
            for path in [path for path in self._scopes if may_share(path, namespace)]:
                del self._scopes[path]
                self._measure(path, 0)

    def after_fork(self) -> None:
        """Begin anew in a child process; a thread that held a lock is not there any more."""
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._scopes: OrderedDict[str, Scope] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._total = 0

    def _measure(self, path: str, size: int) -> None:
        self._total += size - self._sizes.pop(path, 0)
        if size:
            self._sizes[path] = size


_caches: weakref.WeakSet[ScopeCache] = weakref.WeakSet()


def _drop_after_fork() -> None:
    for cache in list(_caches):
        cache.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drop_after_fork)
