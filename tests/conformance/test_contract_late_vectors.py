"""Vectors that come after the answer, on the stores of ours."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from langgraph.store.base import PutOp, SearchOp
from postgres_server import fresh_schema, server_url
from slow_model import SlowInBackground
from subjects import DIMS, Make, Options
from typing_extensions import override

from longterm.effects.capabilities import EmbedLater
from longterm.stores import CapableStore, EmbeddedStore, PostgresStore, Stats, StoreIndex
from longterm.testing import HashEmbeddings

NS = ("turns", "ann")
TEXT = EmbedLater(["text"])
DYING = Path(__file__).parents[1] / "stores" / "dying.py"


@pytest.fixture
def slow() -> Iterator[SlowInBackground]:
    model = SlowInBackground()
    yield model
    model.may_answer.set()


@pytest.fixture
def late(make: Make, slow: SlowInBackground) -> CapableStore:
    index: StoreIndex = {"embed": slow, "dims": DIMS, "fields": ["text"]}
    store = make(Options(index=index))
    if not isinstance(store, CapableStore):
        pytest.skip("another's store takes it for a plain list of fields")
    return store


def stats_of(store: CapableStore) -> Stats:
    assert isinstance(store, EmbeddedStore | PostgresStore)
    return store.stats()


def pending(store: CapableStore) -> int:
    return stats_of(store).pending


def test_a_write_waits_for_no_vector_and_full_text_finds_it_at_once(late: CapableStore) -> None:
    late.put(NS, "1", {"text": "noodles with basil"}, index=TEXT)
    (hit,) = late.hybrid_search(NS, "basil", vector_query="")
    assert (hit.item.key, hit.cosine, pending(late)) == ("1", None, 1)


def test_a_search_makes_the_vectors_it_would_miss(late: CapableStore) -> None:
    late.put(("turns", "bob"), "1", {"text": "fish and chips"}, index=TEXT)
    late.put(NS, "1", {"text": "noodles with basil"}, index=TEXT)
    (hit,) = late.hybrid_search(NS, "", vector_query="noodles")
    assert hit.cosine is not None
    assert pending(late) == 1  # another user's, which this one did not wait for


def test_a_search_that_follows_another_makes_them_too(late: CapableStore) -> None:
    late.put(NS, "0", {"text": "fish and chips"})
    for key in ("1", "2"):
        late.search(NS, query="chips")
        late.put(NS, key, {"text": f"noodles with basil {key}"}, index=TEXT)
        hits = late.hybrid_search(NS, "", vector_query="noodles")
        assert None not in [hit.cosine for hit in hits]
        assert len(hits) == int(key) + 1


def test_a_thread_makes_them_when_nobody_asks(late: CapableStore, slow: SlowInBackground) -> None:
    late.put(NS, "1", {"text": "noodles with basil"}, index=TEXT)
    slow.let_it_end()
    assert pending(late) == 0
    asked = len(slow.documents)
    (hit,) = late.hybrid_search(NS, "", vector_query="noodles")
    assert hit.cosine is not None
    assert len(slow.documents) == asked


def test_vectors_that_come_late_are_seen_by_who_searched_before(
    late: CapableStore, slow: SlowInBackground
) -> None:
    late.put(NS, "0", {"text": "fish and chips"})
    late.put(NS, "1", {"text": "noodles with basil"}, index=TEXT)
    assert late.search(NS, query="chips")[0].key == "0"
    late.put(NS, "2", {"text": "rice with basil"}, index=TEXT)
    slow.let_it_end()
    cosines = {hit.item.key: hit.cosine for hit in late.hybrid_search(NS, "", vector_query="rice")}
    assert max(cosines, key=lambda key: cosines[key] or 0) == "2"


def test_a_text_that_the_same_batch_embeds_for_another_item_does_no_harm(
    late: CapableStore,
) -> None:
    late.batch(
        [
            PutOp(NS, "1", {"text": "noodles"}),
            PutOp(NS, "2", {"text": "noodles", "title": "rice"}, EmbedLater(["text", "title"])),
        ]
    )
    for _ in range(2):
        hits = late.hybrid_search(NS, "", vector_query="rice")
        assert {hit.item.key: round(hit.cosine or 0, 2) for hit in hits} == {"1": 0, "2": 1}


def test_a_reindexing_that_is_faster_does_no_harm(
    late: CapableStore, slow: SlowInBackground
) -> None:
    late.put(NS, "1", {"text": "noodles"}, index=TEXT)
    assert slow.was_asked.wait(30)
    late.reindex()
    slow.let_it_end()
    (hit,) = late.hybrid_search(NS, "", vector_query="noodles")
    assert (round(hit.cosine or 0, 2), pending(late)) == (1, 0)


def test_what_was_written_last_stays_last_when_its_vectors_come(
    late: CapableStore, slow: SlowInBackground
) -> None:
    late.put(NS, "1", {"text": "noodles"}, index=TEXT)
    late.put(NS, "2", {"text": "rice"})
    slow.let_it_end()
    assert [item.key for item in late.search(NS)] == ["2", "1"]


def test_what_is_erased_meanwhile_never_comes_back(
    late: CapableStore, slow: SlowInBackground
) -> None:
    late.put(NS, "1", {"text": "noodles with basil"}, index=TEXT)
    assert slow.was_asked.wait(30)
    late.erase(NS)
    slow.let_it_end()
    stats = stats_of(late)
    assert (stats.items, stats.vectors, stats.pending) == (0, 0, 0)


def test_the_model_is_not_shown_what_is_gone_before_its_turn_comes(
    late: CapableStore, slow: SlowInBackground
) -> None:
    late.put(NS, "1", {"text": "noodles with basil"}, index=TEXT)
    assert slow.was_asked.wait(30)
    for key, text in (("2", "fish"), ("3", "chips"), ("4", "rice"), ("5", "plums")):
        late.put(NS, key, {"text": text}, index=TEXT)
    late.delete(NS, "2")
    late.put(NS, "3", {"text": "beans"}, index=TEXT)
    late.erase(NS, "4")
    slow.let_it_end()
    assert sorted(slow.seen) == ["beans", "noodles with basil", "plums"]
    assert pending(late) == 0


def test_all_of_many_that_are_written_at_once_get_theirs(
    late: CapableStore, slow: SlowInBackground
) -> None:
    many = 1_100  # more than a store keeps in hand
    late.batch([PutOp(NS, str(at), {"text": f"Noodles {at}"}, index=TEXT) for at in range(many)])
    slow.let_it_end()
    assert (pending(late), len(slow.seen)) == (0, many)


def test_what_is_written_anew_meanwhile_is_found_by_its_new_text(
    late: CapableStore, slow: SlowInBackground
) -> None:
    late.put(NS, "1", {"text": "noodles with basil"}, index=TEXT)
    assert slow.was_asked.wait(30)
    late.put(NS, "1", {"text": "fish and chips"}, index=TEXT)
    slow.let_it_end()
    (hit,) = late.hybrid_search(NS, "", vector_query="fish and chips")
    assert hit.cosine == pytest.approx(1, abs=1e-3)


def test_a_batch_that_searches_what_it_writes_waits_for_the_vectors(late: CapableStore) -> None:
    put = PutOp(NS, "1", {"text": "noodles with basil"}, TEXT)
    _, found = late.batch([put, SearchOp(NS, query="noodles")])
    assert isinstance(found, list)
    assert pending(late) == 0


def test_all_of_them_can_be_made_at_will(late: CapableStore) -> None:
    late.batch([PutOp(NS, str(n), {"text": f"noodles {n}"}, TEXT) for n in range(40)])
    assert (late.embed_pending(), pending(late)) == (40, 0)
    late.put(NS, "40", {"text": "rice"}, index=TEXT)
    assert asyncio.run(late.aembed_pending()) == 1


def test_a_model_that_fails_costs_neither_the_write_nor_the_search(make: Make) -> None:
    class Failing(HashEmbeddings):
        @override
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise ConnectionError("noodles")

    store = make(Options(index={"embed": Failing(), "dims": DIMS, "fields": ["text"]}))
    if not isinstance(store, CapableStore):
        pytest.skip("another's store takes it for a plain list of fields")
    store.put(NS, "1", {"text": "noodles with basil"}, index=TEXT)
    assert [item.key for item in store.search(NS, query="basil")] == ["1"]
    assert pending(store) == 1


@pytest.mark.parametrize("sort", ["sqlite", "postgres"])
def test_kill_9_loses_no_turn_and_the_next_search_finds_it_by_its_vector(
    tmp_path: Path, sort: str
) -> None:
    with fresh_schema() if sort == "postgres" else nullcontext("longterm") as schema:
        where = server_url() if sort == "postgres" else str(tmp_path / "memory.db")
        with subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, str(DYING), where, schema], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"recorded\n"
            child.kill()
        index: StoreIndex = {"embed": HashEmbeddings(), "dims": 64, "model": "words"}
        opened = (
            PostgresStore(where, index=index, schema=schema)
            if sort == "postgres"
            else EmbeddedStore(where, index=index)
        )
        with opened as store:
            assert store.stats().pending == 1
            assert store.hybrid_search(("turns",), "basil", vector_query="")
            (hit,) = store.hybrid_search(("turns",), "", vector_query="noodles")
            assert hit.cosine is not None
            assert (store.stats().pending, store.check()) == (0, [])
