"""The schema and its way forward."""

import _thread
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from longterm.errors import StoreError
from longterm.stores.embedded.migrations import is_current, migrate, migration_scripts, transaction


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        yield connection


def test_a_new_file_is_not_current_and_is_after_migrating(
    connection: sqlite3.Connection, path: Path
) -> None:
    assert not is_current(connection, str(path), known=len(migration_scripts()))
    migrate(connection, str(path), migration_scripts())
    assert is_current(connection, str(path), known=len(migration_scripts()))


def test_a_migration_that_fails_leaves_nothing(connection: sqlite3.Connection, path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, str(path), ["CREATE TABLE one (a);", "CREATE TABLE two (;"])
    assert not connection.in_transaction
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_later_migration_continues_where_the_file_stands(
    connection: sqlite3.Connection, path: Path
) -> None:
    migrate(connection, str(path), ["CREATE TABLE one (a);"])
    migrate(connection, str(path), ["CREATE TABLE one (a);", "CREATE TABLE two (a);"])
    names = connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    assert names == [("one",), ("two",)]


def test_a_newer_file_is_refused(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, str(path), ["CREATE TABLE one (a);", "CREATE TABLE two (a);"])
    with pytest.raises(StoreError, match="newer longterm"):
        migrate(connection, str(path), ["CREATE TABLE one (a);"])


def test_a_schema_made_by_another_process_meanwhile_is_not_taken_for_a_foreign_one(
    connection: sqlite3.Connection, path: Path
) -> None:
    """The other one creates it between our reading of the header and of the tables."""

    def intrude(statement: str) -> None:
        if statement == "PRAGMA user_version":
            connection.set_trace_callback(None)
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                migrate(other, str(path), migration_scripts())

    connection.set_trace_callback(intrude)
    assert not is_current(connection, str(path), known=len(migration_scripts()))
    assert is_current(connection, str(path), known=len(migration_scripts()))


def test_an_interrupt_while_a_transaction_begins_leaves_none_open(
    connection: sqlite3.Connection,
) -> None:
    # A shell starts what runs in the background with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    connection.set_progress_handler(_thread.interrupt_main, 1)
    with pytest.raises(KeyboardInterrupt), transaction(connection, "BEGIN IMMEDIATE"):
        for _ in range(1_000):  # Python looks for signals where it goes back
            pass
    connection.set_progress_handler(None, 1)
    signal.signal(signal.SIGINT, before)
    assert not connection.in_transaction
