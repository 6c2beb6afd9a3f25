"""Where reflections are kept: a database's address, its connections, and our own table in it.

Every connection, those of DBOS too, comes from `open_engine`, which sees to what DBOS does not:

- **Nothing is unpickled.** DBOS reads a row with the deserialiser that the row itself names.
  A connection of ours never says "py_pickle": such a row is read as JSON, is none, and fails
  alone.
- **Any SQLite from 3.37.** DBOS asks for ``unixepoch('subsec')``, which SQLite has from 3.42 on;
  before that the function is ours.
- **Privacy.** Files are made for their owner alone, deleted text is overwritten, and errors,
  what DBOS logs of them included, never show parameters.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from longterm.effects.observe import error_text
from longterm.errors import ConfigurationError, ReflectionError, StoreError
from longterm.memory.namespace import Namespace
from longterm.reflect.usage import Usage

__all__ = [
    "SCHEMA",
    "TableLedger",
    "create_tables",
    "database_url",
    "earliest_due",
    "in_our_words",
    "is_sqlite",
    "masked",
    "open_engine",
    "queues",
    "unquoted",
]

#: Tables of our own, apart from those of an application that uses DBOS in the same database.
SCHEMA = "longterm_reflection"
#: What DBOS calls its pickled rows, and its JSON.
_PICKLED, _JSON = "py_pickle", "portable_json"
_SUBSECONDS_SINCE = (3, 42)
#: As DBOS gives its own engines; connections are opened as they are needed.
_POOL_SIZE = 20


def database_url(url: str) -> sa.URL:
    """Return *url* with the driver that DBOS brings along, and a file's whole path.

    Raises `ConfigurationError` for what is neither SQLite in a file nor PostgreSQL.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise _refusal_of_row(url) from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database not in (None, "", ":memory:"):
            # A program may change its directory while it runs.
            return parsed.set(database=str(Path(parsed.database).absolute()))
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case _:
            raise _refusal_of_row(url)


def _refusal_of_row(url: str) -> ConfigurationError:
    return ConfigurationError(
        f"Reflections cannot be kept in {masked(url)!r}. Name their database by its URL: "
        "sqlite:///file.db for one machine, postgresql://user:password@host/database for several."
    )


