"""The embedded store beyond LangGraph's contract."""

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.embeddings import Embeddings
from langgraph.store.base import GetOp, Item, PutOp, SearchItem, SearchOp

from longterm import stores
from longterm.effects.capabilities import EmbedLater
from longterm.errors import (
    ConfigurationError,
    ConflictError,
    InvalidInputError,
    ModelChangedError,
    StoreError,
)
from longterm.stores import EmbeddedStore, HybridSearchOp, PutIf
from longterm.stores.embedding import StoreIndex
from longterm.testing import HashEmbeddings

NS = ("notes",)


def keys(store: EmbeddedStore, query: str | None = None, **more: Any) -> list[str]:
    options: dict[str, Any] = {"query": query, "limit": 10} | more
    return [item.key for item in cast("list[SearchItem]", store.search(NS, **options))]


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"v": value}
    return value


# --- full text --------------------------------------------------------------------------------


def test_without_a_model_full_text_finds(plain: EmbeddedStore) -> None:
    plain.put(NS, "soup", {"text": "hot noodle soup"})
    plain.put(NS, "hike", {"text": "hiking in the mountains"})
    assert keys(plain, "mountain hikes")[0] == "hike"


def test_two_characters_find_chinese_text(plain: EmbeddedStore) -> None:
    plain.put(NS, "ramen", {"content": "我喜欢味噌拉面"})
    plain.put(NS, "other", {"content": "我住在柏林"})
    assert [item.key for item in plain.search(NS, query="拉面") if item.score] == ["ramen"]


def test_the_names_of_fields_are_not_found(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"content": "tea"})
    assert plain.search(NS, query="content")[0].score is None


def test_full_text_honours_index_false(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"content": "tea"}, index=False)
    assert plain.search(NS, query="tea")[0].score is None


def test_full_text_honours_the_fields_of_a_put(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"title": "tea", "secret": "coffee"}, index=["title"])
    assert [plain.search(NS, query=word)[0].score is None for word in ("tea", "coffee")] == [
        False,
        True,
    ]


def test_what_others_store_changes_no_score(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"text": "green tea"})
    plain.put(NS, "b", {"text": "black coffee"})
    before = plain.search(NS, query="tea")[0].score
    for number in range(20):
        plain.put(("others",), str(number), {"text": "tea and more tea"})
    assert plain.search(NS, query="tea")[0].score == before


def test_what_nothing_found_comes_last_and_latest_first(plain: EmbeddedStore) -> None:
    for key, text in (("a", "tea"), ("b", "milk"), ("c", "salt"), ("d", "rice")):
        plain.put(NS, key, {"text": text})
    assert keys(plain, "tea") == ["a", "d", "c", "b"]


def test_without_a_query_what_was_written_last_comes_first(plain: EmbeddedStore) -> None:
    for key in "abc":
        plain.put(NS, key, {"n": 1})
    plain.put(NS, "a", {"n": 2})
    assert keys(plain) == ["a", "c", "b"]


# --- both signals -----------------------------------------------------------------------------


def test_an_explanation_adds_up_to_the_score(store: EmbeddedStore) -> None:
    store.put(NS, "a", {"text": "hot noodle soup"})
    (found,) = store.search(NS, query="noodle soup", explain=True)
    assert found.explanation.text is not None
    assert found.explanation.vector is not None
    assert found.score == pytest.approx(found.explanation.text + found.explanation.vector)


def test_an_explanation_without_a_query_is_empty(store: EmbeddedStore) -> None:
    store.put(NS, "a", {"text": "hot noodle soup"})
    (found,) = store.search(NS, explain=True)
    assert found.explanation.text is None


def test_hybrid_search_tell_raw_scores(store: EmbeddedStore) -> None:
    store.put(NS, "a", {"text": "noodle soup"})
    (hit,) = store.hybrid_search(NS, "noodle soup")
    assert (hit.item.key, hit.cosine) == ("a", pytest.approx(1.0, abs=1e-2))
    assert hit.bm25 is not None


