"""Scopes that stay in the process between searches, and are never older than the search."""

import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from langgraph.store.base import PutOp, SearchItem, SearchOp
from postgres_server import OpenStore
from typing_extensions import override

from longterm.effects.capabilities import EmbedLater
from longterm.effects.erasure import forget_texts
from longterm.errors import ConflictError, ModelChangedError
from longterm.stores import PostgresStore
from longterm.stores.operations import PutIf
from longterm.stores.postgres.kept import KeptRows
from longterm.stores.rows import Row
from longterm.testing import HashEmbeddings

NS = ("notes", "ann")
WORDS = ["noodle", "soup", "hike", "river", "coffee", "tea", "garden", "winter", "咖啡"]


def indexed(name: str = "hash", fields: Sequence[str] = ("text",), dims: int = 64) -> Any:
    return {"embed": HashEmbeddings(dims), "dims": dims, "model": name, "fields": [*fields]}


def run_sql(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def found(store: PostgresStore, query: str, **options: Any) -> dict[str, Any]:
    """Search both ways; what is found, with its scores."""
    hits = store.hybrid_search(("notes",), query, limit=200, full_scan_limit=500)
    items = cast("list[SearchItem]", store.search(("notes",), query=query, limit=200, **options))
    scores = {
        (item.namespace, item.key): (item.value, pytest.approx(item.score, abs=1e-5))
        for item in items
    }
    raw = {
        (hit.item.namespace, hit.item.key): (
            hit.item.value,
            pytest.approx(hit.bm25, abs=1e-5),
            pytest.approx(hit.cosine, abs=1e-3),
        )
        for hit in hits
    }
    return {"search": scores, "hybrid": raw}


def change(store: PostgresStore, rng: random.Random, known: set[tuple[Any, str]]) -> None:
    """Put, put again, delete, or several at once, so that counts may stay as they were."""
    ops: list[Any] = []
    for _ in range(rng.choice([1, 1, 2, 5])):
        namespace, key = ("notes", rng.choice(["ann", "bob"])), str(rng.randrange(30))
        value = {"text": " ".join(rng.choices(WORDS, k=4)), "even": rng.randrange(2)}
        if rng.random() < 0.3 and known:
            ops.append(PutOp(*rng.choice(sorted(known)), None))
        else:
            later = EmbedLater(["text"]) if rng.random() < 0.3 else None
            ops.append(PutOp(namespace, key, value, later))
    store.batch(ops)
    for op in ops:
        (known.discard if op.value is None else known.add)((op.namespace, op.key))


@pytest.mark.parametrize("seed", range(3))
def test_what_others_write_is_found_by_the_next_search(open_store: OpenStore, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    here, there = open_store(index=indexed()), open_store(index=indexed())
    plain = open_store(index=indexed(), cache_bytes=0)
    known: set[tuple[Any, str]] = set()
    for _ in range(40):
        change(rng.choice([here, there]), rng, known)
        query = " ".join(rng.choices(WORDS, k=2))
        wanted = rng.choice([None, {"even": 1}, {"even": {"$gt": 0}}])
        assert found(here, query, filter=wanted) == found(plain, query, filter=wanted)

    assert here.stats().cache_bytes > plain.stats().cache_bytes
    assert here.check() == []


def test_what_is_not_committed_is_kept_for_no_one(open_store: OpenStore) -> None:
    store = open_store(index=indexed())
    store.put(NS, "a", {"text": "noodle soup"})
    put = PutOp(NS, "b", {"text": "noodle soup"})
    for _ in range(3):
        _, inside = store.batch([put, SearchOp(NS, query="noodle")])
        assert {item.key for item in cast("list[SearchItem]", inside)} == {"a", "b"}
        store.delete(NS, "b")
    with pytest.raises(ConflictError):
        store.batch([put, SearchOp(NS, query="noodle"), *conflicting(store)])

    assert [item.key for item in store.search(NS, query="noodle")] == ["a"]


def conflicting(store: PostgresStore) -> list[Any]:
    return [PutIf(NS, "a", {"text": "tea"}, datetime(2000, 1, 1, tzinfo=UTC))]


def test_what_is_erased_is_kept_no_longer(open_store: OpenStore) -> None:
    store, other = open_store(index=indexed()), open_store(index=indexed())
    for one in store, other:
        one.put(NS, "a", {"text": "noodle soup " * 500})
        for place in (NS, NS, ("others",), ("others",)):
            one.search(place, query="noodle")
    before = [one.stats().cache_bytes for one in (store, other)]

    store.erase(NS)
    forget_texts(NS)

    after = [one.stats().cache_bytes for one in (store, other)]
    assert after[0] == 0
    assert after[1] < before[1] - 5_000  # what lies elsewhere is kept
    assert after[1] > 0
    assert other.search(NS, query="noodle") == []


def test_no_more_is_kept_than_was_allowed(open_store: OpenStore) -> None:
    store = open_store(index=indexed(), cache_bytes=200_000)
    for user in range(20):
        batch = [PutOp((str(user),), str(n), {"text": "noodle soup"}) for n in range(50)]
        store.batch(batch)
        for _ in range(3):
            assert len(store.search((str(user),), query="noodle", limit=99)) == 50
            assert store.stats().cache_bytes <= 200_000
    assert store.stats().cache_bytes > 50_000


def test_a_small_scope_comes_as_the_same_items_until_one_is_written(open_store: OpenStore) -> None:
    store = open_store(index=indexed())
    for number in range(5):
        store.put(NS, str(number), {"text": "noodle soup"})

    def whole() -> object:
        return store.hybrid_columns(NS, "noodle", full_scan_limit=5).encoded

    kept = [whole() for _ in range(4)][-1]
    assert whole() is kept

    store.put(NS, "3", {"text": "garden"})
    assert whole() is not kept
    assert whole() is whole()


def test_a_row_that_two_searches_have_read_counts_once() -> None:
    rows = KeptRows()
    for _ in range(2):
        rows.keep({(1, 1): Row(1, "notes", "a", "{}", 0, 0, None, 1)})
    assert rows.nbytes == Row(1, "notes", "a", "{}", 0, 0, None, 1).nbytes


def test_a_schema_that_was_made_anew_is_read_anew(
    open_store: OpenStore, url: str, schema: str
) -> None:
    def fill(store: PostgresStore, text: str) -> None:
        store.put(NS, "a", {"text": text})

    here = open_store(index=indexed())
    fill(here, "noodle soup")
    assert here.search(NS, query="noodle")[0].value == {"text": "noodle soup"}
    run_sql(url, f"DROP SCHEMA {schema} CASCADE")
    again = open_store(index=indexed())
    fill(again, "garden hike")
    assert again.stats().schema == here.stats().schema

    assert here.search(NS, query="noodle")[0].value == {"text": "garden hike"}


def test_a_model_of_another_name_is_refused_even_under_the_same_number(
    open_store: OpenStore, url: str, schema: str
) -> None:
    here = open_store(index=indexed())
    here.put(NS, "a", {"text": "noodle soup"})
    here.search(NS, query="noodle")
    run_sql(url, f"DROP SCHEMA {schema} CASCADE")
    open_store(index=indexed("other")).put(NS, "a", {"text": "noodle soup"})

    with pytest.raises(ModelChangedError, match="other"):
        here.search(NS, query="noodle")


def test_another_reindexing_is_noticed(open_store: OpenStore) -> None:
    here = open_store(index=indexed())
    here.put(NS, "a", {"text": "noodle soup", "title": "garden"})
    for _ in range(2):
        (hit,) = here.hybrid_search(NS, "garden", full_scan_limit=10)
        assert hit.bm25 is None
    open_store(index=indexed(fields=["title"])).reindex()

    (hit,) = here.hybrid_search(NS, "garden", full_scan_limit=10)
    assert hit.bm25


class _Listened(HashEmbeddings):
    """A model that says which texts it is asked about."""

    def __init__(self, heard: Callable[[list[str]], None]) -> None:
        super().__init__()
        self._heard = heard

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self._heard(texts)
        return super().embed_documents(texts)


def test_what_a_reindexing_does_after_its_change_over_is_noticed(open_store: OpenStore) -> None:
    old, here = open_store(index=indexed("old")), open_store(index=indexed("new"))

    def cosines() -> dict[str, float | None]:
        hits = here.hybrid_search(NS, "", vector_query="zebra", full_scan_limit=10)
        return {hit.item.key: hit.cosine for hit in hits}

    def written_meanwhile(done: int, _total: int) -> None:
        if done == 1:
            old.put(NS, "b", {"text": "zebra"})

    def searched_meanwhile(texts: list[str]) -> None:
        if texts == ["zebra"]:
            assert [cosines()["b"] for _ in range(3)] == [None] * 3

    old.put(NS, "a", {"text": "noodle soup"})
    model = _Listened(searched_meanwhile)
    new = open_store(index={"embed": model, "dims": 64, "model": "new", "fields": ["text"]})
    assert new.reindex(written_meanwhile) == 2

    assert cosines()["b"] == pytest.approx(1, abs=1e-3)


def test_a_role_that_is_given_to_another_tenant_sees_nothing_of_the_first(
    open_store: OpenStore, url: str, schema: str
) -> None:
    for tenant, text in (("acme", "noodle soup"), ("other", "noodle secret")):
        open_store(tenant=tenant, index=indexed()).put(NS, tenant, {"text": text})
    role = f"{schema}_role"
    run_sql(
        url,
        f"CREATE ROLE {role} LOGIN",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
        f"INSERT INTO {schema}.tenant_roles VALUES ('{role}', 'acme')",
    )
    store = open_store(url.replace("postgres:@", f"{role}:@"), index=indexed(), setup=False)
    try:
        for tenant in ("acme", "other", "acme"):
            run_sql(url, f"UPDATE {schema}.tenant_roles SET tenant = '{tenant}'")
            for _ in range(3):
                assert [item.key for item in store.search((), query="noodle")] == [tenant]
    finally:
        store.close()
        run_sql(url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_what_has_expired_is_hidden_though_it_is_kept(open_store: OpenStore) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    ttl: Any = {"omit_expired": True, "refresh_on_read": False}
    store = open_store(index=indexed(), ttl=ttl, clock=lambda: now)
    store.put(NS, "a", {"text": "noodle soup"}, ttl=5)
    store.put(NS, "b", {"text": "noodle soup"})
    for _ in range(2):
        assert len(store.search(NS, query="noodle")) == 2
    now += timedelta(minutes=6)

    assert [item.key for item in store.search(NS, query="noodle")] == ["b"]
    assert [hit.item.key for hit in store.hybrid_search(NS, "noodle", full_scan_limit=9)] == ["b"]


def test_items_without_their_terms_are_searched_all_the_same(
    open_store: OpenStore, url: str, schema: str
) -> None:
    store = open_store(index=indexed())
    store.put(NS, "a", {"text": "noodle soup"})
    run_sql(url, f"UPDATE {schema}.items SET hashes = NULL")
    before = [store.search(NS, query="noodle")[0].score for _ in range(2)]
    store.reindex()

    after = [store.search(NS, query="noodle")[0].score for _ in range(2)]
    assert before == pytest.approx(after, abs=1e-5)
    assert store.stats().cache_bytes > 2_500


def test_searches_and_writes_at_once_agree(open_store: OpenStore) -> None:
    store = open_store(index=indexed(), pool_size=4)
    errors: list[BaseException] = []

    def work(thread: int) -> None:
        rng = random.Random(thread)  # noqa: S311 - not for secrets
        try:
            for number in range(15):
                key = f"{thread}-{number}"
                store.put(NS, key, {"text": " ".join(rng.choices(WORDS, k=4))})
                assert key in {item.key for item in store.search(NS, query="tea", limit=500)}
                if number % 3 == 0:
                    store.delete(NS, key)
                    assert key not in {item.key for item in store.search(NS, limit=500, query="a")}
        except BaseException as error:  # noqa: BLE001 - is raised below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    plain = open_store(index=indexed(), cache_bytes=0)
    assert found(store, "tea noodle") == found(plain, "tea noodle")
