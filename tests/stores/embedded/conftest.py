"""A store with vectors by words, in a file and in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from longterm.stores import EmbeddedStore
from longterm.stores.embedding import StoreIndex
from longterm.testing import HashEmbeddings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def model() -> HashEmbeddings:
    return HashEmbeddings()


@pytest.fixture
def index(model: HashEmbeddings) -> StoreIndex:
    return {"embed": model, "dims": model.dims, "fields": ["text"]}


@pytest.fixture
def store(path: Path, index: StoreIndex) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(path, index=index) as opened:
        yield opened
        assert opened.check() == []


@pytest.fixture
def plain() -> Iterator[EmbeddedStore]:
    with EmbeddedStore(":memory:") as opened:
        yield opened