def test_hybrid_search_leave_out_what_nothing_found(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"text": "tea"})
    plain.put(NS, "b", {"text": "milk"})
    assert [hit.item.key for hit in plain.hybrid_search(NS, "tea")] == ["a"]


def test_hybrid_search_honour_filter_and_limit(store: EmbeddedStore) -> None:
    for number in range(30):
        store.put(NS, str(number), {"text": f"noodle {number}", "odd": number % 2})
    hits = store.hybrid_search(NS, "noodle", filter={"odd": 1}, limit=5)
    assert all(hit.item.value["odd"] for hit in hits)
    assert 5 <= len(hits) <= 10


def test_hybrid_search_are_an_operation_of_a_batch(store: EmbeddedStore) -> None:
    answers = store.batch(
        [PutOp(NS, "a", {"text": "tea"}), HybridSearchOp(NS, "tea"), HybridSearchOp(NS, "milk")]
    )
    assert answers[1:] == [store.hybrid_search(NS, "tea"), store.hybrid_search(NS, "milk")]


def test_hybrid_search_look_for_words_and_for_a_meaning_of_its_own(
    store: EmbeddedStore, model: HashEmbeddings
) -> None:
    store.put(NS, "a", {"text": "noodle soup"})
    store.put(NS, "b", {"text": "green tea"})
    hits = {
        hit.item.key: hit for hit in store.hybrid_search(NS, "noodle", vector_query="green tea")
    }
    assert hits["a"].bm25 is not None
    assert hits["b"].bm25 is None
    assert hits["b"].cosine == pytest.approx(1.0, abs=1e-2)
    assert model.queries == ["green tea"]
    assert [hit.cosine for hit in store.hybrid_search(NS, "noodle", vector_query="")] == [None]
    assert model.queries == ["green tea"]


def test_hybrid_search_bring_what_was_written_around_the_best(plain: EmbeddedStore) -> None:
    for number in range(9):
        plain.put(NS, str(number), {"text": "milk"})
        plain.put((*NS, "else"), str(number), {"text": "water"})
    plain.put(NS, "4", {"text": "tea"})
    plain.delete(NS, "5")
    hits = plain.hybrid_search(NS, "tea", neighbors=2)
    assert hits[0].item.key == "4"
    assert sorted(hit.item.key for hit in hits) == ["2", "3", "4", "6", "7"]
    assert {hit.item.namespace for hit in hits} == {NS}
    assert len(plain.hybrid_search(NS, "tea")) == 1


def test_hybrid_search_see_a_small_scope_whole(plain: EmbeddedStore) -> None:
    for number in range(4):
        plain.put(NS, str(number), {"text": "milk", "odd": number % 2})
    plain.put(NS, "tea", {"text": "tea", "odd": 1})
    assert len(plain.hybrid_search(NS, "tea", full_scan_limit=4)) == 1
    assert plain.hybrid_search(NS, "tea", full_scan_limit=5)[0].item.key == "tea"
    assert len(plain.hybrid_search(NS, "", full_scan_limit=5)) == 5
    assert len(plain.hybrid_search(NS, "tea", full_scan_limit=5, filter={"odd": 1})) == 3


def test_a_hit_is_decoded_anew_each_time(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"text": "tea"})
    (hit,) = plain.hybrid_search(NS, "tea")
    hit.item.value["text"] = "milk"
    assert hit.item.value == {"text": "tea"}
    assert hit.item == plain.hybrid_search(NS, "tea")[0].item


def test_hybrid_search_cannot_reach_less_than_nothing(plain: EmbeddedStore) -> None:
    with pytest.raises(InvalidInputError, match="neighbors"):
        plain.hybrid_search(NS, "tea", neighbors=-1)


class LatinOnly(HashEmbeddings):
    def supports(self, text: str) -> bool:
        return text.isascii()


def test_a_text_the_model_cannot_read_has_full_text_alone(path: Path) -> None:
    model = LatinOnly()
    with EmbeddedStore(path, index={"embed": model, "dims": 64, "fields": ["text"]}) as store:
        store.put(NS, "ramen", {"text": "味噌拉面"})
        (hit,) = store.hybrid_search(NS, "拉面")
    assert (hit.cosine, model.documents, model.queries) == (None, [], [])


