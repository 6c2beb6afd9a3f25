"""The file: connections, transactions, and SQLite's errors said in our words.

A connection serves one transaction at a time and then goes back to a pool, so there are never
more of them than threads at work, and none outlives `close` or a fork. Writers of one process
queue for a lock of ours, which is fair and quick; writers of many processes wait for SQLite's.
A database in memory lives in its only connection, which everybody takes in turns.
"""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from json import JSONDecodeError
from pathlib import Path
from typing import Any, Literal

from longterm.errors import StoreError
from longterm.stores.embedded.encryption import Cipher
from longterm.stores.embedded.migrations import is_current, migrate, migration_scripts

__all__ = ["MEMORY", "Database", "Synchronous"]

MEMORY = ":memory:"

#: How durable a write is when it returns: on the disk ("full"), or in the hands of the
#: operating system ("normal": safe when the process dies, not when the power fails).
Synchronous = Literal["full", "normal"]

_OLDEST_SQLITE = (3, 37, 0)
_IDLE = 8


class Database:
    """One SQLite file, or one database in memory, for many threads."""

    def __init__(
        self,
        path: str,
        *,
        synchronous: Synchronous,
        patience: float,
        cipher: Cipher | None = None,
    ) -> None:
        self.path = path
        #: Whether it ends with the process.
        self.in_memory = path == MEMORY
        self._file = Path(path)
        self._cipher = cipher
        #: SQLite's errors; SQLCipher's are none of them.
        self.errors: tuple[type[Exception], ...] = (
            sqlite3.Error, *(() if cipher is None else (cipher.errors,)),
        )  # fmt: skip
        self._synchronous = synchronous
        self.patience = patience
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._identity: tuple[int, int] | None = None
        self._begin()
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            oldest = ".".join(map(str, _OLDEST_SQLITE))
            raise StoreError(
                f"This Python carries SQLite {sqlite3.sqlite_version}; the embedded store needs "
                f"{oldest} or newer."
            )
        with _registry:
            _databases.add(self)
        self._prepare()

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """Read from one state of the file, whatever others write meanwhile."""
        return self._lending("BEGIN", nullcontext())

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """Write all or nothing; no other writer comes between."""
        return self._lending("BEGIN IMMEDIATE", self._write_lock)

    def outside(self) -> AbstractContextManager[sqlite3.Connection]:
        """Lend a connection without a transaction, for what cannot run inside one."""
        return self._lending(None, self._write_lock)

    @contextmanager
    def _lending(
        self, begin: str | None, write_lock: AbstractContextManager[Any]
    ) -> Generator[sqlite3.Connection]:
        """Lend a connection, in a transaction where *begin* starts one.

        All of it is undone in this one frame, so that a Ctrl-C at any moment, even one that
        comes while it is undone, leaves no lock, no count and no transaction behind.
        """
        loan, connection = _Loan(), None
        try:
            with self._turn if self.in_memory else nullcontext(), write_lock:
                with self._gate:  # no thread gets a connection while the process forks
                    self._loans.add(loan)
                try:
                    connection = self._take()
                    if connection.in_transaction:
                        connection.rollback()  # what an interrupt left in memory's only one
                    if begin:
                        connection.execute(begin)
                    yield connection
                    if begin:
                        connection.execute("COMMIT")
                except BaseException:
                    # A full disk makes SQLite roll back by itself.
                    if connection is not None and connection.in_transaction:
                        with suppress(*self.errors):
                            connection.execute("ROLLBACK")
                    raise
                finally:
                    self._loans.discard(loan)
                    if connection is not None:
                        self._give_back(connection)
        except (*self.errors, OSError, UnicodeDecodeError, JSONDecodeError) as exc:
            raise StoreError(self.explained(self.path, exc)) from _without_contents(exc)

    def close(self) -> None:
        """Close every connection now, or as soon as its transaction ends."""
        with self._pool:
            self._closed = True
            self._close_idle()

    def before_fork(self) -> None:
        """Wait for those at work, close the file, and lend nothing until the fork is done.

        SQLite keeps account of its locks in the memory of the process. A child that inherits an
        open file believes that it holds locks which it does not, and what it writes is lost.
        """
        self._gate.acquire()
        deadline = time.monotonic() + self.patience
        while self._loans and time.monotonic() < deadline:
            time.sleep(0.001)
        if not self.in_memory:
            with self._pool:
                self._close_idle()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._gate.release()

    def after_fork_in_child(self) -> None:
        """Go on with locks of one's own; a database in memory goes on as a copy."""
        self._begin()

    def _begin(self) -> None:
        # Plain locks, whose `with` is one instruction: a Condition's can be interrupted midway.
        self._gate, self._pool = threading.Lock(), threading.Lock()
        self._write_lock, self._turn = threading.Lock(), threading.Lock()
        #: Threads that have a connection: weakly, so that ended ones are not counted.
        self._loans = weakref.WeakSet[_Loan]()

    def _close_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _prepare(self) -> None:
        migrations = migration_scripts()
        try:
            if not self.in_memory:
                # For our user alone; SQLite gives its log the same mode.
                with suppress(FileExistsError):
                    os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))
            with self.outside() as connection:
                if not self.in_memory and not is_current(
                    connection, self.path, known=len(migrations)
                ):
                    # Others may read a file of the first release; another user's stays so.
                    with suppress(PermissionError):
                        Path(self.path).chmod(0o600)
                self._use_wal(connection)
                migrate(connection, self.path, migrations)
        except (*self.errors, OSError) as exc:
            self.close()
            raise StoreError(self.explained(self.path, exc)) from _without_contents(exc)
        except BaseException:
            self.close()
            raise
        self._identity = self._identity_now()

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait here, not even with a busy timeout.
        deadline = time.monotonic() + self.patience
        journal = "PRAGMA journal_mode"
        while not self.in_memory and connection.execute(journal).fetchone()[0] != "wal":
            try:
                connection.execute("PRAGMA journal_mode = wal")
            except self.errors as exc:
                if _primary(exc) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _take(self) -> sqlite3.Connection:
        with self._pool:
            if self._closed:
                raise StoreError(f"The store {self.path} is closed.")
            # SQLite does not notice that another file is at its path, and what it writes to a
            # deleted one is gone when it is closed.
            if self._identity is not None and self._identity != self._identity_now():
                raise StoreError(
                    f"{self.path} was deleted or replaced while it was open. Nothing was read or "
                    "written; close the store and open it again."
                )
            if self._idle:
                # A database in memory would end with its only connection.
                return self._idle[0] if self.in_memory else self._idle.pop()
        connection = self._connect()
        if self.in_memory:
            self._idle.append(connection)
        return connection

    def _identity_now(self) -> tuple[int, int] | None:
        """Tell the file at our path from another that takes its place; None where there is none."""
        if self.in_memory:
            return None
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._pool:
            if self.in_memory and not self._closed:
                return
            wanted = not self._closed and len(self._idle) < _IDLE
            if wanted:
                self._idle.append(connection)
        if not wanted:
            connection.close()

    def open_file(self, path: str, **options: Any) -> sqlite3.Connection:
        """Open a file, with the key of this one where it has one."""
        opened = sqlite3.connect if self._cipher is None else self._cipher.connect
        return opened(path, **options)

    def explained(self, path: str, exc: Exception) -> str:
        """Say an error in our words, naming the file and nothing that stands in it."""
        if self._cipher is not None and _primary(exc) == sqlite3.SQLITE_NOTADB:
            return (
                f"{path} cannot be read with this encryption_key: it was made with another one, or "
                "is not encrypted. Nothing was changed."
            )
        return _explained(path, exc)

    def _connect(self) -> sqlite3.Connection:
        connection = self.open_file(
            self.path,
            timeout=self.patience,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA cache_size = -16000")
            connection.execute("PRAGMA secure_delete = on")
        except BaseException:  # no database, or an interrupt
            connection.close()
            raise
        return connection


class _Loan:
    """A connection that is in use."""


def _primary(exc: Exception) -> int:
    """SQLite's error code without its extension; 0 where there is none."""
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF


_EXPLANATIONS = {
    sqlite3.SQLITE_BUSY: "is locked by another process for too long",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; does its folder exist, and may we write there?",
    sqlite3.SQLITE_CORRUPT: "is damaged; keep it as it is and restore a backup beside it",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. What was written before is safe",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error",
    sqlite3.SQLITE_NOTADB: "is not a SQLite file, or is encrypted. Nothing was changed; choose "
    "another path, or give its encryption_key",
    sqlite3.SQLITE_PERM: "may not be opened by this user",
    sqlite3.SQLITE_READONLY: "is read-only; the store needs to write the file and its folder",
    sqlite3.SQLITE_TOOBIG: "cannot keep a value of this size",
}


def _explained(path: str, exc: Exception) -> str:
    if isinstance(exc, OSError):
        reason = exc.strerror or type(exc).__name__
        return f"{Path(path)} {_EXPLANATIONS[sqlite3.SQLITE_CANTOPEN]} ({reason})"
    if _is_damage(exc):
        return f"{Path(path)} {_EXPLANATIONS[sqlite3.SQLITE_CORRUPT]} ({type(exc).__name__})."
    if _primary(exc):
        what = _EXPLANATIONS.get(_primary(exc), "failed")
        return f"{Path(path)} {what} (SQLite: {getattr(exc, 'sqlite_errorname', '')})."
    return f"{Path(path)} failed (SQLite: {exc})."


def _is_damage(exc: Exception) -> bool:
    """Tell errors of damaged text, which quote it."""
    return "decode to UTF-8" in str(exc) or isinstance(exc, UnicodeDecodeError | JSONDecodeError)


def _without_contents(exc: Exception) -> Exception | None:
    return None if _is_damage(exc) else exc


_databases: weakref.WeakSet[Database] = weakref.WeakSet()
#: Held while a database is added, and over a fork, so that none is opened meanwhile.
_registry = threading.Lock()
_forking: list[Database] = []


def _before_fork() -> None:
    _registry.acquire()
    _forking.extend(_databases)
    for database in _forking:
        database.before_fork()


def _after_fork_in_parent() -> None:
    for database in _forking:
        database.after_fork_in_parent()
    _forking.clear()
    _registry.release()


def _after_fork_in_child() -> None:
    for database in _forking:
        database.after_fork_in_child()
    _forking.clear()
    _registry.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
