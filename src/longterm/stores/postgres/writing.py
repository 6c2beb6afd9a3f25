"""Writing items inside a transaction, many at once, and which embedding model they belong to.

Writers lock the rows of their namespaces first, in the order of their names, and keep them to
the end: so those of one namespace take turns, nobody waits in a circle, and what is read after
the lock is what nobody changes before the commit.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from langgraph.store.base import Item

from longterm.errors import ConflictError, ModelChangedError, StoreError
from longterm.stores.embedding import Embedder, text_hash
from longterm.stores.names import from_column, to_labels
from longterm.stores.postgres.connection import HalfVector, PostgresPool
from longterm.stores.postgres.items import Place, Session, as_text, columns
from longterm.stores.preparing import Indexed, WriteItem
from longterm.stores.rows import moment
from longterm.stores.values import Encoded, decode

__all__ = [
    "WIDEST",
    "ItemWriter",
    "ModelRegistry",
    "NewVectors",
    "delete_items",
    "half_vector",
    "index_items",
    "lock_paths",
    "look_up_vectors",
    "term_array",
    "term_numbers",
]

#: What fits, with its keys, into a tuple of a B-tree: 2,704 bytes.
WIDEST = 1330
#: Longer values are filtered in Python only.
_LONGEST_DOCUMENT = 2**20
# JSONB has no NUL; a number of more digits than it can hold is rather one for Python.
_UNFIT = re.compile(r"\\u0000|\d{300}")


class NewVectors(NamedTuple):
    """Packed vectors by the hash of their text, and the number of the model that made them."""

    by_text: Mapping[bytes, bytes]
    model: int | None
    dims: int = 0


class _Known(NamedTuple):
    """What a write must know of the item that is there."""

    id: int
    created_at: int
    updated_at: int
    is_expired: bool


def term_numbers(packed: bytes) -> list[int]:
    """Numbers of packed terms: the first half of each hash, as PostgreSQL's integer."""
    return np.frombuffer(packed, dtype="<i4")[::2].tolist()


def half_vector(packed: bytes) -> HalfVector:
    """Shape a packed vector as pgvector receives it."""
    row = np.frombuffer(packed, dtype="<f2")
    return HalfVector(len(row).to_bytes(2, "big") + b"\0\0" + row.astype(">f2").tobytes())


def lock_paths(session: Session, paths: Iterable[str], *, make: Iterable[str]) -> dict[str, int]:
    """Lock namespaces for this transaction; those to *make* are made. Their numbers."""
    wanted = sorted(set(map(as_text, paths)))
    # More than once, because an empty namespace may be deleted while we wait for it.
    for _ in range(10):
        numbers = dict(
            session.rows(
                "SELECT path, id FROM namespaces WHERE tenant = current_tenant() "
                "AND path = ANY (%s::text[]) ORDER BY path FOR NO KEY UPDATE",
                (wanted,),
            )
        )
        missing = sorted(set(map(as_text, make)) - numbers.keys())
        if not missing:
            return numbers
        session.run(
            "INSERT INTO namespaces (path) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
            (missing,),
        )
    raise StoreError("The namespace is deleted again and again by others. Nothing was written.")


def look_up_vectors(pool: PostgresPool, model: int, digests: Sequence[bytes]) -> dict[bytes, bytes]:
    """Look up which vectors of a model there are, packed, by the hashes of their texts."""
    hashes = [UUID(bytes=digest) for digest in digests]
    found: dict[bytes, bytes] = {}
    with pool.reading() as connection:
        for table in ("vectors", "wide_vectors"):
            rows = Session(connection).rows(
                "SELECT DISTINCT ON (v.text_hash) v.text_hash, halfvec_send(v.vector) "
                f"FROM unnest(%s::uuid[]) AS w (text_hash) JOIN {table} v "
                "ON v.model = %s AND v.text_hash = w.text_hash",
                (hashes, model),
            )
            for digest, sent in rows:
                row = np.frombuffer(sent, dtype=">f2", offset=4)
                found[digest.bytes] = row.astype("<f2").tobytes()
    return found


