"""Writing items inside a transaction, and which embedding model the file belongs to."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from langgraph.store.base import Item

from longterm.errors import ConflictError, ModelChangedError
from longterm.stores.embedded.database import Database
from longterm.stores.embedded.transaction import Transaction
from longterm.stores.embedding import Embedder, text_hash
from longterm.stores.names import from_column, to_labels
from longterm.stores.preparing import Indexed, WriteItem
from longterm.stores.rows import moment
from longterm.stores.values import Encoded, decode

__all__ = [
    "Vectors",
    "index",
    "is_registered",
    "known_vectors",
    "model_of",
    "name_of_model",
    "register_model",
    "require_model",
    "write",
]


class Vectors(NamedTuple):
    """Vectors by the hash of their text, and the number of the model that made them."""

    by_text: Mapping[bytes, bytes]
    model: int | None


class _Known(NamedTuple):
    """What a write must know of the item that is there."""

    id: int
    created_at: int
    updated_at: int


def write(tx: Transaction, op: WriteItem, vectors: Vectors) -> Item | None:
    """WriteItem or delete one item."""
    if tx.hides_expired:
        _bury(tx, op)
    known = _known(tx, op)
    _check_expectation(op, known)
    if op.encoded is not None:
        return _put(tx, op, op.encoded, known, vectors)
    if known is not None:
        tx.execute("DELETE FROM items WHERE id = ?", (known.id,))
    return None


def index(tx: Transaction, place: tuple[int, int], found_by: Indexed, vectors: Vectors) -> None:
    """Replace what an item, given by namespace and number, is found by."""
    tx.execute("DELETE FROM terms WHERE namespace = ? AND item = ?", place)
    if found_by.terms:
        tx.execute("INSERT INTO terms VALUES (?, ?, ?)", (*place, found_by.terms))
    if vectors.model is None:
        return
    owner = (vectors.model, *place)
    tx.execute("DELETE FROM vectors WHERE model = ? AND namespace = ? AND item = ?", owner)
    rows = [
        (*owner, chunk, digest, vectors.by_text[digest])
        for chunk, digest in enumerate(map(text_hash, found_by.texts))
        if digest in vectors.by_text
    ]
    tx.connection.executemany("INSERT INTO vectors VALUES (?, ?, ?, ?, ?, ?)", rows)


def known_vectors(database: Database, model: int, digests: Sequence[bytes]) -> dict[bytes, bytes]:
    """Look up which vectors of *model* the file has, by the hashes of their texts."""
    # Left to itself, SQLite walks along the vectors of the model.
    query = (
        "SELECT vector FROM vectors INDEXED BY vectors_by_text "
        "WHERE model = ? AND text_hash = ? LIMIT 1"
    )
    with database.reading() as connection:
        found = {one: connection.execute(query, (model, one)).fetchone() for one in digests}
    return {digest: row[0] for digest, row in found.items() if row is not None}


# --- the embedding model ----------------------------------------------------------------------


def model_of(tx: Transaction, embedder: Embedder) -> int | None:
    """Look up the model's number, None while there are no vectors; another model is an error."""
    known = tx.execute(
        "SELECT models.id, name, dims FROM state JOIN models ON models.id = model"
    ).fetchone()
    if known is None:
        return None
    number, name, dims = known
    if (name, dims) != (embedder.name, embedder.dims):
        raise ModelChangedError(
            f"{tx.file} holds vectors of {name_of_model(tx)} and is opened with "
            f"{embedder.name} ({embedder.dims}). Open it with the former, or call "
            "store.reindex() to compute every vector again."
        )
    return int(number)


def require_model(tx: Transaction, embedder: Embedder) -> int:
    """Look up the model's number where a vector is about to be written, maybe the first."""
    known = model_of(tx, embedder)
    if known is not None:
        return known
    number = register_model(tx, embedder)
    tx.execute("UPDATE state SET model = ?", (number,))
    return number


