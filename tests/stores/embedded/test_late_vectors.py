import gc
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from slow_model import SlowInBackground

from longterm.effects.capabilities import EmbedLater
from longterm.stores import EmbeddedStore

NS = ("turns", "ann")
TEXT = EmbedLater(["text"])


@pytest.fixture
def model() -> Generator[SlowInBackground]:
    model = SlowInBackground()
    yield model
    model.may_answer.set()


@pytest.fixture
def store(tmp_path: Path, model: SlowInBackground) -> Generator[EmbeddedStore]:
    """Open a store whose thread has a first text in hand until the model answers."""
    with EmbeddedStore(
        tmp_path / "memory.db",
        index={"embed": model, "dims": model.dims, "fields": ["text"]},
        synchronous="normal",
    ) as store:
        store.put(NS, "first", {"text": "noodles"}, index=TEXT)
        assert model.was_asked.wait(30)
        yield store
        model.may_answer.set()


@contextmanager
def traced() -> Generator[Callable[[], int]]:
    """Tell by how many bytes the objects of this process have grown."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()

        def growth() -> int:
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - before

        yield growth
    finally:
        tracemalloc.stop()


def test_long_texts_are_not_kept_while_they_wait_for_their_vectors(
    store: EmbeddedStore, model: SlowInBackground
) -> None:
    with traced() as growth:
        for number in range(50):
            store.put(NS, str(number), {"text": f"{number} plums " * 10_000}, index=TEXT)
        assert growth() < 1_000_000
    model.let_it_end()
    stats = store.stats()
    assert (stats.vectors, stats.pending) == (51, 0)


def test_texts_that_wait_are_dropped_when_another_store_of_the_file_erases_them(
    store: EmbeddedStore, model: SlowInBackground, tmp_path: Path
) -> None:
    with traced() as growth, EmbeddedStore(tmp_path / "memory.db") as other:
        for number in range(500):
            store.put(NS, str(number), {"text": f"{number} plums " * 150}, index=TEXT)
        assert growth() > 500_000
        other.erase(NS)
        assert growth() < 500_000
    model.let_it_end()
    assert model.seen == ["noodles"]
