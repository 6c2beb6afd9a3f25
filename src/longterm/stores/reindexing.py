"""Making the index again: terms for this tokenizer, vectors for this model.

The new vectors grow beside the old ones, in small transactions. Only when every item has
them, the file changes over, in one transaction; until then whoever has the old model goes on
undisturbed, and a reindexing that was interrupted goes on where it stopped.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from longterm.stores.database import Database
from longterm.stores.embedding import Embedder
from longterm.stores.operations import Indexed, indexed
from longterm.stores.steps import Job, Step, Work
from longterm.stores.transaction import Transaction
from longterm.stores.values import decode
from longterm.stores.writing import Vectors, enroll, index
from longterm.text import VERSION

__all__ = ["Progress", "Reindexing"]

#: Told how many items are done, and how many there are.
Progress = Callable[[int, int], None]

#: Asks for vectors of these texts; those that are known already cost nothing.
Embed = Callable[[Sequence[str], int], Generator[Step, Any, Mapping[bytes, bytes]]]

_AT_ONCE = 256
#: Caches that are further behind load everything again.
_FAR = 1_000_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """An item to index, as it was when it was read."""

    id: int
    namespace: int
    revision: int
    found_by: Indexed


@dataclass(frozen=True, slots=True)
class Reindexing:
    """Everything one reindexing needs."""

    database: Database
    embedder: Embedder | None
    fields: Sequence[str]
    embed: Embed
    progress: Progress | None

    def job(self) -> Job[int]:
        """Index every item again; how many that were."""
        model: int | None = yield Work(self._enroll)
        done, position = 0, 0
        while True:
            entries: list[_Entry] = yield Work(partial(self._next, position))
            if not entries and (yield Work(partial(self._change_over, model, position))):
                return done
            texts = [text for entry in entries for text in entry.found_by.texts]
            vectors: Mapping[bytes, bytes] = {}
            if model is not None:
                vectors = yield from self.embed(texts, model)
            yield Work(partial(self._write, entries, Vectors(vectors, model)))
            done, position = done + len(entries), max([position, *(e.revision for e in entries)])
            yield Work(partial(self._report, done))

    def _enroll(self) -> int | None:
        if self.embedder is None:
            return None
        with self.database.writing() as connection:
            return enroll(Transaction(connection, self.database.path), self.embedder)

    def _next(self, after: int) -> list[_Entry]:
        """Read the next items as they were written: what changes meanwhile comes again."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id, namespace, revision, value, fields FROM items "
                "WHERE revision > ? ORDER BY revision LIMIT ?",
                (after, _AT_ONCE),
            ).fetchall()
        return [
            _Entry(number, namespace, revision, indexed(decode(value), fields, self.fields))
            for number, namespace, revision, value, fields in rows
        ]

    def _write(self, entries: Sequence[_Entry], vectors: Vectors) -> None:
        with self.database.writing() as connection:
            tx = Transaction(connection, self.database.path)
            for entry in entries:
                found = tx.execute("SELECT revision FROM items WHERE id = ?", (entry.id,))
                if found.fetchone() == (entry.revision,):
                    index(tx, (entry.namespace, entry.id), entry.found_by, vectors)

    def _change_over(self, model: int | None, after: int) -> bool:
        """Search by the new index from now on, unless somebody wrote an item meanwhile."""
        with self.database.writing() as connection:
            newer = connection.execute("SELECT 1 FROM items WHERE revision > ? LIMIT 1", (after,))
            if newer.fetchone():
                return False
            connection.execute(
                "UPDATE state SET tokenizer = ?, revision = revision + ?", (VERSION, _FAR)
            )
            if model is not None:
                connection.execute("UPDATE state SET model = ?", (model,))
                connection.execute("DELETE FROM vectors WHERE model != ?", (model,))
                connection.execute("DELETE FROM models WHERE id != ?", (model,))
            return True

    def _report(self, done: int) -> None:
        if self.progress is not None:
            with self.database.reading() as connection:
                (total,) = connection.execute("SELECT count(*) FROM items").fetchone()
            self.progress(done, max(done, total))