class ModelRegistry:
    """The embedding models of a database, each with a number, and which of them is searched."""

    def __init__(self, session: Session, embedder: Embedder) -> None:
        self._session, self._embedder = session, embedder

    def current(self) -> int | None:
        """Look up the model's number, None while there is no vector; another model is an error."""
        found = self._session.rows(
            "SELECT m.id, m.name, m.dims FROM state JOIN models m ON m.id = state.model"
        )
        if not found:
            return None
        number, name, dims = found[0]
        if (name, dims) != (self._embedder.name, self._embedder.dims):
            raise ModelChangedError(
                f"The database holds vectors of {name} ({dims} dimensions) and is opened with "
                f"{self._embedder.name} ({self._embedder.dims}). Open it with the former, or call "
                "store.reindex() to compute every vector again."
            )
        return int(number)

    def require(self) -> int:
        """Look up the model's number where a vector is about to be written, maybe the first."""
        known = self.current()
        if known is None:
            number = self.register()
            self._session.run("UPDATE state SET model = %s WHERE model IS NULL", (number,))
            known = self.current()  # another client may have been faster
        return known or self.register()

    def register(self) -> int:
        """Give the model a number, whether or not it is the one that is searched."""
        named = (as_text(self._embedder.name), self._embedder.dims)
        self._session.run(
            "INSERT INTO models (name, dims) VALUES (%s, %s) ON CONFLICT DO NOTHING", named
        )
        found = self._session.rows("SELECT id FROM models WHERE name = %s AND dims = %s", named)
        return int(found[0][0])


@dataclass(frozen=True, slots=True)
class _Put:
    """One item on its way into the tables."""

    place: tuple[int, str]
    op: WriteItem
    encoded: Encoded
    created_at: int
    updated_at: int
    terms: list[int]


class ItemWriter:
    """Writes and deletes items whose namespaces are locked; *namespaces* has their numbers."""

    def __init__(
        self, session: Session, namespaces: Mapping[str, int], vectors: NewVectors
    ) -> None:
        self._session, self._namespaces, self._vectors = session, namespaces, vectors

    def write(self, ops: Sequence[WriteItem]) -> list[Item | None]:
        """Carry out *ops*, no two of which concern the same item; answer what was put."""
        known = self._known(ops)
        for op in ops:
            _check_expectation(op, known.get(_name(op)))
        gone = [
            (self._namespaces[as_text(op.path)], item.id)
            for op in ops
            if (item := known.get(_name(op))) and op.encoded is None
        ]
        if gone:
            delete_items(self._session, gone)
        puts = [self._put(op, op.encoded, known.get(_name(op))) for op in ops if op.encoded]
        if puts:
            self._store(puts)
        items = {(put.op.path, put.op.key): _item(put) for put in puts}
        return [items.get((op.path, op.key)) for op in ops]

    def _known(self, ops: Sequence[WriteItem]) -> dict[tuple[str, str], _Known]:
        """Read what is there; what has expired and is hidden is deleted, as another item."""
        numbers = {number: path for path, number in self._namespaces.items()}
        wanted = [
            (self._namespaces[path], key)
            for path, key in map(_name, ops)
            if path in self._namespaces
        ]
        found = self._session.rows(
            "SELECT i.namespace, i.key, i.id, i.created_at, i.updated_at, "
            "coalesce(i.expires_at <= %s, false) "
            "FROM unnest(%s::int[], %s::text[]) AS w (namespace, key) "
            "JOIN items i ON i.namespace = w.namespace AND i.key = w.key",
            (self._session.now, *columns(wanted, 2)),
        )
        known = {(numbers[namespace], key): _Known(*row) for namespace, key, *row in found}
        if self._session.hides_expired:
            hidden = [name for name, item in known.items() if item.is_expired]
            if hidden:
                places = [(self._namespaces[path], known[path, key].id) for path, key in hidden]
                delete_items(self._session, places)
            for name in hidden:
                del known[name]
        return known

    def _put(self, op: WriteItem, encoded: Encoded, known: _Known | None) -> _Put:
        now = self._session.now
        # Never twice the same time, so that a time names one state of the item.
        updated_at = now if known is None else max(now, known.updated_at + 1)
        path, key = _name(op)
        return _Put(
            (self._namespaces[path], key),
            op,
            encoded,
            updated_at if known is None else known.created_at,
            updated_at,
            term_numbers(op.index.terms),
        )

    def _store(self, puts: Sequence[_Put]) -> None:
        session = self._session
        rows = [
            (
                *put.place, put.created_at, put.updated_at,
                None if put.op.ttl is None else session.now + put.op.ttl, put.op.ttl,
                len(put.terms), term_array(put.terms), put.op.fields, put.encoded.text,
                put.encoded.text if _fits_jsonb(put.encoded) else None,
            )
            for put in puts
        ]  # fmt: skip
        numbers = {
            (namespace, key): number
            for namespace, key, number in session.rows(_UPSERT, columns(rows, 11))
        }
        places = [(put.place[0], numbers[put.place]) for put in puts]
        found_by = [put.op.index for put in puts]
        index_items(session, places, found_by, self._vectors)