# --- the model --------------------------------------------------------------------------------


def test_a_text_known_from_a_deleted_update_is_not_embedded_twice(
    store: EmbeddedStore, model: HashEmbeddings
) -> None:
    store.put(NS, "a", {"text": "tea"})
    store.put(("elsewhere",), "b", {"text": "tea"})
    assert model.documents == ["tea"]


def test_another_model_is_noticed(store: EmbeddedStore, path: Path) -> None:
    store.put(NS, "a", {"text": "tea"})
    other: StoreIndex = {"embed": HashEmbeddings(), "dims": 64, "model": "another"}
    with (
        EmbeddedStore(path, index=other) as opened,
        pytest.raises(ModelChangedError, match="reind"),
    ):
        opened.search(NS, query="tea")


def test_another_model_is_noticed_by_a_write_that_does_not_wait_for_it(
    store: EmbeddedStore, path: Path
) -> None:
    store.put(NS, "a", {"text": "tea"})
    other: StoreIndex = {"embed": HashEmbeddings(), "dims": 64, "model": "another"}
    with EmbeddedStore(path, index=other) as opened, pytest.raises(ModelChangedError):
        opened.put(NS, "b", {"text": "tea"}, index=EmbedLater(["text"]))
    assert store.get(NS, "b") is None


def test_another_dimension_is_noticed(store: EmbeddedStore, path: Path) -> None:
    store.put(NS, "a", {"text": "tea"})
    other: StoreIndex = {"embed": HashEmbeddings(32), "dims": 32}
    with EmbeddedStore(path, index=other) as opened, pytest.raises(ModelChangedError, match="32"):
        opened.put(NS, "b", {"text": "tea"})


def test_a_file_of_another_model_can_still_be_read(store: EmbeddedStore, path: Path) -> None:
    store.put(NS, "a", {"text": "tea"})
    with EmbeddedStore(path, index={"embed": HashEmbeddings(32), "dims": 32}) as opened:
        assert opened.get(NS, "a") is not None
        assert len(opened.search(NS)) == 1


def test_reindexing_mends_a_change_of_model(store: EmbeddedStore, path: Path) -> None:
    for number in range(300):
        store.put(NS, str(number), {"text": f"tea {number}"})
    progress: list[tuple[int, int]] = []
    index: StoreIndex = {"embed": HashEmbeddings(32), "dims": 32, "fields": ["text"]}
    with EmbeddedStore(path, index=index) as opened:
        assert opened.reindex(lambda done, total: progress.append((done, total))) == 300
        assert opened.search(NS, query="tea 7", limit=1)[0].key == "7"
        assert opened.stats().dims == 32
    assert progress == [(256, 300), (300, 300)]


def test_reindexing_gives_vectors_to_what_was_written_without(path: Path) -> None:
    with EmbeddedStore(path) as bare:
        bare.put(NS, "a", {"text": "tea"})
        bare.put(NS, "b", {"text": "milk"}, index=False)
    with EmbeddedStore(path, index={"embed": HashEmbeddings(), "dims": 64}) as store:
        store.reindex()
        assert store.stats().vectors == 1


def test_an_interrupted_reindexing_leaves_the_old_index(store: EmbeddedStore, path: Path) -> None:
    for number in range(300):
        store.put(NS, str(number), {"text": f"tea {number}"})

    class StoppedError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise StoppedError

    other: StoreIndex = {"embed": HashEmbeddings(32), "dims": 32}
    with EmbeddedStore(path, index=other) as opened, pytest.raises(StoppedError):
        opened.reindex(stop)
    assert store.search(NS, query="tea 7", limit=1)[0].key == "7"


def test_a_resumed_reindexing_embeds_nothing_twice(store: EmbeddedStore, path: Path) -> None:
    store.put(NS, "a", {"text": "tea"})
    again = HashEmbeddings(32)
    with EmbeddedStore(path, index={"embed": again, "dims": 32, "fields": ["text"]}) as opened:
        opened.reindex()
        opened.reindex()
    assert again.documents == ["tea"]


