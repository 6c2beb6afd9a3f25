"""Who is alive: a lock per worker that the operating system lets go when the worker dies.

A `Leases` holds the lock of its own worker and can tell whether another worker still holds
its. There are no heartbeats and no clocks to compare: on PostgreSQL it is a session's advisory
lock, with SQLite an exclusive lock on a small file next to the database.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

__all__ = ["FileLeases", "Leases", "PostgresLeases", "Watch", "leases_on"]


class Leases(Protocol):
    """The locks of all workers on one database."""

    def hold(self) -> None:
        """Take the lock of this worker, or make sure that it is still held."""
        ...

    def is_dead(self, worker: str) -> bool:
        """Whether the lock of *worker* is free."""
        ...

    def close(self) -> None:
        """Let go of the lock of this worker."""
        ...


class Watch:
    """Tells who is dead: whose lock was free at several looks in a row.

    Not at one: where a connection is lost, a living worker loses its lock with it, and takes it
    again at its own next look.
    """

    LOOKS = 3

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._silent: dict[str, int] = {}

    def dead(self, workers: Iterable[str]) -> list[str]:
        """Look at *workers*, and return the dead ones."""
        silent = [worker for worker in workers if self._leases.is_dead(worker)]
        self._silent = {worker: self._silent.get(worker, 0) + 1 for worker in silent}
        return [worker for worker, looks in self._silent.items() if looks >= self.LOOKS]


class FileLeases:
    """Locks on files in *folder*; for workers on one machine."""

    _YOUNG = 60

    def __init__(self, folder: Path, worker: str) -> None:
        self._folder = folder
        self._worker = worker
        self._held: sqlite3.Connection | None = None

    def hold(self) -> None:
        """Take the lock of this worker, if it is not held already."""
        if self._held is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            self._held = _locked(self._path(self._worker))

    def is_dead(self, worker: str) -> bool:
        """Whether the lock of *worker* is free."""
        if worker == self._worker:
            return False
        try:
            _locked(self._path(worker)).close()
        except sqlite3.OperationalError:
            return False
        self._path(worker).unlink(missing_ok=True)
        return True

    def close(self) -> None:
        """Let go of the lock of this worker."""
        if self._held is not None:
            self._held.close()
            self._held = None
            self._path(self._worker).unlink(missing_ok=True)

    def _path(self, worker: str) -> Path:
        return self._folder / f"{re.sub('[^A-Za-z0-9_-]', '_', worker)}.lock"

    def _sweep(self) -> None:
        """Remove the files of workers that died without work.

        Not young ones: a worker that is starting has made its file and not yet locked it.
        """
        for path in self._folder.glob("*.lock"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > self._YOUNG:
                    self.is_dead(path.stem)


def _locked(path: Path) -> sqlite3.Connection:
    """Lock *path* exclusively; SQLite's locks work alike on every system."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=MEMORY")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        connection.close()
        raise
    return connection


def leases_on(engine: sa.Engine, worker: str) -> Leases:
    """Return the locks of the workers on the database of *engine*."""
    if engine.name == "sqlite":
        return FileLeases(Path(f"{engine.url.database}-workers"), worker)
    return PostgresLeases(engine, worker)


class PostgresLeases:
    """Advisory locks, held by one connection that does nothing else.

    A connection pooler that shares sessions between clients breaks them: give workers a
    direct URL.
    """

    #: Lets the server notice within half a minute that a machine was switched off.
    _KEEPALIVE = (
        "SET tcp_keepalives_idle = 10",
        "SET tcp_keepalives_interval = 5",
        "SET tcp_keepalives_count = 3",
    )
    _KEY = "hashtextextended(:worker, 0)"

    def __init__(self, engine: sa.Engine, worker: str) -> None:
        self._engine = engine
        self._worker = worker
        self._held: sa.Connection | None = None

    def hold(self) -> None:
        """Take the lock of this worker, anew where the connection was lost."""
        try:
            self._connection().execute(sa.text("SELECT 1"))
        except DBAPIError:
            self.close()
            self._connection()

    def is_dead(self, worker: str) -> bool:
        """Whether the lock of *worker* is free."""
        if worker == self._worker:
            return False  # a session can take its own lock again
        connection = self._connection()
        values = {"worker": worker}
        taken = connection.scalar(sa.text(f"SELECT pg_try_advisory_lock({self._KEY})"), values)
        if taken:
            connection.execute(sa.text(f"SELECT pg_advisory_unlock({self._KEY})"), values)
        return bool(taken)

    def close(self) -> None:
        """Let go of the lock of this worker."""
        held, self._held = self._held, None
        if held is not None:
            with suppress(DBAPIError):
                held.invalidate()
            held.close()

    def _connection(self) -> sa.Connection:
        if self._held is None:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            for setting in self._KEEPALIVE:
                connection.execute(sa.text(setting))
            values = {"worker": self._worker}
            connection.execute(sa.text(f"SELECT pg_advisory_lock({self._KEY})"), values)
            self._held = connection
        return self._held