def delete_items(session: Session, places: Sequence[Place]) -> None:
    """Delete items; triggers look after what they are found by."""
    session.run(
        "DELETE FROM items i USING unnest(%s::int[], %s::bigint[]) AS w (namespace, id) "
        "WHERE i.namespace = w.namespace AND i.id = w.id",
        columns(places, 2),
    )


def index_items(
    session: Session, places: Sequence[Place], found_by: Sequence[Indexed], vectors: NewVectors
) -> None:
    """Write what items are found by; nothing of theirs may be there already."""
    rows: list[tuple[int, ...]] = []
    for (namespace, item), indexed in zip(places, found_by, strict=True):
        numbers = term_numbers(indexed.terms)
        counts = Counter(numbers)
        rows += [(namespace, term, item, count, len(numbers)) for term, count in counts.items()]
    if rows:
        session.run(
            "INSERT INTO postings "
            "SELECT * FROM unnest(%s::int[], %s::int[], %s::bigint[], %s::int[], %s::int[])",
            columns(rows, 5),
        )
    if vectors.model is None:
        return
    chunks: list[tuple[Any, ...]] = []
    for place, indexed in zip(places, found_by, strict=True):
        for chunk, digest in enumerate(map(text_hash, indexed.texts)):
            if digest in vectors.by_text:
                vector = half_vector(vectors.by_text[digest])
                chunks.append((vectors.model, *place, chunk, UUID(bytes=digest), vector))
    statement = _INSERT_VECTOR
    if vectors.dims > WIDEST:
        statement = _INSERT_WIDE_VECTOR
        chunks = [(*row, row[-1]) for row in chunks]
    if chunks:
        with session.connection.cursor() as cursor:
            cursor.executemany(statement, chunks)


_UPSERT = """
INSERT INTO items (namespace, key, revision, created_at, updated_at, expires_at, ttl, length,
    terms, fields, value, document, generation)
SELECT namespace, key, nextval('revision'), created_at, updated_at, expires_at, ttl, length,
    terms::int[], fields, value, document::jsonb, (SELECT generation FROM state)
FROM unnest(%s::int[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::int[], %s::text[], %s::text[], %s::text[], %s::text[])
    AS w (namespace, key, created_at, updated_at, expires_at, ttl, length, terms, fields, value,
    document)
ON CONFLICT (namespace, key) DO UPDATE SET
    revision = excluded.revision, updated_at = excluded.updated_at,
    expires_at = excluded.expires_at, ttl = excluded.ttl, length = excluded.length,
    terms = excluded.terms, fields = excluded.fields, value = excluded.value,
    document = excluded.document, generation = excluded.generation
RETURNING namespace, key, id
"""
_INSERT_VECTOR = b"INSERT INTO vectors VALUES (%s, %s, %s, %s, %s, %s::halfvec)"
_INSERT_WIDE_VECTOR = (
    b"INSERT INTO wide_vectors VALUES (%s, %s, %s, %s, %s, binary_quantize(%s::halfvec), "
    b"%s::halfvec)"
)


def _name(op: WriteItem) -> tuple[str, str]:
    return as_text(op.path), as_text(op.key)


def term_array(numbers: Iterable[int]) -> str:
    """Each term once, as PostgreSQL spells an array."""
    return "{" + ",".join(map(str, dict.fromkeys(numbers))) + "}"


def _fits_jsonb(encoded: Encoded) -> bool:
    text = encoded.text
    return encoded.plain and len(text) <= _LONGEST_DOCUMENT and not _UNFIT.search(text)


def _item(put: _Put) -> Item:
    return Item(
        namespace=to_labels(put.op.path),
        key=from_column(put.op.key),
        value=decode(put.encoded.text),
        created_at=moment(put.created_at),
        updated_at=moment(put.updated_at),
    )


def _check_expectation(op: WriteItem, known: _Known | None) -> None:
    found = None if known is None else known.updated_at
    if op.expected is None or op.expected.updated_at == found:
        return
    raise ConflictError(
        f"{from_column(op.key)!r} in {to_labels(op.path)} was {_when(found)}; expected was that "
        f"it was {_when(op.expected.updated_at)}. Nothing of the batch was written: read it again "
        "and apply the change to what it is now."
    )


def _when(updated_at: int | None) -> str:
    return "absent" if updated_at is None else f"written at {moment(updated_at).isoformat()}"