def test_an_interrupted_reindexing_goes_on_where_it_stopped(path: Path) -> None:
    with EmbeddedStore(path) as bare:
        bare.batch([PutOp(NS, str(number), {"text": f"tea {number}"}) for number in range(300)])
    model = HashEmbeddings()

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with EmbeddedStore(path, index={"embed": model, "dims": 64, "fields": ["text"]}) as store:
        with pytest.raises(InterruptedError):
            store.reindex(stop)
        assert store.reindex() == 300
        assert len(model.documents) == 300


def test_reindexing_ends_though_others_write_all_the_time(store: EmbeddedStore, path: Path) -> None:
    store.put(NS, "a", {"text": "tea"})
    writes = iter(range(1000))

    def write(done: int, total: int) -> None:
        number = next(writes)
        with suppress(ModelChangedError):
            store.put(NS, str(number), {"text": f"tea {number}"})

    with EmbeddedStore(path, index={"embed": HashEmbeddings(32), "dims": 32}) as opened:
        opened.reindex(write)
        assert opened.stats().vectors == opened.stats().items


def test_two_reindexings_for_two_models_do_not_mix(store: EmbeddedStore, path: Path) -> None:
    store.put(NS, "a", {"text": "tea"})
    with (
        EmbeddedStore(path, index={"embed": HashEmbeddings(32), "dims": 32}) as first,
        EmbeddedStore(path, index={"embed": HashEmbeddings(16), "dims": 16}) as second,
    ):

        def overtake(done: int, total: int) -> None:
            second.reindex()

        with pytest.raises(ModelChangedError, match="16"):
            first.reindex(overtake)
        assert second.stats().vectors == 1
        assert second.hybrid_search(NS, "tea")[0].cosine is not None
        assert first.reindex() == 1
        assert first.stats().vectors == 1


@pytest.mark.parametrize(
    "vector",
    [[1.0], [float("nan")] * 64, None, ["x"] * 64, 1.0, [[1.0]] * 64],
    ids=["short", "NaN", "none", "texts", "a number", "rows"],
)
def test_a_vector_that_does_not_fit_is_refused(path: Path, vector: Any) -> None:
    def embed(texts: object) -> list[Any]:
        return [vector]

    with EmbeddedStore(path, index={"embed": embed, "dims": 64}) as store:
        with pytest.raises(ConfigurationError):
            store.put(NS, "a", {"text": "tea"})
        assert store.get(NS, "a") is None


def test_an_index_without_a_model_is_refused(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="embed"):
        EmbeddedStore(path, index={"dims": 3})
    assert not path.exists()


async def test_a_model_that_is_only_async_serves_the_async_side(path: Path) -> None:
    async def embed(texts: Sequence[str]) -> list[list[float]]:
        await asyncio.sleep(0)
        return HashEmbeddings().embed_documents(list(texts))

    index: StoreIndex = {"embed": embed, "dims": 64, "fields": ["text"]}
    async with EmbeddedStore(path, index=index) as store:
        await store.aput(NS, "a", {"text": "tea"})
        assert (await store.asearch(NS, query="tea"))[0].score == pytest.approx(1.0, abs=1e-2)
        assert len(await store.ahybrid_search(NS, "tea")) == 1


class Gate(Embeddings):
    """A model that answers when it is allowed to."""

    def __init__(self) -> None:
        self.asked, self.open = threading.Event(), threading.Event()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.asked.set()
        assert self.open.wait(60)
        return [[1.0, 0.0] for _ in texts]

    def embed_query(self, text: str) -> list[float]:
        return [1.0, 0.0]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def gated(path: Path, gate: Gate) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(path, index={"embed": gate, "dims": 2}) as store:
        yield store


def test_nobody_waits_for_somebody_elses_model(gated: EmbeddedStore, gate: Gate) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(gated.put, NS, "slow", {"text": "tea"})
        assert gate.asked.wait(60)
        gated.put(NS, "quick", {"text": "tea"}, index=False)
        assert gated.get(NS, "quick") is not None
        assert not slow.done()
        gate.open.set()


