"""Connections: lent for one transaction, taken back, replaced when they break.

Transactions are begun and ended by plain statements of ours. `SET LOCAL` in the first of them
is all a session keeps, and no statement is prepared, so that a pooler which changes the server
behind a client from one transaction to the next does no harm. A connection that turns out to be
dead before its transaction began is replaced without a word. Where one dies at the very commit,
the server is asked afterwards what became of the transaction.

Errors say what happened and what to do in words of ours: PostgreSQL's own messages may quote
values, and those of its client the connection string with its password. Its pool logs both by
itself, which is why our connections show neither.
"""

import os
import re
import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, LiteralString, Self, TypeVar, cast

import psycopg
from psycopg import Connection, sql
from psycopg_pool import ConnectionPool, PoolTimeout
from typing_extensions import override

from longterm.errors import ConfigurationError, StoreError, StoreUnavailableError
from longterm.stores.postgres.binary import Binary, BinaryDumper
from longterm.stores.postgres.migrations import OUR_LOCKS, Readiness, prepare_schema

__all__ = ["PostgresPool", "QuietConnection"]

T = TypeVar("T")

#: What a failed write says; a transaction leaves nothing behind.
NOTHING_WRITTEN = "Nothing of the batch was written."
_RETRIES = 5


class QuietConnection(Connection[Any]):
    """A connection that shows neither address nor user to what logs it, as psycopg's pool does."""

    @classmethod
    @override
    def connect(cls, conninfo: str = "", **options: Any) -> Self:
        """Connect; an error says what to do, and nothing that *conninfo* holds."""
        try:
            return super().connect(conninfo, **options)
        except psycopg.Error as exc:
            raise psycopg.OperationalError(str(_store_error(exc, ""))) from None

    @override
    def __repr__(self) -> str:
        return object.__repr__(self)


