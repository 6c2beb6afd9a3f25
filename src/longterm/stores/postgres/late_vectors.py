"""What lacks its vectors in a database, and writing them: `stores.late_vectors` says why."""

from collections.abc import Mapping, Sequence

from typing_extensions import override

from longterm.stores.embedding import Embedder
from longterm.stores.late_vectors import AT_ONCE, MOST_FAILURES, LateVectors
from longterm.stores.operations import Indexed
from longterm.stores.postgres.connection import PostgresPool
from longterm.stores.postgres.indexing import (
    ModelRegistry,
    NewVectors,
    forget_vectors,
    insert_vectors,
    look_up_vectors,
)
from longterm.stores.postgres.items import Place, Session, inside_path, unnested
from longterm.stores.preparing import texts_indexed
from longterm.stores.reindexing import EntryToIndex
from longterm.stores.rows import decode

__all__ = ["PostgresLateVectors"]


class PostgresLateVectors(LateVectors[Place]):
    """What lacks its vectors in one schema, of what its tenant sees."""

    def __init__(self, pool: PostgresPool, embedder: Embedder, fields: Sequence[str]) -> None:
        super().__init__(embedder)
        self._pool, self._fields = pool, fields

    @staticmethod
    def any_below(session: Session, path: str) -> bool:
        """Whether an item at or below *path* lacks vectors that may be made."""
        inside, paths = inside_path(path)
        found = session.rows(
            "SELECT FROM late_vectors v JOIN namespaces n ON n.id = v.namespace "
            f"WHERE v.failures = 0 AND {inside} LIMIT 1",
            paths,
        )
        return bool(found)

    @override
    def adopt(self) -> None:
        if self._pool.readiness.vector_schema is None:
            return
        with self._pool.reading() as connection:
            if not Session(connection).rows(f"SELECT FROM late_vectors v WHERE {_MINE} LIMIT 1"):
                return
        self._model()  # another model's database is no business of ours
        with self._pool.writing() as connection:
            Session(connection).run(
                "UPDATE late_vectors SET writer = %s, failures = 0 WHERE (namespace, item) IN "
                f"(SELECT namespace, item FROM late_vectors WHERE {_MINE} AND writer <> %s "
                "FOR UPDATE SKIP LOCKED)",
                (self.writer, self.writer),
            )

    @override
    def own(self) -> list[EntryToIndex[Place]]:
        return self._entries(
            f"writer = %s AND failures < {MOST_FAILURES} AND {_MINE} ORDER BY failures, item",
            (self.writer,),
        )

    @override
    def below(self, path: str) -> list[EntryToIndex[Place]]:
        inside, paths = inside_path(path)
        return self._entries(
            f"failures = 0 AND namespace IN (SELECT id FROM namespaces n WHERE {inside}) "
            "ORDER BY item DESC",
            paths,
        )

    @override
    def known(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        model = self._model()
        return {} if model is None else look_up_vectors(self._pool, model, digests)

    @override
    def write(self, entries: Sequence[EntryToIndex[Place]], vectors: Mapping[bytes, bytes]) -> None:
        self._pool.retried(lambda: self._write(entries, vectors))

    def _write(
        self, entries: Sequence[EntryToIndex[Place]], vectors: Mapping[bytes, bytes]
    ) -> None:
        with self._pool.writing() as connection:
            session = Session(connection)
            # Namespaces before items, as every writer does: no deadlock.
            numbers = sorted({entry.place[0] for entry in entries})
            session.run(
                "SELECT FROM namespaces WHERE id = ANY (%s::int[]) ORDER BY path FOR NO KEY UPDATE",
                (numbers,),
            )
            # By the transaction that wrote a row last, searches see that there are new vectors.
            session.run(
                "UPDATE namespaces SET items = items WHERE id = ANY (%s::int[])", (numbers,)
            )
            rows = [(*entry.place, entry.revision) for entry in entries]
            unchanged = set(
                session.rows(
                    "DELETE FROM late_vectors v USING unnest(%s::int[], %s::bigint[], "
                    "%s::bigint[]) AS w (namespace, id, revision) JOIN items i "
                    "ON i.namespace = w.namespace AND i.id = w.id AND i.revision = w.revision "
                    "WHERE v.namespace = w.namespace AND v.item = w.id "
                    "RETURNING v.namespace, v.item",
                    unnested(rows, 3),
                )
            )
            kept = [entry for entry in entries if entry.place in unchanged]
            model = ModelRegistry(session, self.embedder).require()
            made = NewVectors(vectors, model, self._pool.readiness.halfvec)
            places = [entry.place for entry in kept]
            # A reindexing, which reads no marks, may have been here first.
            forget_vectors(session, places, model)
            insert_vectors(session, places, [entry.found_by for entry in kept], made)

    @override
    def failed(self, entries: Sequence[EntryToIndex[Place]]) -> None:
        with self._pool.writing() as connection:
            Session(connection).run(
                "UPDATE late_vectors v SET failures = failures + 1 "
                "FROM unnest(%s::int[], %s::bigint[]) AS w (namespace, id) "
                "WHERE v.namespace = w.namespace AND v.item = w.id",
                unnested([entry.place for entry in entries], 2),
            )

    def _model(self) -> int | None:
        with self._pool.reading() as connection:
            return ModelRegistry(Session(connection), self.embedder).current()

    def _entries(self, which: str, parameters: Sequence[object]) -> list[EntryToIndex[Place]]:
        with self._pool.reading() as connection:
            rows = Session(connection).rows(
                "SELECT v.failures, i.namespace, i.id, i.revision, i.value, i.fields FROM "
                f"(SELECT * FROM late_vectors v WHERE {which} LIMIT {AT_ONCE}) v "
                "JOIN items i ON i.namespace = v.namespace AND i.id = v.item",
                parameters,
            )
        return [
            EntryToIndex(
                (namespace, number),
                revision,
                Indexed(texts=texts_indexed(decode(value), fields, self._fields)),
            )
            for _, namespace, number, revision, value, fields in self.alone_if_failed(rows)
        ]


_MINE = "namespace IN (SELECT id FROM namespaces WHERE tenant = current_tenant())"