async def test_the_loop_turns_while_the_model_works(gated: EmbeddedStore, gate: Gate) -> None:
    slow = asyncio.create_task(gated.aput(NS, "slow", {"text": "tea"}))
    assert await asyncio.to_thread(gate.asked.wait, 60)
    assert await gated.aget(NS, "slow") is None
    gate.open.set()
    await slow


async def test_models_that_take_every_thread_of_the_loop_leave_the_file_some(
    gated: EmbeddedStore, gate: Gate
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    slow = asyncio.create_task(gated.aput(NS, "slow", {"text": "tea"}))
    with ThreadPoolExecutor(1) as waiting:
        assert await loop.run_in_executor(waiting, gate.asked.wait, 60)
    assert await asyncio.wait_for(gated.aget(NS, "slow"), 20) is None
    gate.open.set()
    await slow


def test_a_forked_child_has_threads_of_its_own(path: Path) -> None:
    with EmbeddedStore(path) as store:
        asyncio.run(store.aput(NS, "parent", {"text": "tea"}))
        child = os.fork()
        if child == 0:
            asyncio.run(store.aput(NS, "child", {"text": "tea"}))
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert keys(store) == ["child", "parent"]


async def test_one_users_mistake_does_not_harm_another(plain: EmbeddedStore) -> None:
    bad = plain.asearch(NS, filter={"a": {"$what": 1}})
    good = plain.aput(NS, "a", {"text": "tea"})
    results = await asyncio.gather(bad, good, return_exceptions=True)
    assert isinstance(results[0], InvalidInputError)
    assert plain.get(NS, "a") is not None


# --- compare and set --------------------------------------------------------------------------


def test_put_if_writes_what_nobody_changed(plain: EmbeddedStore) -> None:
    first = plain.put_if(NS, "a", {"n": 1}, expected_updated_at=None)
    assert first is not None
    second = plain.put_if(NS, "a", {"n": 2}, expected_updated_at=first.updated_at)
    assert second == plain.get(NS, "a")


def test_put_if_refuses_what_somebody_changed(plain: EmbeddedStore) -> None:
    first = plain.put_if(NS, "a", {"n": 1}, expected_updated_at=None)
    assert first is not None
    plain.put(NS, "a", {"n": 2})
    with pytest.raises(ConflictError, match="notes"):
        plain.put_if(NS, "a", {"n": 3}, expected_updated_at=first.updated_at)


def test_put_if_refuses_to_create_what_is_there(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"n": 1})
    with pytest.raises(ConflictError):
        plain.put_if(NS, "a", {"n": 2}, expected_updated_at=None)


def test_put_if_deletes(plain: EmbeddedStore) -> None:
    first = plain.put_if(NS, "a", {"n": 1}, expected_updated_at=None)
    assert first is not None
    plain.put_if(NS, "a", None, expected_updated_at=first.updated_at)
    assert plain.get(NS, "a") is None


def test_a_conflict_undoes_the_whole_batch(plain: EmbeddedStore) -> None:
    plain.put(NS, "b", {"n": 1})
    with pytest.raises(ConflictError):
        plain.batch([PutOp(NS, "a", {"n": 1}), PutIf(NS, "b", {"n": 2}, None)])
    assert plain.get(NS, "a") is None


def test_an_update_is_later_even_if_the_clock_stands_still() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    with EmbeddedStore(":memory:", clock=lambda: noon) as store:
        first = store.put_if(NS, "a", {"n": 1}, expected_updated_at=None)
        assert first is not None
        second = store.put_if(NS, "a", {"n": 2}, expected_updated_at=first.updated_at)
    assert second is not None
    assert second.updated_at - first.updated_at == timedelta(microseconds=1)


def test_of_many_increments_none_is_lost(path: Path) -> None:
    with EmbeddedStore(path, synchronous="normal") as store:
        store.put(NS, "count", {"n": 0})

        def increment(_: int) -> None:
            while True:
                item = store.get(NS, "count")
                assert item is not None
                try:
                    store.put_if(
                        NS, "count", {"n": item.value["n"] + 1}, expected_updated_at=item.updated_at
                    )
                except ConflictError:
                    continue
                return

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(increment, range(60)))
        item = store.get(NS, "count")
    assert item is not None
    assert item.value == {"n": 60}