def register_model(tx: Transaction, embedder: Embedder) -> int:
    """Give a model a number, whether or not it is the file's."""
    named = (embedder.name, embedder.dims)
    tx.execute("INSERT OR IGNORE INTO models (name, dims) VALUES (?, ?)", named)
    (number,) = tx.execute("SELECT id FROM models WHERE name = ? AND dims = ?", named).fetchone()
    return int(number)


def is_registered(tx: Transaction, number: int) -> bool:
    """Whether a model still has its number; whoever changes the file over strikes out the rest."""
    return tx.execute("SELECT 1 FROM models WHERE id = ?", (number,)).fetchone() is not None


def name_of_model(tx: Transaction) -> str:
    """Say in words whose vectors the file holds."""
    known = tx.execute("SELECT name, dims FROM state JOIN models ON models.id = model").fetchone()
    return "no model" if known is None else f"{known[0]} ({known[1]} dimensions)"


# --- one item ---------------------------------------------------------------------------------


def _known(tx: Transaction, op: WriteItem) -> _Known | None:
    found = tx.execute(
        "SELECT items.id, created_at, updated_at FROM items "
        "JOIN namespaces ON namespaces.id = namespace WHERE path = ? AND key = ?",
        (op.path, op.key),
    ).fetchone()
    return None if found is None else _Known(*found)


def _bury(tx: Transaction, op: WriteItem) -> None:
    """Delete an item that is hidden already: what is written now is another one."""
    tx.execute(
        "DELETE FROM items WHERE key = ? AND expires_at <= ? "
        "AND namespace = (SELECT id FROM namespaces WHERE path = ?)",
        (op.key, tx.now, op.path),
    )


def _check_expectation(op: WriteItem, known: _Known | None) -> None:
    found = None if known is None else known.updated_at
    if op.expected is None or op.expected.updated_at == found:
        return
    name = f"{from_column(op.key)!r} in {to_labels(op.path)}"
    raise ConflictError(
        f"{name} was {_when(found)}; expected was that it was {_when(op.expected.updated_at)}. "
        "Nothing of the batch was written: read it again and apply the change to what it is now."
    )


def _when(updated_at: int | None) -> str:
    return "absent" if updated_at is None else f"written at {moment(updated_at).isoformat()}"


def _put(
    tx: Transaction, op: WriteItem, encoded: Encoded, known: _Known | None, vectors: Vectors
) -> Item:
    namespace = _namespace(tx, op.path)
    # Never twice the same time, so that a time names one state of the item.
    updated_at = tx.now if known is None else max(tx.now, known.updated_at + 1)
    created_at = updated_at if known is None else known.created_at
    expires_at = None if op.ttl is None else tx.now + op.ttl
    (revision,) = tx.execute(
        "UPDATE state SET revision = revision + 1 RETURNING revision"
    ).fetchone()
    (number,) = tx.execute(
        _UPSERT,
        (
            namespace, op.key, revision, created_at, updated_at, expires_at, op.ttl,
            op.fields, encoded.plain, encoded.text,
        ),
    ).fetchone()  # fmt: skip
    # Whatever model made them: an item that is written has no vector of its old text.
    tx.execute(
        "DELETE FROM vectors WHERE model IN (SELECT id FROM models) AND namespace = ? AND item = ?",
        (namespace, number),
    )
    index(tx, (namespace, number), op.index, vectors)
    return Item(
        namespace=to_labels(op.path),
        key=from_column(op.key),
        value=decode(encoded.text),
        created_at=moment(created_at),
        updated_at=moment(updated_at),
    )


_UPSERT = """
INSERT INTO items
    (namespace, key, revision, created_at, updated_at, expires_at, ttl, fields, plain, value)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, key) DO UPDATE SET
    revision = excluded.revision, updated_at = excluded.updated_at,
    expires_at = excluded.expires_at, ttl = excluded.ttl, fields = excluded.fields,
    plain = excluded.plain, value = excluded.value
RETURNING id
"""


def _namespace(tx: Transaction, path: str) -> int:
    found = tx.execute("SELECT id FROM namespaces WHERE path = ?", (path,)).fetchone()
    if found is None:
        found = tx.execute(
            "INSERT INTO namespaces (path) VALUES (?) RETURNING id", (path,)
        ).fetchone()
    return int(found[0])
