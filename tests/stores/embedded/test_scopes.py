"""Caches: always what the file says, never more than the cap."""

import sqlite3
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from langgraph.store.base import PutOp

from longterm.stores import EmbeddedStore
from longterm.stores.embedded.scopes import Scope, ScopeView, Signals
from longterm.stores.embedding import StoreIndex
from longterm.testing import HashEmbeddings

NS = ("notes", "a")


def scores(store: EmbeddedStore, prefix: tuple[str, ...] = NS) -> dict[str, float | None]:
    found = store.search(prefix, query="tea with milk", limit=1000)
    return {item.key: item.score and round(item.score, 4) for item in found}


def filled(store: EmbeddedStore, count: int) -> None:
    words = ["tea", "milk", "salt", "rice", "with"]
    generator = np.random.default_rng(3)
    store.batch(
        [
            PutOp(NS, str(number), {"text": " ".join(generator.choice(words, 3))})
            for number in range(count)
        ]
    )


@contextmanager
def traced() -> Generator[Callable[[], int]]:
    """Tell how many bytes were allocated at most at any moment."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_updated_cache_is_as_one_loaded_anew(store: EmbeddedStore, path: Path) -> None:
    filled(store, 100)
    for step in range(40):
        scores(store)
        store.put(NS, str(step * 2), {"text": "tea with salt"})
        store.delete(NS, str(step * 2 + 1))
    with EmbeddedStore(path, index=store.index_config) as fresh:
        assert scores(store) == scores(fresh)


def test_what_another_store_erases_is_kept_no_longer(store: EmbeddedStore, path: Path) -> None:
    filled(store, 10)
    store.put(("notes", "b"), "1", {"text": "tea"})
    with EmbeddedStore(path, index=store.index_config) as other:
        for prefix in (("notes",), NS, ("notes", "b")):
            scores(other, prefix)
        before = other.stats().cache_bytes
        store.erase(NS)
        assert 0 < other.stats().cache_bytes < before / 2
        assert scores(other) == {}


def test_a_cache_that_is_mostly_dead_is_loaded_anew(store: EmbeddedStore) -> None:
    filled(store, 10)
    scores(store)
    for number in range(60):
        store.batch([PutOp(NS, str(key), {"text": f"milk {number}"}) for key in range(100)])
        scores(store)
    assert store.stats().cache_bytes < 5_500 * 64 * 4
    assert len(scores(store)) == 100


def test_every_search_finds_the_same(store: EmbeddedStore) -> None:
    filled(store, 2_000)  # more than is searched unsorted for ever
    first = scores(store)
    for number in range(40):
        assert scores(store) == first, number
    store.put(NS, "new", {"text": "tea with milk"})
    assert scores(store)["new"] == pytest.approx(1.0, abs=1e-2)


def test_text_and_vectors_may_be_wanted_at_different_times(store: EmbeddedStore) -> None:
    filled(store, 50)
    store.search(NS, query="!?")
    store.put(NS, "1", {"text": "tea with milk"})
    store.search(NS, query="tea")
    assert scores(store)["1"] == pytest.approx(1.0, abs=1e-2)


@pytest.mark.parametrize("cap", [0, 3_000])
def test_without_room_the_same_is_found(path: Path, index: StoreIndex, cap: int) -> None:
    with (
        EmbeddedStore(path, index=index) as roomy,
        EmbeddedStore(path, index=index, cache_bytes=cap) as cramped,
    ):
        filled(roomy, 300)
        assert scores(cramped) == scores(roomy)


def test_the_cap_holds(path: Path, index: StoreIndex) -> None:
    with EmbeddedStore(path, index=index, cache_bytes=60_000) as store:
        for user in range(30):
            store.batch([PutOp(("u", str(user)), str(n), {"text": f"tea {n}"}) for n in range(20)])
            store.search(("u", str(user)), query="tea")
        assert 0 < store.stats().cache_bytes <= 60_000


def test_the_cap_holds_while_many_texts_of_an_item_are_searched(
    path: Path, model: HashEmbeddings
) -> None:
    index: StoreIndex = {"embed": model, "dims": model.dims, "fields": ["texts[*]"]}
    with EmbeddedStore(path, index=index, cache_bytes=200_000) as store:
        texts = [f"tea {number}" for number in range(20_000)]
        store.batch([PutOp(NS, str(at), {"texts": texts[at::10]}) for at in range(10)])
        store.search(NS, query="tea")
        with traced() as peak:
            found = store.search(NS, query="tea 7", explain=True)
            assert peak() < 4_000_000 < 20_000 * model.dims * 4
        assert found[0].explanation.cosine == pytest.approx(1.0, abs=1e-2)


def test_what_has_room_stays_in_memory_though_the_rest_has_none(
    path: Path, model: HashEmbeddings
) -> None:
    index: StoreIndex = {"embed": model, "dims": model.dims, "fields": ["text"]}
    with EmbeddedStore(path, index=index, cache_bytes=300_000) as store:
        filled(store, 1000)
        store.search(NS, query="tea")
        assert 10_000 < store.stats().cache_bytes <= 300_000
        store.put(NS, "late", {"text": "tea with milk"})
        assert scores(store)["late"] == pytest.approx(1.0, abs=1e-2)
        assert 10_000 < store.stats().cache_bytes <= 300_000


def test_long_words_are_not_kept_in_memory() -> None:
    with EmbeddedStore(":memory:") as store, traced() as peak:
        for number in range(100):
            store.put(NS, "a", {"text": f"{number}x" * 30_000})
        store.put(NS, "a", {"text": "tea"})
        assert peak() < 4_000_000


def test_a_search_loads_only_its_scope(store: EmbeddedStore) -> None:
    filled(store, 500)
    store.put(("other",), "x", {"text": "tea"})
    store.search(("other",), query="tea")
    assert store.stats().cache_bytes < 5_000


def test_a_store_that_fell_far_behind_catches_up(store: EmbeddedStore, path: Path) -> None:
    filled(store, 20)
    scores(store)
    with EmbeddedStore(path, index=store.index_config) as other:
        other.reindex()
        other.put(NS, "new", {"text": "tea with milk"})
    assert scores(store)["new"] == pytest.approx(1.0, abs=1e-2)


def test_a_long_namespace_among_short_ones_is_read_in_ranges(
    store: EmbeddedStore, path: Path
) -> None:
    filled(store, 3)
    every = partial(store.search, ("notes",), query="tea with milk", limit=10_000)
    every()
    filled(store, 5_000)  # more than is read at once
    store.batch([PutOp(("notes", f"b{key % 3}"), str(key), {"text": "tea"}) for key in range(9)])
    with EmbeddedStore(path, index=store.index_config) as fresh:
        anew = fresh.search(("notes",), query="tea with milk", limit=10_000)
    assert len(anew) == 5_009
    assert anew == every()


def test_many_short_namespaces_are_not_read_all_at_once(
    store: EmbeddedStore, path: Path, model: HashEmbeddings
) -> None:
    filled(store, 3)
    store.batch([PutOp(("u", f"u{key // 50}"), str(key), {"text": "tea"}) for key in range(6_000)])
    with closing(sqlite3.connect(path)) as connection:
        revision, number = connection.execute("SELECT revision, model FROM state").fetchone()
        signals, scope = Signals(text=True, model=number, dims=model.dims), Scope("u", 10**8)
        view, query = scope.view(connection, revision, signals), np.ones(model.dims, np.float32)
        with traced() as peak:
            first = scope.cosines(connection, view, signals, query)
            assert peak() < 6_000 * model.dims * 2  # as they stand in the file
        kept = scope.view(connection, revision, signals)
    assert kept.matrix is not None
    assert len(first) == 6_000
    assert np.isfinite(first).all()
    assert kept.matrix.cosines(query, 6_000).tobytes() == first.tobytes()


def test_more_is_read_than_one_value_of_sqlite_can_hold(
    store: EmbeddedStore, path: Path, model: HashEmbeddings
) -> None:
    filled(store, 500)
    store.put(("notes", "b"), "x", {"text": "tea"})
    views: list[ScopeView] = []
    for limit in (1_000_000_000, 2_000):
        with closing(sqlite3.connect(path)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
            revision, number = connection.execute("SELECT revision, model FROM state").fetchone()
            signals = Signals(text=True, model=number, dims=model.dims)
            scope = Scope("notes", 10**8)
            scope.view(connection, revision, signals)
            views.append(scope.view(connection, revision, signals))
    whole, parts = views
    assert len(whole.slots.ids) == 501
    assert whole.slots.ids.tolist() == parts.slots.ids.tolist()
    matrix, other = whole.matrix, parts.matrix
    assert matrix is not None
    assert other is not None
    assert len(matrix.owners) == 501
    assert matrix.owners.tobytes() == other.owners.tobytes()
    assert np.concatenate(matrix.blocks).tobytes() == np.concatenate(other.blocks).tobytes()
    lexicon, other = whole.lexicon, parts.lexicon
    assert lexicon is not None
    assert other is not None
    assert len(lexicon.tail_slots) > 501
    assert (
        np.concatenate(lexicon.tail_terms).tobytes() == np.concatenate(other.tail_terms).tobytes()
    )
    assert lexicon.tail_slots.tobytes() == other.tail_slots.tobytes()
    assert lexicon.lengths.tobytes() == other.lengths.tobytes()


def test_vectors_are_kept_from_the_second_search_on(
    store: EmbeddedStore, model: HashEmbeddings
) -> None:
    filled(store, 3_000)
    vectors = 3_000 * model.dims * 4
    found: list[dict[str, float | None]] = []
    kept: list[int] = []
    for _ in range(3):
        found.append(scores(store))
        kept.append(store.stats().cache_bytes)
    assert kept[0] < vectors < kept[1]
    assert found[0] == found[1] == found[2]


def test_what_is_read_once_leaves_the_cache_of_sqlite_as_it_was(
    store: EmbeddedStore, path: Path, model: HashEmbeddings
) -> None:
    filled(store, 2_000)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA cache_size = -16000")
        revision, number = connection.execute("SELECT revision, model FROM state").fetchone()
        roomy, cramped = Scope("notes", 10**8), Scope("notes", 2_000 * model.dims * 4 + 400_000)
        for scope in (roomy, cramped, cramped):  # the last stops midway
            scope.view(connection, revision, Signals(text=True, model=number, dims=model.dims))
            assert connection.execute("PRAGMA cache_size").fetchone() == (-16000,)
        signals = Signals(text=False, model=number, dims=model.dims)
        first = Scope("notes", 10**8)
        view = first.view(connection, revision, signals)
        with pytest.raises(ValueError, match="broadcast") as broken:  # midway
            first.cosines(connection, view, signals, np.zeros(model.dims + 1, np.float32))
        assert broken.tb is not None  # which holds the frames
        assert connection.execute("PRAGMA cache_size").fetchone() == (-16000,)


def test_a_small_scope_comes_as_the_same_items_until_one_is_written(store: EmbeddedStore) -> None:
    filled(store, 20)
    store.put(("notes", "b"), "1", {"text": "tea"})

    def whole(*, exact: bool = False) -> object:
        return store.hybrid_columns(NS, "tea", full_scan_limit=20, exact=exact).encoded

    first = whole()
    assert whole() is first
    assert whole(exact=True) is first

    store.put(NS, "3", {"text": "rice"})
    assert whole() is not first
    assert whole() is whole()
