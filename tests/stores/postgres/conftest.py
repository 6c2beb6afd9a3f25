"""Stores on a real PostgreSQL server."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from postgres_server import OpenStore, fresh_schema, server_url

from longterm.stores import PostgresStore


@pytest.fixture
def url() -> str:
    return server_url()


@pytest.fixture
def schema(url: str) -> Iterator[str]:
    with fresh_schema() as name:
        yield name


@pytest.fixture
def open_store(url: str, schema: str) -> Iterator[OpenStore]:
    """Return a function that opens a store on the schema of this test."""
    with ExitStack() as stack:

        def opened(where: str = url, **options: Any) -> PostgresStore:
            given: dict[str, Any] = {"schema": schema, "pool_size": 2, **options}
            return stack.enter_context(PostgresStore(where, **given))

        yield opened
