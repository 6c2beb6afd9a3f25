"""The stores the contract is held against. A new one needs one more `Subject` in `SUBJECTS`.

Each test runs over each subject. What a store is known to do wrong stands here by the name of
the test, strictly: the day it does it right, the entry must go.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings
from langgraph.store.base import BaseStore, IndexConfig, Op, Result, TTLConfig
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore
from longterm.stores import EmbeddedStore

DIMS = 64


class WordVectors(Embeddings):
    """Vectors by words, so that texts with the same words are near; it notes what it is asked."""

    def __init__(self, dims: int = DIMS) -> None:
        self.dims = dims
        self.documents: list[str] = []
        self.queries: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.documents.extend(texts)
        return [self._vector(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        self.queries.append(text)
        return self._vector(text)

    def _vector(self, text: str) -> list[float]:
        vector = [0.01] * self.dims
        for word in text.lower().split():
            digest = blake2b(word.encode("utf-8", "replace"), digest_size=4).digest()
            vector[int.from_bytes(digest) % self.dims] += 1.0
        return vector


@dataclass(frozen=True)
class Options:
    """What a test wants of a store."""

    index: IndexConfig | None = None
    ttl: TTLConfig | None = None


Make = Callable[[Options], BaseStore]


@dataclass(frozen=True)
class Subject:
    """A store, how to open one in a folder, and what it is known to do wrong."""

    name: str
    opened: Callable[[Options, Path], Any]
    known_failures: Mapping[str, str] = field(default_factory=dict[str, str])
    ttl: bool = True
    vectors: bool = True


@contextmanager
def _in_memory(options: Options, folder: Path) -> Iterator[BaseStore]:
    yield InMemoryStore(index=options.index)


@contextmanager
def _sqlite(options: Options, folder: Path) -> Iterator[BaseStore]:
    arguments: dict[str, Any] = {"index": options.index, "ttl": options.ttl}
    with SqliteStore.from_conn_string(str(folder / "sqlite.db"), **arguments) as store:
        store.setup()
        yield store


@contextmanager
def _embedded(options: Options, folder: Path) -> Iterator[BaseStore]:
    with EmbeddedStore(folder / "memory.db", index=options.index, ttl=options.ttl) as store:
        yield store
        assert store.check() == []


@contextmanager
def _embedded_in_memory(options: Options, folder: Path) -> Iterator[BaseStore]:
    with EmbeddedStore(":memory:", index=options.index, ttl=options.ttl) as store:
        yield store
        assert store.check() == []


class Awaited(BaseStore):
    """Another store, used through its async side only."""

    supports_ttl = True
    __slots__ = ("inner", "runner", "ttl_config")

    def __init__(self, inner: BaseStore, runner: asyncio.Runner) -> None:
        self.inner, self.runner, self.ttl_config = inner, runner, inner.ttl_config

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        return self.runner.run(self.inner.abatch(ops))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await self.inner.abatch(ops)

    def sweep_ttl(self) -> int:
        return getattr(self.inner, "sweep_ttl")()  # noqa: B009 - the base class has none


@contextmanager
def _embedded_awaited(options: Options, folder: Path) -> Iterator[BaseStore]:
    with _embedded(options, folder) as store, asyncio.Runner() as runner:
        yield Awaited(store, runner)


SUBJECTS = (
    Subject("embedded", _embedded),
    Subject("embedded in memory", _embedded_in_memory),
    Subject("embedded async", _embedded_awaited),
    Subject("InMemoryStore", _in_memory, {}, ttl=False),
    Subject(
        "SqliteStore",
        _sqlite,
        {},
        # Not every Python was built with loadable extensions, which its vectors need.
        vectors=hasattr(sqlite3.Connection, "enable_load_extension"),
    ),
)
