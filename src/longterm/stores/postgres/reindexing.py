"""Making the index of a database again: terms for this tokenizer, vectors for this model.

Each run has a number, and items carry that of the run, or of the writer, that indexed them last.
Writers share a lock that the change-over takes alone; so after it no item is written with an
older number, and a second pass finds those that the first one missed.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from typing_extensions import override

from longterm.effects.drivers import run
from longterm.effects.observe import error_text
from longterm.errors import ConfigurationError, ModelChangedError
from longterm.stores.embedding import Embedder
from longterm.stores.postgres.connection import PostgresPool
from longterm.stores.postgres.indexing import (
    ModelRegistry,
    NewVectors,
    forget_vectors,
    index_items,
    term_array,
    term_numbers,
)
from longterm.stores.postgres.items import Place, Session, unnested
from longterm.stores.preparing import indexed
from longterm.stores.reindexing import AT_ONCE, EntryToIndex, IndexRenewal, Progress
from longterm.stores.rows import decode
from longterm.text.tokenizer import VERSION

__all__ = ["PostgresRenewal", "TermRenewal"]

_logger = logging.getLogger(__name__)
#: Seconds that the first batch waits for terms to be made again; most databases take less.
_PATIENCE = 5.0


class PostgresRenewal(IndexRenewal[Place]):
    """One run over all items of a schema, whatever their tenant."""

    def __init__(
        self,
        pool: PostgresPool,
        embedder: Embedder | None,
        fields: Sequence[str],
        look_up: Callable[[int | None, Sequence[bytes]], Any],
        progress: Progress | None,
    ) -> None:
        super().__init__(embedder, look_up, progress)
        self.pool, self.fields, self.generation = pool, fields, 0

    @override
    def register(self) -> int | None:
        with self.pool.writing() as connection:
            session = Session(connection)
            if session.rows("SELECT row_security_active('items')") == [(True,)]:
                raise ConfigurationError(
                    "This database role sees the items of one tenant, and an index is made for "
                    "all of them. Call store.reindex() with the role that owns the tables."
                )
            self.generation = self._number(session)
            if self.embedder is None:
                return None
            return ModelRegistry(session, self.embedder).register()

    @override
    def next_entries(self, after: Place | None) -> list[EntryToIndex[Place]]:
        with self.pool.reading() as connection:
            rows = Session(connection).rows(
                "SELECT namespace, id, revision, value, fields FROM items "
                "WHERE (namespace, id) > (%s, %s) AND generation < %s "
                "ORDER BY namespace, id LIMIT %s",
                (*(after or (0, 0)), self.generation, AT_ONCE),
            )
        return [
            EntryToIndex((namespace, number), revision, indexed(decode(value), fields, self.fields))
            for namespace, number, revision, value, fields in rows
        ]

    @override
    def write(
        self,
        entries: Sequence[EntryToIndex[Place]],
        vectors: Mapping[bytes, bytes],
        model: int | None,
    ) -> None:
        with self.pool.writing() as connection:
            session = Session(connection)
            self._check_model(session, model)
            namespaces = sorted({entry.place[0] for entry in entries})
            session.run(
                "SELECT FROM namespaces WHERE id = ANY (%s::int[]) ORDER BY path FOR NO KEY UPDATE",
                (namespaces,),
            )
            numbers = {entry.place: term_numbers(entry.found_by.terms) for entry in entries}
            rows = [
                (*entry.place, entry.revision, len(numbers[entry.place]),
                 term_array(numbers[entry.place]), entry.found_by.terms)
                for entry in entries
            ]  # fmt: skip
            unchanged = set(
                session.rows(
                    "UPDATE items i SET length = w.length, terms = w.terms::int[], "
                    "hashes = w.hashes, generation = %s "
                    "FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::int[], %s::text[], "
                    "%s::bytea[]) AS w (namespace, id, revision, length, terms, hashes) "
                    "WHERE i.namespace = w.namespace AND i.id = w.id AND i.revision = w.revision "
                    "RETURNING i.namespace, i.id",
                    (self.generation, *unnested(rows, 6)),
                )
            )
            kept = [entry for entry in entries if entry.place in unchanged]
            places = [entry.place for entry in kept]
            self._forget(session, kept, numbers, model)
            found_by = [entry.found_by for entry in kept]
            made = NewVectors(vectors, model, self.pool.readiness.halfvec)
            index_items(session, places, found_by, made)
            # Searches see by this row that what they have kept of the new index is outdated.
            session.run(
                "UPDATE state SET generation = generation WHERE generation >= %s",
                (self.generation,),
            )

    @override
    def change_over(self, model: int | None) -> None:
        with self.pool.writing(alone=True) as connection:
            session = Session(connection)
            self._check_model(session, model)
            session.run(
                "UPDATE state SET tokenizer = %s, generation = greatest(generation, %s), "
                "model = coalesce(%s, model), renewing = NULL, renewal = NULL",
                (VERSION, self.generation, model),
            )
            if model is not None:
                for table in ("vectors", "wide_vectors"):
                    session.run(f"DELETE FROM {table} WHERE model <> %s", (model,))
                session.run("DELETE FROM models WHERE id <> %s", (model,))

    @override
    def count(self) -> int:
        with self.pool.reading() as connection:
            ((total,),) = Session(connection).rows(
                "SELECT coalesce(sum(items), 0)::bigint FROM namespaces"
            )
            return int(total)

    def _number(self, session: Session) -> int:
        """Return the number of this run; items that bear it, or a later one, are left out."""
        return int(session.rows("SELECT nextval('generation')")[0][0])

    def _forget(
        self,
        session: Session,
        entries: Sequence[EntryToIndex[Place]],
        numbers: Mapping[Place, list[int]],
        model: int | None,
    ) -> None:
        """Delete what is written next, where an interrupted run has written it already."""
        rows = [(*entry.place, term) for entry in entries for term in set(numbers[entry.place])]
        session.run(
            "DELETE FROM postings p USING unnest(%s::int[], %s::bigint[], %s::int[]) "
            "AS w (namespace, item, term) "
            "WHERE p.namespace = w.namespace AND p.term = w.term AND p.item = w.item",
            unnested(rows, 3),
        )
        if model is not None:
            forget_vectors(session, [entry.place for entry in entries], model)

    def _check_model(self, session: Session, model: int | None) -> None:
        """Refuse to go on where another run has changed the database over to its own model."""
        known = session.rows("SELECT FROM models WHERE id = %s", (model,))
        if model is not None and not known:
            raise ModelChangedError(
                "The database was reindexed for another model meanwhile. Nothing is lost; call "
                "store.reindex() again to use this model."
            )


class _Resumed(PostgresRenewal):
    """A run for the terms alone, which goes on where one that was killed has stopped."""

    @override
    def _number(self, session: Session) -> int:
        for (begun,) in session.rows("SELECT renewal FROM state WHERE renewing = %s", (VERSION,)):
            return int(begun)
        number = super()._number(session)
        session.run("UPDATE state SET renewing = %s, renewal = %s", (VERSION, number))
        return number


class TermRenewal:
    """Makes the terms of a schema again, once, where an older tokenizer made them.

    It takes place in a thread; searches go by the old terms meanwhile. Of several processes one
    does it. If it is killed, the next process to open the schema does the rest.
    """

    def __init__(self, pool: PostgresPool, fields: Sequence[str]) -> None:
        self._pool, self._fields = pool, fields
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ensure(self) -> None:
        """Begin where it is needed, and wait for the end where that is near."""
        if self._pool.readiness.tokenizer >= VERSION or self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="longterm-reindex", daemon=True
                )
                self._thread.start()
                self._thread.join(_PATIENCE)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended; it does so soon after the pool was closed."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            with self._pool.only_one() as is_first:
                if is_first and self._pool.set_up().tokenizer < VERSION:
                    run(_Resumed(self._pool, None, self._fields, _no_vectors, None).flow())
        except Exception as error:  # noqa: BLE001 - searches go on with the old terms
            _logger.warning("The text index could not be made again: %s", error_text(error))


async def _no_vectors(_model: int | None, _digests: Sequence[bytes]) -> dict[bytes, bytes]:
    return {}
