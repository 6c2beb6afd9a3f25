"""What psycopg and its pool log by themselves holds no part of the connection string."""

import logging
from traceback import format_exception
from urllib.parse import quote

import psycopg
import pytest
from heard import heard_of
from hypothesis import given, settings, strategies as st
from postgres_server import OpenStore
from psycopg_pool import ConnectionPool, PoolTimeout

from longterm.errors import StoreUnavailableError
from longterm.stores.postgres.connection import QuietConnection

parts = st.text("ab/?#@:%= '\\é", max_size=5).map(lambda more: f"s3cr3t{more}")
#: With slashes it is a folder of sockets, which is not there; no name server is asked.
URL = "postgresql://{user}:{password}@/{database}?host=%2F{host}&port=1&application_name={name}"


@settings(max_examples=40)
@given(*[parts] * 5)
def test_no_part_of_an_address_is_logged_where_no_connection_is_made(
    user: str, password: str, database: str, host: str, name: str
) -> None:
    given = {"user": user, "password": password, "database": database, "host": host, "name": name}
    url = URL.format(**{part: quote(text, safe="") for part, text in given.items()})
    with pytest.raises(psycopg.OperationalError) as failed:
        QuietConnection.connect(url)
    assert "s3cr3t" not in "".join(format_exception(failed.value))


def test_the_pool_logs_what_to_do_and_no_address() -> None:
    url = "postgresql://s3cr3t-user:s3cr3t-word@/s3cr3t-db?host=%2Fs3cr3t-host"
    with heard_of("psycopg.pool", level=logging.INFO) as lines:
        pool = ConnectionPool(url, connection_class=QuietConnection, min_size=1, open=True)
        with pool, pytest.raises(PoolTimeout):
            pool.getconn(1.0)
    said = "\n".join(lines)
    assert "PostgreSQL cannot be reached" in said
    assert "s3cr3t" not in said


def test_a_connection_that_breaks_is_logged_without_its_address(
    open_store: OpenStore, url: str, schema: str
) -> None:
    database = f"s3cr3t_{schema}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {database}".encode())
        store = open_store(url.replace("@/postgres", f"@/{database}"), busy_timeout=1.0)
        store.put(("n",), "a", {"text": "tea"})
        with heard_of("psycopg", level=logging.INFO) as lines:
            server.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false".encode())
            ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            server.execute(ends, (database,))
            with pytest.raises(StoreUnavailableError):
                store.get(("n",), "a")
        store.close()
        server.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())
    assert any("closed connection" in line for line in lines)
    assert any("error connecting" in line for line in lines)
    assert "s3cr3t" not in "\n".join(lines)