# --- time to live -----------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(path: Path, clock: Clock) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(path, ttl={"omit_expired": True}, clock=clock) as store:
        yield store


def test_an_item_lives_for_its_fraction_of_a_minute(timed: EmbeddedStore, clock: Clock) -> None:
    timed.put(NS, "a", {"n": 1}, ttl=0.4)
    clock.turn(0.39)
    assert timed.get(NS, "a", refresh_ttl=False) is not None
    clock.turn(0.02)
    assert timed.get(NS, "a") is None


@pytest.mark.parametrize("query", [None, "tea"])
def test_a_search_prolongs_a_life(timed: EmbeddedStore, clock: Clock, query: str | None) -> None:
    timed.put(NS, "a", {"text": "tea"}, ttl=1)
    for _ in range(3):
        clock.turn(0.9)
        assert keys(timed, query) == ["a"]


def test_a_get_prolongs_a_life(timed: EmbeddedStore, clock: Clock) -> None:
    timed.put(NS, "a", {"n": 1}, ttl=1)
    for _ in range(3):
        clock.turn(0.9)
        assert timed.get(NS, "a") is not None


@pytest.mark.parametrize("query", [None, "tea"])
def test_a_read_that_shall_not_prolong_does_not(
    timed: EmbeddedStore, clock: Clock, query: str | None
) -> None:
    timed.put(NS, "a", {"text": "tea"}, ttl=1)
    clock.turn(0.9)
    assert keys(timed, query, refresh_ttl=False) == ["a"]
    clock.turn(0.2)
    assert keys(timed, query) == []


def test_a_put_on_an_expired_item_makes_a_new_one(timed: EmbeddedStore, clock: Clock) -> None:
    timed.put(NS, "a", {"n": 1}, ttl=1)
    clock.turn(2)
    timed.put(NS, "a", {"n": 2})
    item = timed.get(NS, "a")
    assert item is not None
    assert item.created_at == clock.now


def test_without_a_ttl_a_read_writes_nothing(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"text": "tea"})
    with plain._database.reading() as connection:  # pyright: ignore[reportPrivateUsage]
        before = connection.total_changes
    plain.search(NS, query="tea")
    plain.get(NS, "a")
    with plain._database.reading() as connection:  # pyright: ignore[reportPrivateUsage]
        assert connection.total_changes == before


def test_the_sweeper_sweeps(path: Path, clock: Clock) -> None:
    with EmbeddedStore(path, ttl={"sweep_interval_minutes": 1}, clock=clock) as store:
        store.put(NS, "a", {"n": 1}, ttl=1)
        clock.turn(2)
        store.start_ttl_sweeper(1e-6)
        deadline = threading.Event()
        while store.stats().items and not deadline.wait(0.001):
            pass
        assert store.stop_ttl_sweeper(60)


@pytest.mark.parametrize("ttl", [-1, float("nan"), float("inf")])
def test_a_ttl_that_is_no_time_is_refused(plain: EmbeddedStore, ttl: float) -> None:
    with pytest.raises(InvalidInputError):
        plain.put(NS, "a", {"n": 1}, ttl=ttl)


# --- threads, processes, closing --------------------------------------------------------------


def test_threads_share_a_store_in_memory(plain: EmbeddedStore) -> None:
    def work(number: int) -> None:
        plain.put(NS, str(number), {"text": f"tea {number}"})
        assert plain.search(NS, query=f"tea {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(80)))
    assert plain.stats().items == 80


def test_threads_write_and_search_a_file(path: Path, index: StoreIndex) -> None:
    with EmbeddedStore(path, index=index, synchronous="normal") as store:

        def work(number: int) -> bool:
            store.put(NS, str(number), {"text": f"word{number}"})
            return store.search(NS, query=f"word{number}", limit=1)[0].key == str(number)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(200)))
        assert store.check() == []


