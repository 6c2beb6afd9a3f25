"""Making the index of a file again: terms for this tokenizer, vectors for this model.

Items are indexed in the order they were written, so those that were written meanwhile come last,
and what an interrupted run has done is not done again.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from typing_extensions import override

from longterm.errors import ModelChangedError, StoreError
from longterm.stores.embedded.database import Database
from longterm.stores.embedded.transaction import Transaction
from longterm.stores.embedded.writing import (
    Vectors,
    index,
    is_registered,
    name_of_model,
    register_model,
)
from longterm.stores.embedding import Embedder
from longterm.stores.preparing import indexed
from longterm.stores.reindexing import AT_ONCE, EntryToIndex, IndexRenewal, Progress
from longterm.stores.rows import decode
from longterm.text.tokenizer import VERSION

__all__ = ["EmbeddedRenewal", "EmbeddedTermRenewal"]

_logger = logging.getLogger(__name__)
#: Caches that are further behind load everything again.
_FAR = 1_000_000
_NEVER = 2**63 - 1


class EmbeddedTermRenewal:
    """Makes the text index again where an older tokenizer made it; vectors stay.

    A step is one transaction that says how far it has come, so what was killed goes on where it
    was, and processes that have the file open share the work. Until the last step, searches find
    some items by their old terms. A file of a newer tokenizer is left alone; searching it is
    refused.
    """

    def __init__(self, database: Database, fields: Sequence[str]) -> None:
        self._database, self._fields = database, fields
        self._is_stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Do all of a small file at once; of a large one the rest follows in a thread."""
        if self.step():
            self._thread = threading.Thread(target=self._run, name="longterm-reindex", daemon=True)
            self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Let the thread end its step, and leave the rest to the next who opens the file."""
        self._is_stopped.set()
        self.join(timeout)

    def join(self, timeout: float | None = None) -> None:
        """Wait until all is done."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def step(self) -> bool:
        """Index the next items again; whether there are more."""
        with self._database.reading() as connection:
            if connection.execute(_STALE, (VERSION,)).fetchone() is None:
                return False
        with self._database.writing() as connection:
            found = connection.execute(_STALE, (VERSION,)).fetchone()
            if found is None:
                return False  # another process was faster
            tx, done, reached = Transaction(connection, self._database.path), 0, 0
            for revision, number, namespace, value, own in connection.execute(
                "SELECT revision, id, namespace, CAST(value AS BLOB), fields FROM items "
                "WHERE revision > ? ORDER BY revision LIMIT ?",
                (found[1] if found[0] == VERSION else 0, AT_ONCE),
            ):
                done, reached = done + 1, revision
                try:
                    found_by = indexed(decode(str(value, "utf-8")), own, self._fields)
                except (StoreError, ValueError):
                    continue  # damaged: reading it says so, and the others are found
                index(tx, (namespace, number), found_by, Vectors({}, None))
            is_behind = done == AT_ONCE
            if is_behind:
                tx.execute("UPDATE state SET renewing = ?, renewed = ?", (VERSION, reached))
            else:
                tx.execute(
                    "UPDATE state SET tokenizer = ?, revision = revision + ?, renewing = NULL",
                    (VERSION, _FAR),
                )
            return is_behind

    def _run(self) -> None:
        try:
            is_behind = True
            while is_behind and not self._is_stopped.is_set():
                start = time.monotonic()
                is_behind = self.step()
                # As long again for other writers.
                self._is_stopped.wait(time.monotonic() - start)
        except Exception as error:  # noqa: BLE001 - searches go on with the old terms
            if not self._is_stopped.is_set():
                _logger.warning(
                    "The text index could not be made again (%s); the next opening goes on.",
                    type(error).__name__,
                )


_STALE = "SELECT renewing, renewed FROM state WHERE tokenizer < ?"


#: An item by its revision, its namespace and its own number.
Place = tuple[int, int, int]


class EmbeddedRenewal(IndexRenewal[Place]):
    """One run over all items of a file."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder | None,
        fields: Sequence[str],
        look_up: Callable[[int | None, Sequence[bytes]], Any],
        progress: Progress | None,
    ) -> None:
        super().__init__(embedder, look_up, progress)
        self.database, self.fields = database, fields
        #: The last revision that was indexed, and the last there is to do.
        self.reached, self.end = 0, _NEVER

    @override
    def register(self) -> int | None:
        if self.embedder is None:
            return None
        with self.database.writing() as connection:
            return register_model(Transaction(connection, self.database.path), self.embedder)

    @override
    def next_entries(self, after: Place | None) -> list[EntryToIndex[Place]]:
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT namespace, id, revision, value, fields FROM items "
                "WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?",
                (self.reached if after is None else after[0], self.end, AT_ONCE),
            ).fetchall()
        return [
            EntryToIndex((revision, *item), revision, indexed(decode(value), own, self.fields))
            for *item, revision, value, own in rows
        ]

    @override
    def write(
        self,
        entries: Sequence[EntryToIndex[Place]],
        vectors: Mapping[bytes, bytes],
        model: int | None,
    ) -> None:
        with self._writing(model) as tx:
            for entry in entries:
                _, namespace, number = entry.place
                found = tx.execute("SELECT revision FROM items WHERE id = ?", (number,))
                if found.fetchone() == (entry.revision,):
                    index(tx, (namespace, number), entry.found_by, Vectors(vectors, model))
            if self.end != _NEVER:  # the index is in use: caches shall see these late ones
                tx.execute("UPDATE state SET revision = revision + ?", (_FAR,))
        self.reached = entries[-1].revision

    @override
    def change_over(self, model: int | None) -> None:
        with self._writing(model) as tx:
            (self.end,) = tx.execute("SELECT revision FROM state").fetchone()
            tx.execute("UPDATE state SET tokenizer = ?, revision = revision + ?", (VERSION, _FAR))
            if model is not None:
                tx.execute("UPDATE state SET model = ?", (model,))
                tx.execute("DELETE FROM vectors WHERE model != ?", (model,))
                tx.execute("DELETE FROM models WHERE id != ?", (model,))

    @override
    def count(self) -> int:
        with self.database.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM items").fetchone()[0])

    @contextmanager
    def _writing(self, model: int | None) -> Generator[Transaction]:
        """Write, unless another reindexing has changed the file over to its own model."""
        with self.database.writing() as connection:
            tx = Transaction(connection, self.database.path)
            if model is not None and not is_registered(tx, model):
                raise ModelChangedError(
                    f"{tx.file} was reindexed for {name_of_model(tx)} meanwhile. Nothing is lost; "
                    "call store.reindex() again to use this model."
                )
            yield tx
