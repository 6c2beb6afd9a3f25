"""A service on each kind of store."""

from collections.abc import Iterator

import pytest
from langgraph.store.memory import InMemoryStore

import longterm
from longterm.service import MemoryService, UserMemory


@pytest.fixture(params=["embedded", "foreign"])
def service(request: pytest.FixtureRequest) -> Iterator[MemoryService]:
    where = ":memory:" if request.param == "embedded" else InMemoryStore()
    with longterm.open(where, embeddings=None) as opened:
        yield opened


@pytest.fixture
def ann(service: MemoryService) -> UserMemory:
    return service.user("ann")