def test_another_store_on_the_file_sees_each_write(store: EmbeddedStore, path: Path) -> None:
    with EmbeddedStore(path, index=store.index_config) as other:
        for number in range(20):
            store.put(NS, "a", {"text": f"word{number}"})
            assert other.search(NS, query=f"word{number}")[0].value == {"text": f"word{number}"}
        store.delete(NS, "a")
        assert other.search(NS, query="word19") == []


def test_a_forked_child_uses_the_store(store: EmbeddedStore) -> None:
    store.put(NS, "parent", {"text": "tea"})
    child = os.fork()
    if child == 0:
        store.put(NS, "child", {"text": "milk"})
        os._exit(0 if store.get(NS, "parent") is not None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.get(NS, "child") is not None


def test_what_a_child_writes_after_its_parent_closed_is_kept(path: Path) -> None:
    store = EmbeddedStore(path)
    store.put(NS, "parent", {"text": "tea"})
    closed, close = os.pipe()
    ready, report = os.pipe()
    child = os.fork()
    if child == 0:
        store.put(NS, "before", {"text": "milk"})
        os.write(report, b".")
        os.read(closed, 1)
        store.put(NS, "after", {"text": "milk"})
        os._exit(0)
    os.read(ready, 1)
    store.close()
    os.write(close, b".")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for end in (closed, close, ready, report):
        os.close(end)
    with EmbeddedStore(path) as opened:
        assert keys(opened) == ["after", "before", "parent"]
        assert opened.check() == []


def test_children_forked_while_threads_write_write_too(path: Path) -> None:
    with EmbeddedStore(path, synchronous="normal") as store, ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(store.put, NS, str(number), {"n": 1}) for number in range(200)]
        for number in range(5):
            child = os.fork()
            if child == 0:
                store.put(NS, f"child {number}", {"n": 1})
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert all(write.result() is None for write in writes)
        assert store.stats().items == 205


def test_a_forked_child_has_a_copy_of_a_store_in_memory(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"text": "tea"})
    child = os.fork()
    if child == 0:
        plain.put(NS, "b", {"text": "tea"})
        os._exit(len(keys(plain, "tea")))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert keys(plain) == ["a"]


def test_a_closed_store_says_so(path: Path) -> None:
    store = EmbeddedStore(path)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.get(NS, "a")


def test_closing_twice_is_fine(path: Path) -> None:
    store = EmbeddedStore(path)
    store.close()
    store.close()


def test_a_closed_file_is_one_file(path: Path) -> None:
    with EmbeddedStore(path) as store:
        store.put(NS, "a", {"n": 1})
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_forgotten_store_closes_itself(path: Path) -> None:
    store = EmbeddedStore(path, ttl={"sweep_interval_minutes": 1})
    store.put(NS, "a", {"n": 1})
    del store
    gc.collect()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_limits_below_zero_are_refused(plain: EmbeddedStore) -> None:
    with pytest.raises(InvalidInputError):
        plain.search(NS, limit=-1)


@pytest.mark.parametrize("query", [None, "tea"])
@pytest.mark.parametrize("limit", [sys.maxsize, 2**70])
def test_a_limit_may_be_larger_than_any_store(
    plain: EmbeddedStore, query: str | None, limit: int
) -> None:
    for number in range(20):
        plain.put(NS, str(number), {"text": "tea"})
    assert len(plain.search(NS, query=query, limit=limit, offset=3)) == 17
    assert plain.search(NS, query=query, offset=limit) == []
    assert len(plain.hybrid_search(NS, "tea", limit=limit, neighbors=limit)) == 20


@pytest.mark.parametrize(("limit", "offset"), [(-1, 0), (1, -1)])
def test_pages_of_namespaces_below_zero_are_refused(
    plain: EmbeddedStore, limit: int, offset: int
) -> None:
    with pytest.raises(InvalidInputError):
        plain.list_namespaces(limit=limit, offset=offset)


