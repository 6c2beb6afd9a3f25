"""Caches: always what the file says, never more than the cap."""

from pathlib import Path

import numpy as np
import pytest
from langgraph.store.base import PutOp

from longterm.stores import EmbeddedStore
from longterm.stores.embedding import StoreIndex

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


def test_an_updated_cache_is_as_one_loaded_anew(store: EmbeddedStore, path: Path) -> None:
    filled(store, 100)
    for step in range(40):
        scores(store)
        store.put(NS, str(step * 2), {"text": "tea with salt"})
        store.delete(NS, str(step * 2 + 1))
    with EmbeddedStore(path, index=store.index_config) as fresh:
        assert scores(store) == scores(fresh)


def test_a_cache_that_is_mostly_dead_is_loaded_anew(store: EmbeddedStore) -> None:
    filled(store, 10)
    scores(store)
    for number in range(60):
        store.batch([PutOp(NS, str(key), {"text": f"milk {number}"}) for key in range(100)])
        scores(store)
    assert store.stats().cache_bytes < 5_500 * 64 * 4
    assert len(scores(store)) == 100


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
