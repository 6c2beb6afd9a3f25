"""The stores the contract is held against. A new one needs one more `Subject` in `SUBJECTS`.

Each test runs over each subject. What a store is known to do wrong stands here by the name of
the test, strictly: the day it does it right, the entry must go.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langgraph.store.base import BaseStore, IndexConfig, Op, Result, TTLConfig
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore
from postgres_server import fresh_schema, server_url

from longterm.stores import EmbeddedStore, PostgresStore

DIMS = 64


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
    #: Wrong as well, but only at some moments; such a test is not run.
    unsure: Mapping[str, str] = field(default_factory=dict[str, str])
    ttl: bool = True
    vectors: bool = True


@contextmanager
def _in_memory(options: Options, folder: Path) -> Generator[BaseStore]:
    yield InMemoryStore(index=options.index)


@contextmanager
def _sqlite(options: Options, folder: Path) -> Generator[BaseStore]:
    arguments: dict[str, Any] = {"index": options.index, "ttl": options.ttl}
    with SqliteStore.from_conn_string(str(folder / "sqlite.db"), **arguments) as store:
        store.setup()
        yield store


@contextmanager
def _embedded(options: Options, folder: Path) -> Generator[BaseStore]:
    path = folder / "memory.db"
    with EmbeddedStore(path, index=options.index, ttl=options.ttl, synchronous="normal") as store:
        yield store
        assert store.check() == []


@contextmanager
def _embedded_encrypted(options: Options, folder: Path) -> Generator[BaseStore]:
    path, key = folder / "memory.db", bytes(range(32))
    with EmbeddedStore(
        path, index=options.index, ttl=options.ttl, synchronous="normal", encryption_key=key
    ) as store:
        yield store
        assert store.check() == []


@contextmanager
def _embedded_in_memory(options: Options, folder: Path) -> Generator[BaseStore]:
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
def _embedded_awaited(options: Options, folder: Path) -> Generator[BaseStore]:
    with _embedded(options, folder) as store, asyncio.Runner() as runner:
        yield Awaited(store, runner)


@contextmanager
def _postgres(options: Options, folder: Path) -> Generator[BaseStore]:
    with (
        fresh_schema() as schema,
        PostgresStore(
            server_url(), index=options.index, ttl=options.ttl, pool_size=2, schema=schema
        ) as store,
    ):
        yield store
        assert store.check() == []


@contextmanager
def _postgres_awaited(options: Options, folder: Path) -> Generator[BaseStore]:
    with _postgres(options, folder) as store, asyncio.Runner() as runner:
        yield Awaited(store, runner)


_LANGGRAPH_FILTERS = {
    "test_a_range_passes_over_what_is_no_number": "compares whatever is there, or raises",
    "test_an_operator_on_a_nested_field": "raises",
    "test_one_of": "no $in",
    "test_none_of": "no $nin",
    "test_a_field_is_there_even_as_null": "no $exists",
    "test_a_field_is_not_there": "no $exists",
    "test_either": "no $or",
    "test_both": "no $and",
    "test_the_opposite_of_a_filter": "no $not",
    "test_the_opposite_of_a_range": "no $not",
}

_IN_MEMORY = _LANGGRAPH_FILTERS | {
    "test_an_update_keeps_the_time_of_creation": "resets it",
    "test_what_is_got_is_a_copy": "hands out what it keeps",
    "test_a_label_that_is_no_label_is_refused": "operations are not checked",
    "test_an_item_without_a_namespace_is_refused": "operations are not checked",
    "test_a_read_sees_what_the_batch_wrote_before": "reads run before writes",
    "test_equal_texts_in_one_batch_are_two_items": "raises",
    "test_a_batch_that_fails_leaves_nothing": "any object is a value",
    "test_a_batch_that_fails_deletes_nothing": "any object is a value",
    "test_an_emptied_namespace_is_listed_no_more": "stays listed",
    "test_asking_for_an_item_makes_no_namespace": "makes one",
    "test_a_batch_may_search_what_it_writes": "reads run before writes",
    "test_text_that_did_not_change_is_not_embedded_again": "embeds on every put",
    "test_equal_texts_of_one_batch_are_embedded_once": "raises",
    "test_index_false_forgets_the_old_text": "keeps the old vector",
}

_SQLITE = _LANGGRAPH_FILTERS | {
    "test_not_equal_holds_for_a_missing_key": "NULL is neither equal nor unequal",
    "test_nested_fields": "raises",
    "test_a_list_is_equal_by_operator": "never",
    "test_an_object_is_equal_by_operator": "never",
    "test_every_text_names_a_field": "some names are refused, a dot is a path",
    "test_a_filter_is_never_run_as_sql": "such names are refused",
    "test_times_are_utc": "times have no zone",
    "test_a_lone_surrogate_comes_back": "raises",
    "test_an_integer_of_any_size_comes_back": "raises",
    "test_infinity_comes_back": "becomes null",
    "test_nan_comes_back_as_nan": "becomes null",
    "test_a_lone_surrogate_is_a_key": "raises",
    "test_a_lone_surrogate_is_a_label": "raises",
    "test_an_item_without_a_namespace_is_refused": "operations are not checked",
    "test_a_read_sees_what_the_batch_wrote_before": "reads run before writes",
    "test_an_expired_item_is_not_got": "ignores omit_expired",
    "test_an_expired_item_is_not_searched": "ignores omit_expired",
    "test_an_expired_namespace_is_not_listed": "ignores omit_expired",
}

_SQLITE_UNSURE = {
    "test_an_update_keeps_the_time_of_creation": "resets it, seen when a second has passed",
    "test_an_update_is_later_than_what_it_replaces": "times are whole seconds",
    "test_a_sweep_deletes_what_has_expired": "times are whole seconds",
    "test_the_default_ttl_applies": "times are whole seconds",
}
if sys.version_info >= (3, 12):
    _SQLITE_UNSURE["test_a_fraction_of_a_minute_is_not_nothing"] = (
        "it writes times in a way that warns"
    )

SUBJECTS = (
    Subject("embedded", _embedded),
    Subject("embedded in memory", _embedded_in_memory),
    Subject("embedded encrypted", _embedded_encrypted),
    Subject("embedded async", _embedded_awaited),
    Subject("postgres", _postgres),
    Subject("postgres async", _postgres_awaited),
    Subject("InMemoryStore", _in_memory, _IN_MEMORY, ttl=False),
    Subject(
        "SqliteStore",
        _sqlite,
        _SQLITE,
        _SQLITE_UNSURE,
        # Not every Python was built with loadable extensions, which its vectors need.
        vectors=hasattr(sqlite3.Connection, "enable_load_extension"),
    ),
)