def masked(url: str | sa.URL) -> str:
    """Return of *url* what holds no secret in any spelling: scheme, host and database.

    A password may hold every character that separates the parts of a URL, so that of one that
    cannot be read as a URL only the scheme is shown.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        plain = re.fullmatch(r"[\w./\\-]+", str(url))
        scheme = re.match(r"\w+(?=:)", str(url))
        return str(url) if plain else f"{scheme[0] if scheme else ''}://***"
    if is_sqlite(parsed):
        return f"{parsed.drivername}:///{parsed.database or ''}"
    host, database = parsed.host or "", parsed.database or ""
    before = f"{parsed.username or ''}{parsed.password or ''}"
    # Where a password was not percent-encoded, a part of it is taken for the host.
    if re.search("[/?#@]", before) or not re.fullmatch(r"[\w.:-]*", f"{host}{database}"):
        return f"{parsed.drivername}://***"
    return f"{parsed.drivername}://***@{host}/{database}"


def is_sqlite(url: sa.URL) -> bool:
    """Whether *url* is that of a SQLite file."""
    return url.get_backend_name() == "sqlite"


class _PassingError(StoreError, ConnectionError):
    """The database may be back the next time."""


@contextmanager
def in_our_words(url: sa.URL) -> Generator[None]:
    """Raise a `StoreError` for what goes wrong with the database at *url*.

    What it says itself, and its driver, may quote the URL, parameters or rows, and is left out.
    """
    try:
        yield
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        original = error.orig if isinstance(error, DBAPIError) and error.orig else error
        said = str(original).lower()
        reason = next((ours for theirs, ours in _REASONS if theirs in said), "the database failed")
        state = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
        code = type(original).__name__ + (f", {state}" if state else "")
        kind = _PassingError if isinstance(error, OperationalError | OSError) else StoreError
        raise kind(f"Reflections cannot be kept in {masked(url)!r}: {reason} ({code}).") from None


#: What is in the words of a database or its driver, and what we say of it.
_REASONS = (
    ("resolve host", "its host is not known"),
    ("translate host", "its host is not known"),
    ("refused", "no server answers there; is it running?"),
    ("failed: no such file", "no server answers there; is it running?"),  # at a socket
    ("timeout", "no server answered in time; is it running?"),
    ("authentication failed", "the server refuses this user or password"),
    ("no password supplied", "the server wants a password"),
    ("bad value", "an option of the URL has a value that the driver cannot read"),
    ("invalid connection option", "the URL has an option that the driver does not know"),
    ("invalid uri query", "the URL has an option that the driver does not know"),
    ("not a database", "the file is not a database, or is encrypted"),
    ("no such table", "a table is missing; make a new ReflectionExecutor to create it"),
    ("no such column", "it was made by another version of DBOS"),
    ("malformed", "the file is damaged; keep it as it is and take a new one"),
    ("locked", "the file is locked by another process for too long"),
    ("unable to open", "the file cannot be opened; may we write there?"),
    ("permission denied", "we may not read or write there"),
    ("readonly", "the file is read-only"),
    ("full", "the disk is full"),
    ("is a directory", "it is a folder"),
    ("not a directory", "a part of its path is a file"),
    ("does not exist", "the server has no such database, schema or table"),
)


def open_engine(url: sa.URL) -> sa.Engine:
    """Return an engine for the database at *url*, see the head of this file.

    A SQLite file that is not there is made, and the folders above it, for their owner alone.
    """
    if is_sqlite(url):
        path = Path(str(url.database))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    engine = sa.create_engine(
        url, pool_pre_ping=True, pool_size=_POOL_SIZE, max_overflow=0, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_sqlite if is_sqlite(url) else _prepare_postgres)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    def read(raw: bytes) -> str:
        return _harmless(raw.decode("utf-8", "replace"))

    # As DBOS has its own connections: writers queue from the start of their transactions.
    connection.isolation_level = "IMMEDIATE"
    connection.text_factory = read
    for pragma in (
        "busy_timeout = 30000",
        "foreign_keys = ON",
        "secure_delete = ON",
        "journal_mode = WAL",  # stays with the file; four times the throughput of DBOS's default
    ):
        connection.execute(f"PRAGMA {pragma}")
    if sqlite3.sqlite_version_info < _SUBSECONDS_SINCE:
        connection.create_function("unixepoch", 1, _unixepoch)


def _unixepoch(when: str) -> float | None:
    """Answer for SQLite's function of that name, in the one form that DBOS asks for."""
    return time.time() if when == "subsec" else None


def _prepare_postgres(connection: Any, _record: object) -> None:
    for kind in ("text", "varchar"):
        connection.adapters.register_loader(kind, _PostgresText)
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = 60000")
    connection.commit()  # a rollback would undo the setting


class _PostgresText:
    """A loader of text, by psycopg's protocol; the driver itself is not imported here."""

    format = 0  # psycopg.pq.Format.TEXT

    def __init__(self, oid: int, context: Any = None) -> None:
        self.oid = oid
        connection = getattr(context, "connection", None)
        self._encoding = "utf-8" if connection is None else connection.info.encoding

    def load(self, data: Any) -> str:
        return _harmless(bytes(data).decode(self._encoding, "replace"))


def _harmless(text: str) -> str:
    return _JSON if text == _PICKLED else text


def earliest_due(engine: sa.Engine) -> float | None:
    """Return when the first delayed workflow is due, in seconds since 1970; None for none."""
    workflows = _workflows(engine)
    earliest = sa.select(sa.func.min(workflows.c.delay_until_epoch_ms))
    with engine.connect() as connection:
        milliseconds = connection.scalar(earliest.where(workflows.c.status == "DELAYED"))
    return None if milliseconds is None else milliseconds / 1000