class PostgresPool:
    """The connections of one store to its schema; opened at first use, by thread-safe methods.

    *busy_timeout* is how many seconds to wait for a free connection and for a server that is
    not there. A child process begins with connections of its own.
    """

    def __init__(
        self,
        url: str,
        *,
        schema: str,
        size: int,
        tenant: str | None,
        with_vectors: bool,
        may_migrate: bool,
        busy_timeout: float,
    ) -> None:
        self.schema, self.size = schema, size
        scheme, separator, rest = url.partition("://")
        # The name of a driver, which SQLAlchemy writes into a URL, libpq does not know.
        has_driver = separator and scheme.startswith("postgresql+")
        self._url = f"postgresql://{rest}" if has_driver else url
        self._tenant, self._with_vectors = tenant, with_vectors
        self._may_migrate, self._busy_timeout = may_migrate, busy_timeout
        self._is_closed = False
        self.begin_anew()
        _pools.add(self)

    def begin_anew(self) -> None:
        """Forget every connection without touching it: it belongs to another process."""
        self._lock = threading.Lock()
        self._pool: ConnectionPool[QuietConnection] | None = None
        self._readiness: Readiness | None = None

    @property
    def readiness(self) -> Readiness:
        """What the database offers; the first to ask brings its schema up to date."""
        with self._explained(""):
            self._opened()
        return cast("Readiness", self._readiness)  # opening has found it out

    def set_up(self) -> Readiness:
        """Bring the schema up to date, whatever the store was opened with."""
        with self._explained(NOTHING_WRITTEN):
            return self._prepare(may_migrate=True)

    @contextmanager
    def reading(self) -> Generator[Connection[Any]]:
        """Read from one state of the database, whatever others write meanwhile."""
        with self._explained("Nothing was read."):
            pool, connection = self._begun("ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                self._give_back(pool, connection)

    @contextmanager
    def writing(self, *, alone: bool = False) -> Generator[Connection[Any]]:
        """Write all or nothing; with *alone* while no other transaction writes."""
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        with self._explained(NOTHING_WRITTEN):
            pool, connection = self._begun("ISOLATION LEVEL READ COMMITTED", lock)
            try:
                yield connection
                self._commit(connection)
            finally:
                self._give_back(pool, connection)

    @contextmanager
    def outside(self) -> Generator[Connection[Any]]:
        """Lend a connection without a transaction, for what cannot run inside one."""
        with self._explained(""):
            pool = self._opened()
            connection = pool.getconn(self._busy_timeout)
            try:
                yield connection
            finally:
                pool.putconn(connection)

    @contextmanager
    def only_one(self) -> Generator[bool]:
        """Say whether no other client of the schema is inside; true for one at a time."""
        with (
            self._explained(""),
            psycopg.connect(self._url, autocommit=False, prepare_threshold=None) as connection,
        ):
            # For the transaction and not for the session, which a pooler shares.
            (is_first,) = connection.execute(
                "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s) + 2)", (OUR_LOCKS, self.schema)
            ).fetchone() or (False,)
            yield is_first

    def retried(self, attempt: Callable[[], T]) -> T:
        """Perform *attempt*; again where PostgreSQL chose it to end a deadlock."""
        for _ in range(_RETRIES):
            with suppress(_DeadlockError):
                return attempt()
        return attempt()

    def close(self) -> None:
        """Close every connection; what is used later is an error."""
        with self._lock:
            self._is_closed, pool, self._pool = True, self._pool, None
        if pool is not None:
            pool.close()

    # --- a transaction ---

    def _begun(
        self, how: LiteralString, lock: LiteralString | None = None
    ) -> tuple[ConnectionPool[QuietConnection], QuietConnection]:
        """Begin a transaction on a connection that lives."""
        pool = self._opened()
        begin = self._begin_statement(how, lock)
        # As many as there may be in the pool are dead after the server was away.
        for _ in range(self.size):
            connection = pool.getconn(self._busy_timeout)
            try:
                connection.execute(begin)
            except psycopg.OperationalError:
                self._give_back(pool, connection)
            except BaseException:
                self._give_back(pool, connection)
                raise
            else:
                return pool, connection
        connection = pool.getconn(self._busy_timeout)
        connection.execute(begin)
        return pool, connection

    def _begin_statement(self, how: LiteralString, lock: LiteralString | None) -> bytes:
        """Everything a transaction needs in one message, so that it costs one round trip."""
        schemas = [self.schema, self.readiness.vector_schema]
        path = sql.SQL(", ").join(sql.Identifier(one) for one in schemas if one)
        # Compiling costs more than it saves here, and a table that was just filled has no
        # statistics yet, whereas the indexes are made for exactly these queries: they cover them,
        # so that reading the table as well, as a bitmap scan does, only costs.
        statement = sql.SQL(
            "BEGIN {how}; SET LOCAL search_path TO {path}; SET LOCAL longterm.tenant TO {tenant}; "
            "SET LOCAL jit TO off; SET LOCAL enable_seqscan TO off; "
            "SET LOCAL enable_bitmapscan TO off; SET LOCAL random_page_cost TO 1.1"
        ).format(how=sql.SQL(how), path=path, tenant=sql.Literal(self._tenant or ""))
        if lock is None:
            return statement.as_bytes()
        taken = sql.SQL("; SELECT {}({}, hashtext({}) + 1)")
        return (statement + taken.format(sql.SQL(lock), OUR_LOCKS, self.schema)).as_bytes()

    def _commit(self, connection: Connection[Any]) -> None:
        xid = None
        found = connection.execute("SELECT pg_current_xact_id_if_assigned()::text").fetchone()
        if found is not None:
            (xid,) = found
        try:
            connection.execute("COMMIT")
        except psycopg.OperationalError:
            if xid is None or self._outcome(xid) != "committed":
                raise

    def _outcome(self, xid: str) -> str | None:
        """Ask what became of a transaction whose connection broke at the commit."""
        deadline = time.monotonic() + self._busy_timeout
        while time.monotonic() < deadline:
            try:
                with psycopg.connect(self._url, autocommit=True, prepare_threshold=None) as asking:
                    row = asking.execute("SELECT pg_xact_status(%s::xid8)", (xid,)).fetchone()
            except psycopg.OperationalError:
                time.sleep(0.1)  # the server is starting
                continue
            if row is None or row[0] != "in progress":
                return None if row is None else row[0]
            time.sleep(0.1)
        raise StoreUnavailableError(
            "The connection to PostgreSQL was lost while a batch was committed, and the server "
            "cannot be asked. The batch was written as a whole or not at all: read before you "
            "write it again."
        )

    def _give_back(
        self, pool: ConnectionPool[QuietConnection], connection: QuietConnection
    ) -> None:
        with suppress(psycopg.Error):
            connection.rollback()
        pool.putconn(connection)

    # --- opening ---

    def _opened(self) -> ConnectionPool[QuietConnection]:
        with self._lock:
            if self._is_closed:
                raise StoreError("The store is closed. Open another one.")
            if self._pool is None:
                self._readiness = self._prepare(may_migrate=self._may_migrate)
                self._pool = ConnectionPool(
                    self._url,
                    connection_class=QuietConnection,
                    kwargs={"autocommit": True, "prepare_threshold": None},
                    min_size=min(1, self.size),
                    max_size=self.size,
                    timeout=self._busy_timeout,
                    configure=_configure,
                    name="longterm",
                    open=True,
                )
            return self._pool

    def _prepare(self, *, may_migrate: bool) -> Readiness:
        with psycopg.connect(self._url, autocommit=True, prepare_threshold=None) as connection:
            return prepare_schema(
                connection,
                self.schema,
                with_vectors=self._with_vectors,
                may_migrate=may_migrate,
            )

    @contextmanager
    def _explained(self, outcome: str) -> Generator[None]:
        try:
            yield
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            raise _DeadlockError(f"PostgreSQL gave up a transaction. {outcome}") from None
        except PoolTimeout:
            raise StoreUnavailableError(
                f"No connection to PostgreSQL was free within {self._busy_timeout:g} seconds "
                f"(pool_size={self.size}). {outcome} Is the server running? Raise pool_size or "
                "busy_timeout if it is merely busy."
            ) from None
        except psycopg.ProgrammingError as exc:
            if exc.sqlstate is None:  # the client could not even read the connection string
                raise ConfigurationError(
                    "This is no connection string that PostgreSQL's client can read. It looks "
                    "like postgresql://user:password@host:5432/database; special characters in "
                    "it are percent-encoded."
                ) from None
            raise _store_error(exc, outcome) from None
        except psycopg.Error as exc:
            raise _store_error(exc, outcome) from None


class _DeadlockError(StoreUnavailableError):
    """PostgreSQL ended the transaction so that another could go on."""


def _configure(connection: Connection[Any]) -> None:
    connection.adapters.register_dumper(Binary, BinaryDumper)


#: What to say about an error, by the first characters of its SQLSTATE that are known here.
_EXPLANATIONS = {
    "08": "The connection to PostgreSQL broke. {} It is made anew at the next call.",
    "22": "PostgreSQL cannot keep one of the values. {}",
    "25P0": "PostgreSQL ended a transaction that its settings call too long. {} Try again.",
    "25006": "This PostgreSQL server is read-only, perhaps a replica. {} Write to the primary.",
    "28": "PostgreSQL refuses the user or the password of the connection string. {} Check them.",
    "3D000": "PostgreSQL has no database of the name in the connection string. {} Create it.",
    "42501": "The database role lacks a privilege that the store needs. {} See docs/postgres.md.",
    "42P01": "A table of the store is missing. {} Call store.setup().",
    "42": "The tables are not as the store knows them; was pgvector dropped? {} Open it again.",
    "53100": "The disk of the PostgreSQL server is full. {} What was written before is safe.",
    "53300": "PostgreSQL has no connection left. {} Lower pool_size or raise max_connections.",
    "54000": "A namespace or key is longer than PostgreSQL can index (about 2,700 bytes). {}",
    "55P03": "PostgreSQL waited too long for another writer, by its lock_timeout. {} Try again.",
    "57014": "PostgreSQL cancelled the statement, perhaps for its statement_timeout. {} Raise it.",
    "57P": "PostgreSQL is shutting down or starting. {} Try again when it is back.",
    "XX": "PostgreSQL reports damaged data. {} Restore a backup beside it.",
}


#: What passes by itself, by the first characters of its SQLSTATE.
_PASSING = ("08", "25P0", "40", "53", "55P03", "57")

#: Where no connection was made there is no SQLSTATE, but a server that speaks English says why.
_REFUSALS = {
    "password authentication failed|no password supplied|no pg_hba.conf entry": "28000",
    'role ".*" does not exist|Peer authentication failed': "28000",
    'database ".*" does not exist': "3D000",
    "too many (clients|connections)|connection slots are reserved": "53300",
    "starting up|shutting down|recovery mode": "57P03",
}


def _store_error(exc: psycopg.Error, outcome: str) -> StoreError:
    refused = (state for words, state in _REFUSALS.items() if re.search(words, str(exc)))
    state = exc.sqlstate or next(refused, None)
    is_away = state is None and isinstance(exc, psycopg.OperationalError)
    if is_away:
        said = (
            "PostgreSQL cannot be reached, or the connection broke. {} Is the server running, and "
            "are host, port, user, password and database of the connection string right?"
        )
    else:
        known = (
            _EXPLANATIONS[state[:size]]
            for size in (5, 4, 3, 2)
            if state and state[:size] in _EXPLANATIONS
        )
        said = next(known, "PostgreSQL refused the operation. {}")
    passes = is_away or (state or "").startswith(_PASSING)
    return (StoreUnavailableError if passes else StoreError)(
        f"{said.format(outcome)} (SQLSTATE {state or 'none'}, {type(exc).__name__})".replace(
            "  ", " "
        )
    )


_pools: weakref.WeakSet[PostgresPool] = weakref.WeakSet()
#: Connections of the parent process; collecting them here would end its sessions.
_inherited: list[Any] = []


def _abandon_after_fork() -> None:
    for pool in list(_pools):
        _inherited.append(vars(pool).get("_pool"))
        pool.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_after_fork)
