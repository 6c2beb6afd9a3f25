"""Revisions inside a transaction: leaving, reading, pruning and ending them.

An item and its last revision stand for one state, which is kept once: with the item. When the
item is written again its value moves into that revision, and a new one, without a value, takes
its place.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from longterm.effects.capabilities import Keep, RevisionNote, RevisionRow
from longterm.stores.embedded.transaction import Transaction, leave, within_prefix
from longterm.stores.operations import (
    EraseItems,
    FindStates,
    PageRevisions,
    PruneRows,
    ReadRevisions,
    RewriteNotes,
)
from longterm.stores.rows import BEFORE, EXPIRED, Row, note_text, revision_row

__all__ = [
    "close_last",
    "end_expired",
    "erase_rows",
    "last_time",
    "prune",
    "prune_one",
    "read_revisions",
    "rewrite_notes",
    "states",
]


# --- leaving them -----------------------------------------------------------------------------


def close_last(tx: Transaction, place: tuple[int, str], last: int | None, item: int) -> int:
    """Give the last revision the value of *item*, which is about to change; return its number.

    An item that has none yet gets one of what it is now.
    """
    if last is None:
        tx.execute(
            "INSERT INTO revisions SELECT namespace, key, 1, updated_at, created_at, ?, ?, fields, "
            "value, checksum FROM items WHERE id = ?",
            (BEFORE.action, note_text(BEFORE), item),
        )
        return 1
    tx.execute(
        "UPDATE revisions SET (value, checksum) = (SELECT value, checksum FROM items WHERE id = ?) "
        "WHERE namespace = ? AND key = ? AND number = ?",
        (item, *place, last),
    )
    return last


def last_time(tx: Transaction, place: tuple[int, str]) -> int:
    """Look up when the last revision of an item was left."""
    (time,) = tx.execute(
        "SELECT max(time) FROM revisions WHERE namespace = ? AND key = ?", place
    ).fetchone()
    return int(time)


# --- reading them -----------------------------------------------------------------------------

_COLUMNS = (
    "path, revisions.key, number, action, note, coalesce(revisions.value, items.value), "
    "time, revisions.created_at"
)
# Only the last revision has no value of its own, and only while the item is there.
_FROM = (
    "FROM revisions JOIN namespaces ON namespaces.id = revisions.namespace LEFT JOIN items "
    "ON items.namespace = revisions.namespace AND items.key = revisions.key "
    "AND items.updated_at = time"
)


def read_revisions(tx: Transaction, op: ReadRevisions | PageRevisions) -> list[RevisionRow]:
    """Read the revisions of one item, oldest first; or a page of all at and below a path."""
    match op:
        case ReadRevisions(path, key):
            chosen, parameters = "path = ? AND revisions.key = ? ORDER BY number", (path, key)
        case PageRevisions(path, after, limit):
            inside, paths = within_prefix(path, "revisions.namespace")
            chosen = (
                f"{inside} AND (path, revisions.key, number) > (?, ?, ?) "
                "ORDER BY path, revisions.key, number LIMIT ?"
            )
            parameters = (*paths, *after, limit)
    rows = tx.execute(f"SELECT {_COLUMNS} {_FROM} WHERE {chosen}", parameters)
    return [revision_row(row) for row in rows]


def states(tx: Transaction, op: FindStates) -> list[tuple[Row, str | None]]:
    """Read the items as they were, each with what of it was indexed; in no order.

    Values are not filtered yet.
    """
    alive, now = tx.alive
    only = ("", ()) if op.key is None else ("key = ? AND", (op.key,))
    inside, paths = within_prefix(op.find.path, exact=op.find.exact)
    parameters = (tx.file, *paths, *only[1], op.time, *now)
    # With max() SQLite takes the other columns from the row that has it.
    past = tx.execute(
        "WITH past AS (SELECT namespace, key, max(number), time, created_at, action, fields, "
        f"value, checksum FROM revisions WHERE {inside} AND {only[0]} time <= ? "
        "GROUP BY namespace, key) "
        "SELECT 0, path, past.key, coalesce(past.value, items.value), past.created_at, time, "
        "NULL, time, coalesce(past.checksum, items.checksum), ?, past.fields "
        "FROM past JOIN namespaces ON namespaces.id = past.namespace "
        "LEFT JOIN items ON items.namespace = past.namespace AND items.key = past.key "
        f"AND items.updated_at = time AND {alive} "
        "WHERE coalesce(past.value, items.value) IS NOT NULL",
        (*paths, *only[1], op.time, tx.file, *now),
    )
    unrecorded = tx.execute(
        "SELECT 0, path, key, value, created_at, updated_at, NULL, updated_at, checksum, ?, fields "
        f"FROM items JOIN namespaces ON namespaces.id = namespace WHERE {inside} AND {only[0]} "
        f"updated_at <= ? AND {alive} AND NOT EXISTS (SELECT 1 FROM revisions "
        "WHERE revisions.namespace = items.namespace AND revisions.key = items.key)",
        parameters,
    )
    return [(Row(*row[:-1]), row[-1]) for row in (*past, *unrecorded)]


# --- pruning and ending them ------------------------------------------------------------------


def prune_one(tx: Transaction, place: tuple[int, str], last: int, keep: Keep) -> None:
    """Drop what *keep* does not allow of one item, whose last revision is *last*."""
    match keep:
        case None:
            pass
        case timedelta():
            tx.execute(
                "DELETE FROM revisions WHERE namespace = ? AND key = ? AND number < ? AND time < ?",
                (*place, last, tx.now - keep // timedelta(microseconds=1)),
            )
        case _:
            tx.execute(
                "DELETE FROM revisions WHERE namespace = ? AND key = ? AND number <= ?",
                (*place, last - keep),
            )


def prune(tx: Transaction, op: PruneRows) -> int:
    """Drop what is not kept at and below a path; how many."""
    if op.keep is None:
        return 0
    before, inside = _count(tx), within_prefix(op.path)
    for *place, last in tx.execute(
        f"SELECT namespace, key, max(number) FROM revisions WHERE {inside[0]} "
        "GROUP BY namespace, key",
        inside[1],
    ).fetchall():
        prune_one(tx, (place[0], place[1]), last, op.keep)
    return before - _count(tx)


def end_expired(
    tx: Transaction, *, limit: int = -1, key: str | None = None, path: str | None = None
) -> int:
    """Delete items that have expired, with what they were; how many. Or only one item."""
    keyed = (
        ""
        if key is None
        else ("AND key = ? AND namespace = (SELECT id FROM namespaces WHERE path = ?) ")
    )
    expired = tx.execute(
        f"SELECT id, namespace, key FROM items WHERE expires_at <= ? {keyed} LIMIT ?",
        (tx.now, *(() if key is None else (key, path)), limit),
    ).fetchall()
    recorded = "SELECT 1 FROM revisions WHERE namespace = ? AND key = ? LIMIT 1"
    for number, *place in expired:
        tx.execute("DELETE FROM items WHERE id = ?", (number,))
        if tx.execute(recorded, place).fetchone():
            _leave_erased(tx, (place[0], place[1]), EXPIRED)
    return len(expired)


def erase_rows(tx: Transaction, op: EraseItems) -> dict[str, int]:
    """Remove items for good, and leave that an actor erased them; counts by place."""
    inside, paths = within_prefix(op.path, exact=op.key is not None)
    keyed, keys = ("", ()) if op.key is None else (" AND key = ?", (op.key,))
    where, parameters = f"WHERE {inside}{keyed}", (*paths, *keys)
    items = f"(SELECT id FROM items {where})"
    removed = {
        "items": _rows_deleted(tx, f"items {where}", parameters),
        "revisions": _rows_deleted(tx, f"revisions {where} AND action != 'erased'", parameters),
        "vectors": _rows_deleted(
            tx, f"vectors WHERE {inside} AND item IN {items}", (*paths, *parameters)
        ),
        "texts": _rows_deleted(
            tx, f"terms WHERE {inside} AND item IN {items}", (*paths, *parameters)
        ),
    }
    places = tx.execute(
        f"SELECT namespace, key FROM items {where} UNION SELECT namespace, key FROM revisions "
        f"{where} AND action != 'erased'",
        parameters * 2,
    ).fetchall()
    tx.execute(f"DELETE FROM items {where}", parameters)
    if op.actor is None:
        tx.execute(f"DELETE FROM revisions {where}", parameters)
    else:
        for place in places:
            _leave_erased(tx, place, RevisionNote("erased", op.actor))
    return removed


def rewrite_notes(tx: Transaction, op: RewriteNotes) -> None:
    """Put other notes in the place of those of an item's revisions."""
    for number, note in op.notes.items():
        tx.execute(
            "UPDATE revisions SET note = ? WHERE key = ? AND number = ? "
            "AND namespace = (SELECT id FROM namespaces WHERE path = ?)",
            (note_text(note), op.key, number, op.path),
        )


def _leave_erased(tx: Transaction, place: tuple[int, str], note: RevisionNote) -> None:
    """Put one revision without content in place of all that an item has."""
    (last, time) = tx.execute(
        "SELECT coalesce(max(number), 0), coalesce(max(time), 0) FROM revisions "
        "WHERE namespace = ? AND key = ?",
        place,
    ).fetchone()
    tx.execute("DELETE FROM revisions WHERE namespace = ? AND key = ?", place)
    now = max(tx.now, time + 1)
    leave(tx, place, last + 1, (now, now), note)


def _count(tx: Transaction) -> int:
    return _rows_deleted(tx, "revisions", ())


def _rows_deleted(tx: Transaction, what: str, parameters: Sequence[Any]) -> int:
    found = tx.execute(f"SELECT count(*) FROM {what}", parameters)
    return int(found.fetchone()[0])