def queues(engine: sa.Engine, states: Sequence[str]) -> list[str]:
    """Return the names of the queues that have a workflow in one of *states*, sorted."""
    workflows = _workflows(engine)
    name = workflows.c.queue_name
    found = sa.select(name).distinct().where(name.is_not(None), workflows.c.status.in_(states))
    with engine.connect() as connection:
        return list(connection.scalars(found.order_by(name)))


def _workflows(engine: sa.Engine) -> sa.TableClause:
    """Return what of DBOS's table of workflows is looked at here."""
    columns = map(sa.column, ("queue_name", "status", "delay_until_epoch_ms"))
    schema = None if engine.name == "sqlite" else SCHEMA
    return sa.table("workflow_status", *columns, schema=schema)


_metadata = sa.MetaData()
_usage = sa.Table(
    "longterm_reflection_usage",
    _metadata,
    sa.Column("reflection", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
)
_SUMS = ("calls", "input_tokens", "output_tokens")


def create_tables(engine: sa.Engine) -> None:
    """Create what a `TableLedger` needs, unless it is there."""
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateTable(_usage, if_not_exists=True))


class TableLedger:
    """Usage per namespace and day, of the reflection called *reflection*, for all workers.

    None stands for every reflection in the database: good for an erase.
    """

    def __init__(self, engine: sa.Engine, reflection: str | None) -> None:
        self._engine = engine
        self._reflection = reflection
        self._insert = postgresql.insert if engine.name == "postgresql" else sqlite.insert

    def book(self, day: date, namespace: Namespace, usage: Usage) -> None:
        """Add *usage* to the sum of *namespace* on *day*, in one statement."""
        row = self._insert(_usage).values(
            reflection=self._reflection,
            day=day.isoformat(),
            namespace=json.dumps(namespace),
            **{name: getattr(usage, name) for name in _SUMS},
        )
        sums = {name: _usage.c[name] + row.excluded[name] for name in _SUMS}
        keys = ["reflection", "day", "namespace"]
        with self._engine.begin() as connection:
            connection.execute(row.on_conflict_do_update(index_elements=keys, set_=sums))

    def on(self, day: date) -> Mapping[Namespace, Usage]:
        """Return the sums of *day*."""
        return {tuple(json.loads(key)): usage for key, usage in self._rows(day)}

    def spent(self, day: date, namespace: Namespace) -> Usage:
        """Return the sum of *namespace* on *day*."""
        return next((usage for _, usage in self._rows(day, namespace)), Usage())

    def erase(self, namespace: Namespace) -> int:
        """Remove the sums of *namespace* and what is below; return how many."""
        # A namespace begins another where its JSON, without the closing bracket, does.
        start = json.dumps(namespace).removesuffix("]")
        column = _usage.c.namespace
        longer = f"{start}," if namespace else start
        below = sa.or_(column == f"{start}]", column.startswith(longer, autoescape=True))
        rows = sa.delete(_usage).where(below)
        if self._reflection is not None:
            rows = rows.where(_usage.c.reflection == self._reflection)
        with self._engine.begin() as connection:
            return connection.execute(rows).rowcount

    def _rows(self, day: date, namespace: Namespace | None = None) -> list[tuple[str, Usage]]:
        rows = sa.select(_usage.c.namespace, *(_usage.c[name] for name in _SUMS)).where(
            _usage.c.reflection == self._reflection, _usage.c.day == day.isoformat()
        )
        if namespace is not None:
            rows = rows.where(_usage.c.namespace == json.dumps(namespace))
        with self._engine.connect() as connection:
            return [(row[0], Usage(*row[1:])) for row in connection.execute(rows)]


def unquoted(record: logging.LogRecord) -> bool:
    """Have DBOS say where it has trouble and of which class, and not what an error quotes.

    A database's own errors quote its address, names and rows. That a reflection failed is no
    news: we have said it.
    """
    error = record.exc_info[1] if record.exc_info else sys.exception()
    if error is None or (not record.exc_info and str(error) not in record.getMessage()):
        return True
    record.msg = "DBOS has trouble in %s: %s"
    record.args = (record.funcName, error_text(error))
    record.exc_info = record.exc_text = record.stack_info = None
    return not isinstance(error, ReflectionError)
