"""Writing items inside a transaction, and which embedding model the file belongs to."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from langgraph.store.base import Item

from longterm.effects.capabilities import RevisionNote, RevisionRow
from longterm.errors import ConflictError, ModelChangedError
from longterm.stores.embedded.revising import (
    close_last,
    end_expired,
    erase_rows,
    last_time,
    prune,
    prune_one,
    rewrite_notes,
)
from longterm.stores.embedded.transaction import Transaction, leave
from longterm.stores.embedding import Embedder, text_hash
from longterm.stores.operations import (
    AddRows,
    EraseItems,
    Indexed,
    PruneRows,
    Recording,
    RewriteNotes,
    ScrubFile,
    WriteItem,
)
from longterm.stores.reindexing import EntryToIndex
from longterm.stores.rows import (
    Encoded,
    checksum,
    encode,
    from_column,
    micros,
    moment,
    to_column,
    to_labels,
    to_path,
)

__all__ = [
    "Owner",
    "Vectors",
    "carry_out",
    "index",
    "is_registered",
    "known_vectors",
    "model_of",
    "name_of_model",
    "register_model",
    "replace_vectors",
    "require_model",
    "write_item",
    "write_new",
]


_KEYS_AT_ONCE = 500

#: Whose terms and vectors they are: the namespace and the number of an item.
Owner = tuple[int, int]


class Vectors(NamedTuple):
    """Vectors by the hash of their text, and the number of the model that made them."""

    by_text: Mapping[bytes, bytes]
    model: int | None
    #: The open store that makes those of the writes that do not wait for them.
    writer: int = 0


class _Known(NamedTuple):
    """What a write must know of the item that is there, and of its last revision."""

    namespace: int | None = None
    revision: int | None = None
    id: int | None = None
    created_at: int = 0
    updated_at: int | None = None


def carry_out(
    tx: Transaction,
    op: AddRows | PruneRows | RewriteNotes | EraseItems | ScrubFile,
    vectors: Vectors,
) -> dict[str, int] | int | None:
    """Carry out an operation that changes more than one item, and answer it."""
    match op:
        case AddRows():
            return add_rows(tx, op, vectors)
        case PruneRows():
            return prune(tx, op)
        case RewriteNotes():
            return rewrite_notes(tx, op)
        case EraseItems():
            return erase_rows(tx, op)
        case ScrubFile():  # when the transaction has ended
            return None


def write_item(tx: Transaction, op: WriteItem, vectors: Vectors) -> Item | RevisionRow | None:
    """Write or delete one item; return what was asked for: the revision left, or the item."""
    if tx.hides_expired:
        end_expired(tx, key=op.key, path=op.path)  # what is written now is another item
    known = _known(tx, op)
    if op.expected is not None and op.expected.updated_at != known.updated_at:
        raise ConflictError(
            f"{from_column(op.key)!r} in {to_labels(op.path)} was {_when(known.updated_at)}; "
            f"expected was that it was {_when(op.expected.updated_at)}. Nothing of the batch was "
            "written: read it again and apply the change to what it is now."
        )
    if op.encoded is None and known.id is None:
        return None
    namespace = known.namespace or _new_namespace(tx, op.path)
    place = (namespace, op.key)
    last = known.revision
    is_recorded = op.recording is not None or last is not None
    if is_recorded and known.id is not None:
        last = close_last(tx, place, last, known.id)
    # Never twice the same time, so that a time names one state of the item.
    before = known.updated_at or (last_time(tx, place) if last else 0)
    now = max(tx.now, before + 1) if before else tx.now
    times = (known.created_at if known.id is not None else now, now)
    if op.encoded is None:
        tx.execute("DELETE FROM items WHERE id = ?", (known.id,))
    else:
        put(tx, op, place, times, vectors, is_new=known.id is None)
    if is_recorded:
        action = "created" if known.id is None else "changed"
        note = RevisionNote("deleted" if op.encoded is None else action, "user")
        recording, number = op.recording or Recording(note), (last or 0) + 1
        leave(tx, place, number, times, recording.note, fields=op.fields)
        if recording.keep is not None:
            prune_one(tx, place, number, recording.keep)
        if op.recording is not None:
            key = op.key if op.key.isascii() else from_column(op.key)
            value, born = cast("Any", op.value), moment(times[0])
            time = born if times[0] == now else moment(now)
            return RevisionRow(to_labels(op.path), key, number, recording.note, value, time, born)
    return _item(op, times)


def write_new(
    tx: Transaction, ops: Sequence[WriteItem], vectors: Vectors
) -> list[Item | None] | None:
    """Write items of which the file knows nothing, table by table, and return those asked for.

    None, with nothing written, where that may not be all that *ops* ask for: each of them then
    goes through `write_item`. A conversation is recorded so in half the time.
    """
    keys: dict[str, set[str]] = {}
    for op in ops:
        expects = op.expected is not None and op.expected.updated_at is not None
        if expects or op.encoded is None or op.recording is not None:
            return None
        keys.setdefault(op.path, set()).add(op.key)
    if tx.hides_expired or sum(map(len, keys.values())) < len(ops):
        return None
    places = {path: _namespace_of(tx, path) for path in keys}
    if any(_knows(tx, place, list(keys[path])) for path, place in places.items() if place):
        return None
    places = {path: place or _new_namespace(tx, path) for path, place in places.items()}
    (last,) = tx.execute(
        "UPDATE state SET revision = revision + ? RETURNING revision", (len(ops),)
    ).fetchone()
    (number,) = tx.execute(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'items'"
    ).fetchone()
    numbered = [(at, places[op.path], op) for at, op in enumerate(ops, number + 1)]
    now, before = tx.now, last - len(ops) - number
    tx.connection.executemany(
        f"INSERT INTO items ({_COLUMNS}, id) VALUES ({_VALUES}, ?)",
        [
            (*_row_of(tx, op, (namespace, op.key), before + at, (now, now)), at)
            for at, namespace, op in numbered
        ],
    )
    indexed = [((namespace, at), op.found_by) for at, namespace, op in numbered]
    _insert_terms(tx, indexed)
    _insert_vectors(tx, indexed, vectors)
    _mark_late(
        tx,
        [(namespace, at, before + at, op.found_by) for at, namespace, op in numbered if op.later],
        vectors,
    )
    return [_item(op, (now, now)) for op in ops]


def _item(op: WriteItem, times: tuple[int, int]) -> Item | None:
    """Return an item as it was written, for those who asked for it."""
    if op.expected is None or not op.expected.answers or op.encoded is None:
        return None
    return Item(
        namespace=to_labels(op.path),
        key=from_column(op.key),
        value=cast("Any", op.value),
        created_at=moment(times[0]),
        updated_at=moment(times[1]),
    )


def _knows(tx: Transaction, namespace: int, keys: Sequence[str]) -> bool:
    """Whether one of *keys* is or was there."""
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[start : start + _KEYS_AT_ONCE]
        is_one = f"WHERE namespace = ? AND key IN ({', '.join('?' * len(some))})"
        query = f"SELECT 1 FROM items {is_one} UNION ALL SELECT 1 FROM revisions {is_one} LIMIT 1"
        if tx.execute(query, (namespace, *some) * 2).fetchone():
            return True
    return False


def add_rows(tx: Transaction, op: AddRows, vectors: Vectors) -> int:
    """Add exported revisions of items that are not here, and the items; how many rows."""
    of_item: dict[tuple[str, str], list[RevisionRow]] = {}
    for row in op.rows:
        of_item.setdefault((to_path(row.namespace), to_column(row.key)), []).append(row)
    added = 0
    for (path, key), rows in of_item.items():
        item = op.items[path, key]
        known = _known(tx, item)
        if known.id is not None or known.revision is not None:
            continue
        place = (known.namespace or _new_namespace(tx, path), key)
        for row in rows:
            times = (micros(row.created_at), micros(row.time))
            over = None if row is rows[-1] else row.value
            value = None if over is None else encode(over).text
            mark = None if value is None else checksum(key, *times, value)
            leave(tx, place, row.number, times, row.note, value=value, checksum=mark)
        if item.encoded is not None:
            times = (micros(rows[-1].created_at), micros(rows[-1].time))
            put(tx, item, place, times, vectors, is_new=True)
        added += len(rows)
    return added


def put(
    tx: Transaction,
    op: WriteItem,
    place: tuple[int, str],
    times: tuple[int, int],
    vectors: Vectors,
    *,
    is_new: bool,
) -> None:
    """Write an item with its index; *times* are those of its creation and of this update."""
    (revision,) = tx.execute(
        "UPDATE state SET revision = revision + 1 RETURNING revision"
    ).fetchone()
    (number,) = tx.execute(_UPSERT, _row_of(tx, op, place, revision, times)).fetchone()
    namespace, _ = place
    if is_new:  # its number was never another's, so there is nothing to take away
        _insert_terms(tx, [((namespace, number), op.found_by)])
        if vectors.by_text:
            _insert_vectors(tx, [((namespace, number), op.found_by)], vectors)
    else:
        # Whatever model made them: an item that is written has no vector of its old text.
        tx.execute(
            "DELETE FROM vectors WHERE model IN (SELECT id FROM models) AND namespace = ? "
            "AND item = ?",
            (namespace, number),
        )
        index(tx, (namespace, number), op.found_by, vectors)
        tx.execute("DELETE FROM late_vectors WHERE item = ?", (number,))
    if op.later:
        _mark_late(tx, [(namespace, number, revision, op.found_by)], vectors)


def _row_of(
    tx: Transaction, op: WriteItem, place: tuple[int, str], revision: int, times: tuple[int, int]
) -> tuple[object, ...]:
    """Return the `_COLUMNS` of an item that is written."""
    encoded = cast("Encoded", op.encoded)
    namespace, key = place
    return (
        namespace, key, revision, *times, None if op.ttl is None else tx.now + op.ttl, op.ttl,
        op.fields, encoded.plain, encoded.text,
        checksum(key, *times, encoded.text),
    )  # fmt: skip


_COLUMNS = (
    "namespace, key, revision, created_at, updated_at, expires_at, ttl, fields, plain, value, "
    "checksum"
)
_VALUES = ", ".join("?" * len(_COLUMNS.split(",")))
_UPSERT = f"""
INSERT INTO items ({_COLUMNS}) VALUES ({_VALUES})
ON CONFLICT (namespace, key) DO UPDATE SET
    revision = excluded.revision, updated_at = excluded.updated_at,
    expires_at = excluded.expires_at, ttl = excluded.ttl, fields = excluded.fields,
    plain = excluded.plain, value = excluded.value, checksum = excluded.checksum
