"""Looking after the file: check, statistics, backup, vacuum, deleting what has expired."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from longterm.errors import StoreError
from longterm.stores.embedded.database import Database
from longterm.stores.embedded.migrations import add_functions
from longterm.stores.embedded.revising import end_expired
from longterm.stores.embedded.transaction import Clock, Transaction
from longterm.stores.embedded.wal import lost_commits
from longterm.stores.operations import Stats
from longterm.stores.rows import micros
from longterm.text.tokenizer import VERSION

__all__ = ["backup_file", "check_file", "file_stats", "scrub", "sweep", "vacuum"]

#: Pages that a backup copies between two reports.
_PAGES = 256


def file_stats(database: Database, cache_bytes: int) -> Stats:
    """Count."""
    with database.reading() as connection:
        items, namespaces = connection.execute(
            "SELECT total(items), count(*) FROM namespaces WHERE items > 0"
        ).fetchone()
        model = connection.execute(
            "SELECT name, dims FROM state JOIN models ON models.id = model"
        ).fetchone()
        name, dims = model or (None, None)
        return Stats(
            int(items),
            namespaces,
            _scalar(
                connection,
                "SELECT count(*) FROM vectors INDEXED BY vectors_by_text "
                "WHERE model = (SELECT model FROM state)",
            ),
            name,
            dims,
            _size(connection, database),
            cache_bytes,
            _scalar(connection, "PRAGMA user_version"),
            _scalar(connection, "SELECT count(*) FROM revisions"),
            _scalar(connection, "SELECT count(*) FROM late_vectors WHERE revision IS NULL"),
            _scalar(
                connection,
                "SELECT count(*) FROM items JOIN state WHERE tokenizer < ? "
                "AND (renewing IS NOT ? OR items.revision > renewed)",
                VERSION,
                VERSION,
            ),
        )


def check_file(database: Database) -> list[str]:
    """Say what is wrong with the file, in words; nothing when it is sound.

    A damaged log is noticed only until the next write or close, which overwrites it.
    """
    with database.reading() as connection:
        rows = connection.execute("PRAGMA integrity_check").fetchall()
        damage = [f"SQLite: {row[0]}" for row in rows if row[0] != "ok"]
        if damage:
            return damage
        add_functions(connection)
        wrong = [wrong for wrong, query in _MUST_BE_NONE if _scalar(connection, query)]
    lost = 0 if database.in_memory else lost_commits(Path(f"{database.path}-wal"))
    if lost:
        wrong.append(
            f"the log is damaged and SQLite ignores what follows: {lost} transactions that were "
            "acknowledged are missing here; restore a backup if they matter"
        )
    return wrong


def backup_file(
    database: Database, target: Path, progress: Callable[[int, int], None] | None = None
) -> None:
    """Copy everything committed so far to a new file, while others read and write.

    *progress* is called with the pages that are copied and those there are.
    """

    def report(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    if target.exists():
        raise StoreError(f"{target} exists already; a backup never overwrites a file.")
    unfinished = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        mode = 0o600 if database.in_memory else Path(database.path).stat().st_mode & 0o777
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, mode))
        with database.reading() as source, closing(database.open_file(str(unfinished))) as copy:
            # Once something is read the transaction has begun: all parts show this moment.
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            source.backup(copy, pages=_PAGES, progress=report)
            copy.execute("PRAGMA journal_mode = delete")
        unfinished.rename(target)
    except (*database.errors, OSError) as exc:  # the disk of the copy, not of the store
        raise StoreError(database.explained(str(target), exc)) from exc
    finally:
        unfinished.unlink(missing_ok=True)


def vacuum(database: Database) -> None:
    """Forget empty namespaces, give unused space back, and empty the log into the file."""
    with database.writing() as connection:
        connection.execute(
            "DELETE FROM namespaces WHERE items = 0 "
            "AND NOT EXISTS (SELECT 1 FROM items WHERE namespace = namespaces.id) "
            "AND NOT EXISTS (SELECT 1 FROM revisions WHERE namespace = namespaces.id)"
        )
    scrub(database)


def scrub(database: Database) -> None:
    """Rewrite the file and empty its log, so that nothing stays of what was deleted.

    Raises `StoreError` where others read an older state of it for too long.
    """
    with database.outside() as connection:
        # Deleted content is overwritten, but pages that were split may hold copies of it.
        connection.execute("VACUUM")
        deadline = time.monotonic() + database.patience
        # SQLite waits for readers, but not for another who empties the log at this moment.
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{database.path} is being read by others, so its log still holds what was "
                    "erased. Nothing of it is found any more; call vacuum() to remove the last "
                    "bytes."
                )
            time.sleep(0.001)


_MUST_BE_NONE = (
    (
        "the number of items of a namespace is wrong",
        """SELECT count(*) FROM namespaces
           WHERE items != (SELECT count(*) FROM items WHERE namespace = namespaces.id)""",
    ),
    (
        "an item belongs to no namespace",
        "SELECT count(*) FROM items WHERE namespace NOT IN (SELECT id FROM namespaces)",
    ),
    (
        "text is indexed for an item that is not there",
        """SELECT count(*) FROM terms WHERE NOT EXISTS
           (SELECT 1 FROM items WHERE id = item AND items.namespace = terms.namespace)""",
    ),
    (
        "a vector belongs to an item that is not there",
        """SELECT count(*) FROM vectors WHERE NOT EXISTS
           (SELECT 1 FROM items WHERE id = item AND items.namespace = vectors.namespace)""",
    ),
    (
        "vectors are to be made of an item that is not there",
        """SELECT count(*) FROM late_vectors WHERE NOT EXISTS
           (SELECT 1 FROM items WHERE id = item AND items.namespace = late_vectors.namespace)""",
    ),
    (
        "an item is not what was written: its checksum does not fit",
        """SELECT count(*) FROM items WHERE checksum !=
           longterm_checksum(CAST(key AS BLOB), created_at, updated_at, CAST(value AS BLOB))""",
    ),
    (
        "a revision is not what was written: its checksum does not fit",
        """SELECT count(*) FROM revisions WHERE value IS NOT NULL AND checksum !=
           longterm_checksum(CAST(key AS BLOB), created_at, time, CAST(value AS BLOB))""",
    ),
    (
        "a revision has lost its value",
        """SELECT count(*) FROM revisions WHERE value IS NULL
           AND action NOT IN ('deleted', 'erased') AND NOT EXISTS
           (SELECT 1 FROM items WHERE items.namespace = revisions.namespace
            AND items.key = revisions.key AND items.updated_at = time)""",
    ),
    (
        "an item is newer than the file",
        "SELECT count(*) FROM items WHERE revision > (SELECT revision FROM state)",
    ),
)


def _size(connection: sqlite3.Connection, database: Database) -> int:
    if database.in_memory:
        pages = _scalar(connection, "PRAGMA page_count")
        return pages * _scalar(connection, "PRAGMA page_size")
    files = (Path(database.path), Path(f"{database.path}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _scalar(connection: sqlite3.Connection, query: str, *parameters: int) -> int:
    return int(connection.execute(query, parameters).fetchone()[0])


_AT_ONCE = 1000


def sweep(database: Database, clock: Clock) -> int:
    """Delete every expired item; a thousand at a time, so that writers need not wait for all."""
    swept, last = 0, _AT_ONCE
    while last == _AT_ONCE:
        with database.writing() as connection:
            tx = Transaction(connection, database.path, micros(clock()))
            last = end_expired(tx, limit=_AT_ONCE)
        swept += last
    return swept
