"""What lacks its vectors in a file, and writing them: `stores.late_vectors` says why."""

import json
import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence

from typing_extensions import override

from longterm.effects.erasure import inform_of_erasures
from longterm.stores.embedded.database import Database
from longterm.stores.embedded.scopes import REMEMBERED
from longterm.stores.embedded.transaction import Transaction, within_prefix
from longterm.stores.embedded.writing import (
    Owner,
    Vectors,
    known_vectors,
    model_of,
    replace_vectors,
    require_model,
)
from longterm.stores.embedding import Embedder
from longterm.stores.late_vectors import (
    AT_ONCE,
    CHARACTERS_AT_ONCE,
    MOST_FAILURES,
    LateVectors,
)
from longterm.stores.operations import Indexed
from longterm.stores.preparing import texts_indexed
from longterm.stores.reindexing import EntryToIndex
from longterm.stores.rows import decode

__all__ = ["FileLateVectors"]


class FileLateVectors(LateVectors[Owner]):
    """What lacks its vectors in one file."""

    def __init__(self, database: Database, embedder: Embedder, fields: Sequence[str]) -> None:
        super().__init__(embedder)
        self._database, self._fields = database, fields
        inform_of_erasures(self)

    @override
    def _begin(self) -> None:
        super()._begin()
        #: What this store has just written: nothing of it has to be read again.
        self._handed: deque[EntryToIndex[Owner]] = deque()

    def wake_for(self, written: Sequence[EntryToIndex[Owner]]) -> None:
        """Have the thread make the vectors of what was just written.

        Of much the beginning is kept for it; the rest, and what is long, it reads from the file.
        """
        short = [one for one in written if sum(map(len, one.found_by.texts)) <= _LONGEST_HANDED]
        self._handed.extend(short[: max(_MOST_HANDED - len(self._handed), 0)])
        self.wake()

    def forget(self, namespace: tuple[str, ...] = (), key: str | None = None) -> None:
        """Keep no text of what was written; what still lacks its vectors is marked in the file."""
        del namespace, key  # all of them go
        self._handed = deque()

    @override
    def stop(self, timeout: float | None = None) -> None:
        super().stop(timeout)
        self.forget()

    @staticmethod
    def any_below(tx: Transaction, path: str) -> bool:
        """Whether an item at or below *path* lacks vectors that may be made."""
        inside, paths = within_prefix(path)
        query = f"SELECT 1 FROM late_vectors WHERE {_FRESH} AND {inside} LIMIT 1"
        return tx.execute(query, paths).fetchone() is not None

    @property
    def is_behind(self) -> bool:
        """Whether anything lacks its vectors, of any writer."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT 1 FROM late_vectors WHERE revision IS NULL LIMIT 1")
            return found.fetchone() is not None

    @override
    def adopt(self) -> None:
        if not self.is_behind:
            return
        with self._database.writing() as connection:
            # Another model's file is no business of ours.
            model_of(Transaction(connection, self._database.path), self.embedder)
            connection.execute(
                "UPDATE late_vectors SET writer = ?, failures = 0 "
                "WHERE revision IS NULL AND writer != ?",
                (self.writer, self.writer),
            )

    @override
    def own(self) -> list[EntryToIndex[Owner]]:
        while handed := self._next_handed():
            with self._database.reading() as connection:
                if lacking := _lacking(connection, handed):
                    return lacking
        # In the order of an index: of a long conversation each part is found at once.
        fresh = self._entries(f"{_FRESH} AND writer = ?", (self.writer,))
        return fresh or self._entries(
            f"revision IS NULL AND writer = ? AND failures < {MOST_FAILURES} "
            "ORDER BY failures, item",
            (self.writer,),
        )

    def _next_handed(self) -> list[EntryToIndex[Owner]]:
        """Take as much of what was handed over as is made at once."""
        handed, taken, size = self._handed, list[EntryToIndex[Owner]](), 0
        while handed and len(taken) < AT_ONCE:
            size += sum(map(len, handed[0].found_by.texts))
            if taken and size > CHARACTERS_AT_ONCE:
                break
            taken.append(handed.popleft())
        return taken

    @override
    def below(self, path: str) -> list[EntryToIndex[Owner]]:
        inside, paths = within_prefix(path)
        return self._entries(f"{_FRESH} AND {inside} ORDER BY item DESC", paths)

    @override
    def known(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        with self._database.reading() as connection:
            model = model_of(Transaction(connection, self._database.path), self.embedder)
            return {} if model is None else known_vectors(connection, model, digests)

    @override
    def write(self, entries: Sequence[EntryToIndex[Owner]], vectors: Mapping[bytes, bytes]) -> None:
        with self._database.writing() as connection:
            tx = Transaction(connection, self._database.path)
            made = Vectors(vectors, require_model(tx, self.embedder))
            done = _lacking(connection, entries)
            if not done:
                return
            replace_vectors(tx, [(one.place, one.found_by) for one in done], made)
            (revision,) = tx.execute(
                "UPDATE state SET revision = revision + 1 RETURNING revision"
            ).fetchone()
            tx.execute(
                "UPDATE late_vectors SET revision = ? "
                "WHERE item IN (SELECT value FROM json_each(?))",
                (revision, json.dumps([one.place[1] for one in done])),
            )
            tx.execute("DELETE FROM late_vectors WHERE revision < ?", (revision - REMEMBERED,))

    @override
    def failed(self, entries: Sequence[EntryToIndex[Owner]]) -> None:
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE late_vectors SET failures = failures + 1 "
                "WHERE revision IS NULL AND item IN (SELECT value FROM json_each(?))",
                (json.dumps([entry.place[1] for entry in entries]),),
            )

    def _entries(self, which: str, parameters: Sequence[object]) -> list[EntryToIndex[Owner]]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT late.failures, late.namespace, id, items.revision, value, fields FROM "
                "(SELECT item, namespace, failures FROM late_vectors "
                f"WHERE {which} LIMIT {AT_ONCE}) AS late JOIN items ON id = item",
                parameters,
            ).fetchall()
        return [
            EntryToIndex(
                (namespace, number),
                revision,
                Indexed(texts=texts_indexed(decode(value), fields, self._fields)),
            )
            for _, namespace, number, revision, value, fields in self.alone_if_failed(rows)
        ]


def _lacking(
    connection: sqlite3.Connection, entries: Sequence[EntryToIndex[Owner]]
) -> list[EntryToIndex[Owner]]:
    """Return those of *entries* that are as they were read, and have no vectors yet."""
    lacking = dict(
        connection.execute(
            "SELECT id, items.revision FROM items JOIN late_vectors ON item = id "
            "WHERE late_vectors.revision IS NULL AND id IN (SELECT value FROM json_each(?))",
            (json.dumps([entry.place[1] for entry in entries]),),
        ).fetchall()
    )
    return [one for one in entries if lacking.get(one.place[1]) == one.revision]


_FRESH = "revision IS NULL AND failures = 0"
#: So many items are handed over to the thread with their texts, each of at most so many characters.
_MOST_HANDED, _LONGEST_HANDED = 1_000, 2_000
