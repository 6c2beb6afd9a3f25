"""The contracts that are published for stores of others, held against ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.base import BaseStore
from postgres_server import fresh_schema, server_url

from longterm.stores import EmbeddedStore, PostgresStore
from longterm.testing import (
    ColumnSearchContract,
    CompareAndSetContract,
    HashEmbeddings,
    HybridSearchContract,
    RevisionsContract,
)


class TestOurStores(
    CompareAndSetContract, HybridSearchContract, ColumnSearchContract, RevisionsContract
):
    @pytest.fixture(params=["embedded", "postgres"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseStore]:
        index: Any = {"embed": HashEmbeddings(), "dims": 64, "fields": ["text"]}
        if request.param == "embedded":
            with EmbeddedStore(tmp_path / "memory.db", index=index) as store:
                yield store
            return
        with (
            fresh_schema() as schema,
            PostgresStore(server_url(), index=index, pool_size=2, schema=schema) as store,
        ):
            yield store