RETURNING id
"""


def _known(tx: Transaction, op: WriteItem) -> _Known:
    found = tx.execute(
        "SELECT namespaces.id, "
        "(SELECT max(number) FROM revisions WHERE namespace = namespaces.id AND key = ?), "
        "items.id, created_at, updated_at FROM namespaces LEFT JOIN items "
        "ON items.namespace = namespaces.id AND items.key = ? WHERE path = ?",
        (op.key, op.key, op.path),
    ).fetchone()
    return _Known() if found is None else _Known(*found)


def _namespace_of(tx: Transaction, path: str) -> int | None:
    found = tx.execute("SELECT id FROM namespaces WHERE path = ?", (path,)).fetchone()
    return None if found is None else int(found[0])


def _new_namespace(tx: Transaction, path: str) -> int:
    found = tx.execute("INSERT INTO namespaces (path) VALUES (?) RETURNING id", (path,))
    return int(found.fetchone()[0])


def _when(updated_at: int | None) -> str:
    return "absent" if updated_at is None else f"written at {moment(updated_at).isoformat()}"


def index(tx: Transaction, place: Owner, found_by: Indexed, vectors: Vectors) -> None:
    """Replace what an item is found by."""
    tx.execute("DELETE FROM terms WHERE namespace = ? AND item = ?", place)
    _insert_terms(tx, [(place, found_by)])
    replace_vectors(tx, [(place, found_by)], vectors)


def replace_vectors(
    tx: Transaction, items: Sequence[tuple[Owner, Indexed]], vectors: Vectors
) -> None:
    """Replace the vectors of one model that items are found by."""
    tx.connection.executemany(
        "DELETE FROM vectors WHERE model = ? AND namespace = ? AND item = ?",
        [(vectors.model, *place) for place, _ in items],
    )
    _insert_vectors(tx, items, vectors)


def _mark_late(
    tx: Transaction, written: Sequence[tuple[int, int, int, Indexed]], vectors: Vectors
) -> None:
    """Note of items, each with its namespace and revision, that their vectors come later."""
    tx.connection.executemany(
        "INSERT INTO late_vectors VALUES (?, ?, ?, 0, NULL)",
        [(number, namespace, vectors.writer) for namespace, number, _, _ in written],
    )
    tx.late.extend(
        EntryToIndex((namespace, number), revision, Indexed(texts=found_by.late_texts))
        for namespace, number, revision, found_by in written
    )


def _insert_terms(tx: Transaction, items: Sequence[tuple[Owner, Indexed]]) -> None:
    tx.connection.executemany(
        "INSERT INTO terms VALUES (?, ?, ?)",
        [(*place, found_by.terms) for place, found_by in items if found_by.terms],
    )


def _insert_vectors(
    tx: Transaction, items: Sequence[tuple[Owner, Indexed]], vectors: Vectors
) -> None:
    if vectors.model is None or not vectors.by_text:
        return
    rows = [
        (vectors.model, *place, chunk, digest, vectors.by_text[digest])
        for place, found_by in items
        for chunk, digest in enumerate(map(text_hash, found_by.texts))
        if digest in vectors.by_text
    ]
    tx.connection.executemany("INSERT INTO vectors VALUES (?, ?, ?, ?, ?, ?)", rows)


def known_vectors(
    connection: sqlite3.Connection, model: int, digests: Sequence[bytes]
) -> dict[bytes, bytes]:
    """Look up which vectors of *model* the file has, by the hashes of their texts."""
    found: dict[bytes, bytes | None] = {}
    for start in range(0, len(digests), _KEYS_AT_ONCE):
        some = digests[start : start + _KEYS_AT_ONCE]
        # Left to itself, SQLite walks along the vectors of the model.
        found |= connection.execute(
            f"WITH asked (digest) AS (VALUES {', '.join(['(?)'] * len(some))}) "
            "SELECT digest, (SELECT vector FROM vectors INDEXED BY vectors_by_text "
            "WHERE model = ? AND text_hash = digest LIMIT 1) FROM asked",
            (*some, model),
        )
    return {digest: vector for digest, vector in found.items() if vector is not None}


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
    """Whether a model still has its number; a change of model strikes out the rest."""
    return tx.execute("SELECT 1 FROM models WHERE id = ?", (number,)).fetchone() is not None


def name_of_model(tx: Transaction) -> str:
    """Say in words whose vectors the file holds."""
    known = tx.execute("SELECT name, dims FROM state JOIN models ON models.id = model").fetchone()
    return "no model" if known is None else f"{known[0]} ({known[1]} dimensions)"
