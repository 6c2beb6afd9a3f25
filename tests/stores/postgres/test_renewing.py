"""A schema whose text index an older tokenizer made is indexed again by itself."""

import logging
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from langgraph.store.base import PutOp
from postgres_server import OpenStore

from longterm.errors import ConfigurationError, ModelChangedError
from longterm.stores import PostgresStore
from longterm.stores.postgres.migrations import OUR_LOCKS
from longterm.testing import HashEmbeddings
from longterm.text.tokenizer import VERSION

NAMESPACE = ("n",)


def run_sql(url: str, *statements: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        answers = [connection.execute(statement.encode()) for statement in statements]
        return answers[-1].fetchall() if answers[-1].description else []


def keys(store: PostgresStore, query: str) -> list[str]:
    return [hit.item.key for hit in store.hybrid_search(NAMESPACE, query, vector_query="")]


def grow_old(url: str, schema: str) -> None:
    """Leave the text index as an older tokenizer would: nothing is found by its words."""
    run_sql(
        url,
        f"SET search_path TO {schema}",
        "UPDATE items SET terms = '{7}', length = 1, hashes = NULL WHERE length > 0",
        "INSERT INTO postings SELECT namespace, 7, id, 1, 1 FROM items WHERE length > 0",
        "UPDATE state SET tokenizer = 1",
    )


@pytest.fixture
def old(open_store: OpenStore, url: str, schema: str) -> str:
    """Fill a schema that an older tokenizer has indexed; its name."""
    with open_store(index={"embed": HashEmbeddings(), "dims": 64}) as store:
        store.put(NAMESPACE, "arabic", {"content": "أحمد يحب الشاي"})
        store.put(NAMESPACE, "title", {"content": "tea", "title": "coffee"}, index=["title"])
        store.put(NAMESPACE, "hidden", {"content": "tea"}, index=False)
    grow_old(url, schema)
    return schema


def test_an_old_index_is_made_again_by_itself(open_store: OpenStore, url: str, old: str) -> None:
    store = open_store()
    assert keys(store, "احمد") == ["arabic"]
    assert keys(store, "coffee") == ["title"]
    assert keys(store, "tea") == []
    assert run_sql(url, f"SELECT tokenizer FROM {old}.state") == [(VERSION,)]
    assert store.check() == []


def test_terms_are_handed_out_once_they_are_of_this_tokenizer(
    open_store: OpenStore, url: str, old: str
) -> None:
    with open_store() as store:
        (new,) = store.hybrid_search(NAMESPACE, "coffee")
        run_sql(url, f"UPDATE {old}.state SET tokenizer = 1")
        (same,) = store.hybrid_search(NAMESPACE, "coffee")

    assert new.encoded.terms_of(["title"])
    assert new.encoded.terms_of(["text"]) is None
    assert same.encoded.terms_of(["title"]) is None


@pytest.mark.usefixtures("old")
def test_its_vectors_stay(open_store: OpenStore) -> None:
    model = HashEmbeddings()
    store = open_store(index={"embed": model, "dims": 64})
    hits = store.hybrid_search(NAMESPACE, "", vector_query="coffee")
    assert "title" in [hit.item.key for hit in hits]
    assert model.documents == []


def test_the_index_of_a_newer_tokenizer_is_refused(
    open_store: OpenStore, url: str, old: str
) -> None:
    run_sql(url, f"UPDATE {old}.state SET tokenizer = 99")
    with pytest.raises(ModelChangedError, match="version 99"):
        keys(open_store(), "tea")


@contextmanager
def held(url: str, schema: str, path: str) -> Generator[None]:
    """Hold a namespace, so that a process that would index its items must wait."""
    with psycopg.connect(url) as connection:
        connection.execute(
            f"SELECT FROM {schema}.namespaces WHERE path = '{path}' FOR UPDATE".encode()
        )
        yield


@pytest.fixture
def large(open_store: OpenStore, url: str, schema: str) -> str:
    """Fill a schema that an older tokenizer has indexed with more than one step; its name."""
    with open_store() as store:
        for namespace in (("a",), ("b",)):
            store.batch([PutOp(namespace, str(n), {"text": f"tea {n}"}) for n in range(300)])
    grow_old(url, schema)
    return schema


def test_searches_and_writes_go_on_meanwhile(open_store: OpenStore, url: str, large: str) -> None:
    store = open_store(pool_size=4)
    with held(url, large, "b"):
        assert len(store.hybrid_search(("a",), "tea", limit=1000)) < 600
        assert 300 <= store.stats().outdated <= 600
        store.put(("c",), "new", {"text": "tea, written meanwhile"})
        assert [hit.item.key for hit in store.hybrid_search(("c",), "tea")] == ["new"]
    store._terms.join()  # pyright: ignore[reportPrivateUsage]
    assert len(store.hybrid_search((), "tea", limit=1000)) == 601
    assert store.stats().outdated == 0
    assert store.check() == []


def test_what_a_kill_interrupts_the_next_to_open_the_schema_goes_on_with(
    open_store: OpenStore, url: str, large: str
) -> None:
    program = (
        "from longterm.stores import PostgresStore\n"
        f"PostgresStore({url!r}, schema={large!r}).search(('a',), query='tea')"
    )
    is_waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with held(url, large, "b"), subprocess.Popen([sys.executable, "-c", program]) as child:  # noqa: S603 - ours
        while run_sql(url, "SELECT pg_sleep(0.02)", is_waiting) == [(0,)]:
            assert child.poll() is None
        child.kill()
    assert run_sql(url, f"SELECT tokenizer FROM {large}.state") == [(1,)]
    # The server is a moment later to notice: until then the dead has the lock.
    run_sql(url, f"SELECT pg_advisory_lock({OUR_LOCKS}, hashtext('{large}') + 2)")
    done = run_sql(url, f"SELECT id, xmin::text FROM {large}.items WHERE generation = 1")
    assert len(done) == 256
    store = open_store()
    assert len(store.hybrid_search((), "tea", limit=1000)) == 600
    assert store.check() == []
    still = run_sql(url, f"SELECT id, xmin::text FROM {large}.items")
    assert set(done) < set(still)  # not written again


def test_an_interrupted_renewal_for_another_tokenizer_is_not_gone_on_with(
    open_store: OpenStore, url: str, large: str
) -> None:
    run_sql(
        url,
        f"SET search_path TO {large}",
        "UPDATE state SET renewing = 1, renewal = nextval('generation')",
        "UPDATE items SET generation = 1",
    )
    store = open_store()
    assert len(store.hybrid_search((), "tea", limit=1000)) == 600
    assert run_sql(url, f"SELECT renewing, renewal, generation FROM {large}.state") == [
        (None, None, 2)
    ]


def test_many_processes_make_it_again_once(open_store: OpenStore, url: str, old: str) -> None:
    stores = [open_store(schema=old) for _ in range(4)]
    threads = [threading.Thread(target=keys, args=(store, "tea")) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys(stores[0], "coffee") == ["title"]
    assert run_sql(url, f"SELECT last_value, is_called FROM {old}.generation") == [(1, True)]


def test_a_role_of_one_tenant_leaves_the_index_of_all_to_the_owner(
    open_store: OpenStore, url: str, old: str, caplog: pytest.LogCaptureFixture
) -> None:
    role = f"role_{old}"
    run_sql(
        url,
        f"CREATE ROLE {role} LOGIN",
        f"GRANT USAGE ON SCHEMA {old} TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {old} TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {old} TO {role}",
    )
    try:
        store = open_store(url.replace("postgres:@", f"{role}:@"), tenant="acme")
        with caplog.at_level(logging.WARNING, logger="longterm"):
            assert keys(store, "tea") == []
        assert "could not be made again" in caplog.text
        with pytest.raises(ConfigurationError, match="owns the tables"):
            store.reindex()
        assert run_sql(url, f"SELECT tokenizer FROM {old}.state") == [(1,)]
        store.close()
    finally:
        run_sql(url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")