@pytest.mark.parametrize(
    "value",
    [{"a": object()}, {"a": {1}}, {("a", "b"): 1}, {"a": 10**5000}, nested(600)],
    ids=["object", "set", "tuple as key", "too many digits", "too deep"],
)
@pytest.mark.parametrize("fields", [["$"], ["text"]])
def test_what_json_cannot_say_is_refused(fields: list[str], value: dict[Any, Any]) -> None:
    index: StoreIndex = {"embed": HashEmbeddings(), "dims": 64, "fields": fields}
    with EmbeddedStore(":memory:", index=index) as store, pytest.raises(InvalidInputError):
        store.put(NS, "a", value)


@pytest.mark.parametrize("fields", [["$"], ["text"]])
def test_whatever_json_can_say_is_stored(fields: list[str]) -> None:
    value: dict[Any, Any] = {"text": "tea", 1: "one", "deep": nested(400)}
    index: StoreIndex = {"embed": HashEmbeddings(), "dims": 64, "fields": fields}
    with EmbeddedStore(":memory:", index=index) as store:
        store.put(NS, "a", value)
        assert keys(store, "tea", filter={"1": "one"}) == ["a"]


class Strict(HashEmbeddings):
    """Like most tokenizers, it reads UTF-8 only."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        assert all(text.encode() for text in texts)
        return super().embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        assert text.encode()
        return super().embed_query(text)


def test_a_lone_surrogate_reaches_no_model() -> None:
    with EmbeddedStore(":memory:", index={"embed": Strict(), "dims": 64}) as store:
        store.put(NS, "a", {"text": "tea \ud800"})
        assert keys(store, "tea \ud800") == ["a"]
        assert len(store.hybrid_search(NS, "tea", vector_query="\udfff tea")) == 1


def test_a_batch_searches_by_the_state_it_made(store: EmbeddedStore) -> None:
    store.put(NS, "a", {"text": "tea"})
    store.search(NS, query="tea")
    bad = PutOp(NS, "c", {"n": {1}})
    with pytest.raises(InvalidInputError):
        store.batch([PutOp(NS, "b", {"text": "tea"}), SearchOp(NS, query="tea"), bad])
    _, found, gone = store.batch([PutOp(NS, "a", None), SearchOp(NS, query="tea"), GetOp(NS, "a")])
    assert (found, gone) == ([], None)
    assert len(store.search(NS, query="tea")) == 0


def test_an_item_is_langgraphs(plain: EmbeddedStore) -> None:
    plain.put(NS, "a", {"n": 1})
    assert type(plain.get(NS, "a")) is Item


def test_old_names_of_the_first_release_work_and_warn(store: EmbeddedStore) -> None:
    store.put(NS, "a", {"text": "ramen"})
    with pytest.warns(DeprecationWarning, match="hybrid_search"):
        (hit,) = store.arms(NS, "ramen", meaning="", around=1, whole=1)
    with pytest.warns(DeprecationWarning, match="HybridSearchOp"):
        op = cast("Any", stores).ArmsOp(NS, "ramen", meaning="", whole=1)
    assert [hit.sealed.decode().key] == [one.item.key for one in cast("Any", store.batch([op])[0])]


async def test_the_old_async_name_works_and_warns(store: EmbeddedStore) -> None:
    store.put(NS, "a", {"text": "ramen"})
    with pytest.warns(DeprecationWarning, match="ahybrid_search") as caught:
        (hit,) = await store.aarms(NS, "ramen")
    assert (hit.item.key, caught[0].filename) == ("a", __file__)


def test_many_are_read_at_once_each_in_its_place(plain: EmbeddedStore) -> None:
    odd = ["\0", "a\0b", "\ud83d", "?", "'", ""]
    named = [*(str(number) for number in range(1_200)), *odd]
    plain.batch([PutOp(NS, key, {"key": key}) for key in named])
    plain.put(("other",), "7", {"key": "of another namespace"})
    asked = [*reversed(named), "absent", "7", "7"]

    *found, elsewhere = plain.batch([*(GetOp(NS, key) for key in asked), GetOp(("other",), "7")])

    assert [one and cast("Item", one).value["key"] for one in found] == [
        None if key == "absent" else key for key in asked
    ]
    assert found[-1] is not found[-2]
    assert cast("Item", elsewhere).value == {"key": "of another namespace"}
