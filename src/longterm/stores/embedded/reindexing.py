"""Making the index again: terms for this tokenizer, vectors for this model.

The new vectors grow beside the old ones, in small transactions. When every item has them, but
for those written in the last moment, the file changes over, in one transaction; until then
whoever has the old model goes on undisturbed, and a reindexing that was interrupted goes on
where it stopped. What was written in the last moment follows: nobody writes with the old model
any more, so there is an end, however busy the file is.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from longterm.effects.steps import Flow
from longterm.effects.work import Work
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
from longterm.stores.embedding import Embedder, vectors_of
from longterm.stores.preparing import Indexed, indexed
from longterm.stores.values import decode
from longterm.text.tokenizer import VERSION

__all__ = ["Progress", "Reindexing", "renew_terms"]

#: Told how many items are done, and how many there are.
Progress = Callable[[int, int], None]

#: Looks up which vectors of a model the file has, by the hashes of their texts.
LookUp = Callable[[int | None, Sequence[bytes]], Flow[dict[bytes, bytes]]]

_AT_ONCE = 256
#: Caches that are further behind load everything again.
_FAR = 1_000_000
_NEVER = 2**63 - 1


def renew_terms(database: Database, fields: Sequence[str]) -> None:
    """Make the text index again where an older tokenizer made it: all of it, or nothing.

    Vectors stay. A file of a newer tokenizer is left alone; searching it is refused.
    """
    stale = "SELECT 1 FROM state WHERE tokenizer < ?"
    with database.reading() as connection:
        if connection.execute(stale, (VERSION,)).fetchone() is None:
            return
    with database.writing() as connection:
        if connection.execute(stale, (VERSION,)).fetchone() is None:
            return  # another process was faster
        tx = Transaction(connection, database.path)
        for number, namespace, value, own in connection.execute(
            "SELECT id, namespace, CAST(value AS BLOB), fields FROM items"
        ):
            try:
                found_by = indexed(decode(str(value, "utf-8")), own, fields)
            except (StoreError, ValueError):
                continue  # damaged: reading it says so, and the others are found
            index(tx, (namespace, number), found_by, Vectors({}, None))
        tx.execute("UPDATE state SET tokenizer = ?, revision = revision + ?", (VERSION, _FAR))


@dataclass(frozen=True, slots=True)
class _Unindexed:
    """An item to index, as it was when it was read."""

    id: int
    namespace: int
    revision: int
    found_by: Indexed


@dataclass(frozen=True, slots=True)
class _Progress:
    """How many items are done, and when the last of them was written."""

    done: int
    revision: int


@dataclass(frozen=True, slots=True)
class Reindexing:
    """Everything one reindexing needs."""

    database: Database
    embedder: Embedder | None
    fields: Sequence[str]
    look_up: LookUp
    progress: Progress | None

    async def flow(self) -> int:
        """Index every item again; how many that were."""
        model: int | None = await Work(self._register)
        begun = await self._pass(model, _Progress(0, 0), _NEVER)
        end: int = await Work(partial(self._change_over, model))
        ended = await self._pass(model, begun, end)
        if ended != begun:
            await Work(partial(self._change_over, model))  # so that caches see the late ones
        return ended.done

    async def _pass(self, model: int | None, progress: _Progress, end: int) -> _Progress:
        """Index one item after the other, in the order they were written, up to *end*."""
        count = _AT_ONCE
        while count == _AT_ONCE:
            entries: list[_Unindexed] = await Work(partial(self._next, progress.revision, end))
            count = len(entries)
            if entries:
                await self._index(entries, model)
                progress = _Progress(progress.done + count, entries[-1].revision)
                await Work(partial(self._report, progress.done))
        return progress

    async def _index(self, entries: Sequence[_Unindexed], model: int | None) -> None:
        vectors: Mapping[bytes, bytes] = {}
        if self.embedder is not None and model is not None:
            texts = [text for entry in entries for text in entry.found_by.texts]
            vectors = await vectors_of(self.embedder, texts, partial(self.look_up, model))
        await Work(partial(self._write, entries, Vectors(vectors, model)))

    def _register(self) -> int | None:
        if self.embedder is None:
            return None
        with self.database.writing() as connection:
            return register_model(Transaction(connection, self.database.path), self.embedder)

    def _next(self, after: int, end: int) -> list[_Unindexed]:
        """Read the next items as they were written: what changes meanwhile comes again."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT id, namespace, revision, value, fields FROM items "
                "WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?",
                (after, end, _AT_ONCE),
            ).fetchall()
        return [
            _Unindexed(number, namespace, revision, indexed(decode(value), fields, self.fields))
            for number, namespace, revision, value, fields in rows
        ]

    def _write(self, entries: Sequence[_Unindexed], vectors: Vectors) -> None:
        with self._writing(vectors.model) as tx:
            for entry in entries:
                found = tx.execute("SELECT revision FROM items WHERE id = ?", (entry.id,))
                if found.fetchone() == (entry.revision,):
                    index(tx, (entry.namespace, entry.id), entry.found_by, vectors)

    def _change_over(self, model: int | None) -> int:
        """Search by the new index from now on; the revision of the last write before."""
        with self._writing(model) as tx:
            (revision,) = tx.execute("SELECT revision FROM state").fetchone()
            tx.execute("UPDATE state SET tokenizer = ?, revision = revision + ?", (VERSION, _FAR))
            if model is not None:
                tx.execute("UPDATE state SET model = ?", (model,))
                tx.execute("DELETE FROM vectors WHERE model != ?", (model,))
                tx.execute("DELETE FROM models WHERE id != ?", (model,))
            return int(revision)

    @contextmanager
    def _writing(self, model: int | None) -> Generator[Transaction]:
        """Write, unless another reindexing has changed the file over to its own model."""
        with self.database.writing() as connection:
            tx = Transaction(connection, self.database.path)
            if model is not None and not is_registered(tx, model):
                raise ModelChangedError(
                    f"{tx.file} was reindexed for {name_of_model(tx)} meanwhile. Nothing is lost; "
                    "call store.reindex() again if it shall be this one."
                )
            yield tx

    def _report(self, done: int) -> None:
        if self.progress is not None:
            with self.database.reading() as connection:
                (total,) = connection.execute("SELECT count(*) FROM items").fetchone()
            self.progress(done, max(done, total))
