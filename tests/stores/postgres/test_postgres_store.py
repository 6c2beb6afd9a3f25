"""What is PostgreSQL's own: schemas, tenants, poolers, restarts, forks, wide vectors."""

import asyncio
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings, strategies as st
from langchain_core.embeddings import Embeddings
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.store.base import PutOp
from postgres_server import OpenStore, own_server
from psycopg.conninfo import conninfo_to_dict

from longterm.effects.capabilities import CompareAndSet, HybridSearch, Revisions
from longterm.errors import ConfigurationError, LongtermError, ModelChangedError, StoreError
from longterm.stores import PostgresStore
from longterm.testing import HashEmbeddings

NS = ("notes", "ann")


def indexed(dims: int = 64, name: str = "hash") -> Any:
    return {"embed": HashEmbeddings(dims), "dims": dims, "model": name, "fields": ["text"]}


def administer(url: str, *statements: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        answers = [connection.execute(statement.encode()) for statement in statements]
        return answers[-1].fetchall() if answers[-1].description else []


def test_it_has_every_capability(open_store: OpenStore) -> None:
    store = open_store()
    assert isinstance(store, HybridSearch)
    assert isinstance(store, CompareAndSet)
    assert isinstance(store, Revisions)


# --- the schema -------------------------------------------------------------------------------


def test_without_setup_a_missing_schema_is_refused(open_store: OpenStore) -> None:
    with pytest.raises(ConfigurationError, match="setup"):
        open_store(setup=False).get(NS, "a")


def test_without_setup_a_schema_that_is_there_is_used(open_store: OpenStore) -> None:
    open_store().setup()
    assert open_store(setup=False).get(NS, "a") is None


def test_a_newer_schema_is_refused(open_store: OpenStore, url: str, schema: str) -> None:
    open_store().setup()
    administer(url, f"UPDATE {schema}.migrations SET applied = 99")
    with pytest.raises(StoreError, match="newer longterm"):
        open_store().get(NS, "a")


def test_many_that_start_at_once_make_one_schema(open_store: OpenStore) -> None:
    stores = [open_store() for _ in range(6)]
    errors: list[BaseException] = []

    def begin(store: PostgresStore) -> None:
        try:
            store.put(NS, str(id(store)), {"n": 1})
        except LongtermError as exc:
            errors.append(exc)

    threads = [threading.Thread(target=begin, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(stores[0].search(NS, limit=20)) == 6


def test_a_store_without_an_index_may_come_before_one_with(open_store: OpenStore) -> None:
    open_store().put(NS, "a", {"text": "noodle soup"})
    store = open_store(index=indexed())
    store.reindex()
    (item,) = store.search(NS, query="noodle soup", explain=True)
    assert item.explanation.cosine == pytest.approx(1, abs=0.01)
    assert store.check() == []


def test_without_pgvector_full_text_searches_alone_and_says_so(
    open_store: OpenStore, url: str
) -> None:
    administer(url, "DROP DATABASE IF EXISTS plain", "CREATE DATABASE plain",
               "DROP ROLE IF EXISTS plain_owner", "CREATE ROLE plain_owner LOGIN",
               "ALTER DATABASE plain OWNER TO plain_owner")  # fmt: skip
    own = re.sub("postgres:@", "plain_owner:@", url).replace("/postgres?", "/plain?")
    with PostgresStore(own, index=indexed(), pool_size=1) as store:
        with pytest.warns(RuntimeWarning, match="pgvector") as caught:
            store.put(NS, "a", {"text": "noodle soup"})
        assert caught[0].filename == __file__
        store.put(NS, "b", {"text": "a hike"})
        assert [item.key for item in store.search(NS, query="noodle")] == ["a", "b"]


# --- other models -----------------------------------------------------------------------------


def test_another_model_is_refused_until_everything_is_indexed_again(open_store: OpenStore) -> None:
    open_store(index=indexed()).put(NS, "a", {"text": "noodle soup"})
    other = open_store(index=indexed(32, "other"))
    with pytest.raises(ModelChangedError, match="reindex"):
        other.search(NS, query="noodle")
    seen: list[tuple[int, int]] = []
    assert other.reindex(lambda done, total: seen.append((done, total))) == 1
    assert seen == [(1, 1)]
    (found,) = other.search(NS, query="noodle soup")
    assert found.score == pytest.approx(0.89, abs=0.12)
    assert (other.stats().model, other.stats().dims) == ("other", 32)
    assert other.check() == []


def test_a_store_that_searched_before_notices_another_model(open_store: OpenStore) -> None:
    here, there = open_store(index=indexed()), open_store(index=indexed(32, "other"))
    here.put(NS, "a", {"text": "noodle soup"})
    for _ in range(2):
        assert [item.key for item in here.search(NS, query="noodle")] == ["a"]
    there.reindex()
    with pytest.raises(ModelChangedError, match="reindex"):
        here.search(NS, query="noodle")
    here.reindex()
    assert here.search(NS, query="noodle soup")[0].score == pytest.approx(0.89, abs=0.12)


class RandomEmbeddings(Embeddings):
    """Vectors in random directions, the same for the same text."""

    def __init__(self, dims: int) -> None:
        self.dims = dims

    def embed_query(self, text: str) -> list[float]:
        seed = int.from_bytes(text.encode()[:8].ljust(8), "big")
        return np.random.default_rng(seed).normal(size=self.dims).tolist()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


@pytest.mark.parametrize("dims", [1330, 1331, 4096])
def test_long_vectors_are_found(open_store: OpenStore, dims: int) -> None:
    index = {"embed": RandomEmbeddings(dims), "dims": dims, "fields": ["text"]}
    store = open_store(index=index)
    store.batch([PutOp(NS, str(n), {"text": f"{n} item"}) for n in range(30)])
    found = store.hybrid_search(NS, "7 item", limit=3)
    assert (found[0].item.key, found[0].cosine) == ("7", pytest.approx(1, abs=0.01))
    store.put(NS, "7", {"text": "7 item"})
    store.delete(NS, "8")
    assert store.stats().vectors == 29
    assert store.check() == []


def test_longer_ones_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="4096"):
        PostgresStore(url, index=indexed(4097))


def test_a_prefix_of_many_namespaces_brings_as_many_as_there_are(open_store: OpenStore) -> None:
    store = open_store(index={"embed": RandomEmbeddings(16), "dims": 16, "fields": ["text"]})
    store.batch([PutOp(("all", str(n)), "k", {"text": f"{n} item"}) for n in range(150)])
    exact = [hit.item.namespace for hit in store.hybrid_search(("all",), "zzz", limit=20)]
    store.build_index()
    store.build_index()  # again, as after an interrupted one
    found = [hit.item.namespace for hit in store.hybrid_search(("all",), "zzz", limit=20)]
    assert len(found) == 20
    assert len(set(exact) & set(found)) >= 18
    assert len(store.search(("all",), query="zzz", limit=150)) == 150


# --- tenants ----------------------------------------------------------------------------------


def test_tenants_of_one_schema_do_not_see_each_other(open_store: OpenStore) -> None:
    acme, other = open_store(tenant="acme"), open_store(tenant="other")
    acme.put(NS, "a", {"text": "noodle soup"})
    other.put(NS, "b", {"text": "noodle soup"})
    assert [item.key for item in acme.search((), query="noodle")] == ["a"]
    assert acme.list_namespaces() == other.list_namespaces() == [NS]
    assert other.erase(())["items"] == 1
    assert acme.get(NS, "a") is not None


def test_a_role_of_a_tenant_sees_no_other_whatever_it_sends(
    open_store: OpenStore, url: str, schema: str
) -> None:
    open_store(tenant="acme", index=indexed()).put(NS, "a", {"text": "noodle soup"})
    open_store(tenant="other", index=indexed()).put(NS, "b", {"text": "secret"})
    administer(
        url,
        f"DROP ROLE IF EXISTS {schema}_acme",
        f"CREATE ROLE {schema}_acme LOGIN",
        f"GRANT USAGE ON SCHEMA {schema} TO {schema}_acme",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {schema}_acme",
        f"REVOKE ALL ON {schema}.tenant_roles FROM {schema}_acme",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {schema}_acme",
        f"INSERT INTO {schema}.tenant_roles VALUES ('{schema}_acme', 'acme')",
    )
    own = url.replace("postgres:@", f"{schema}_acme:@")
    store = open_store(own, tenant="other", index=indexed())
    assert [item.key for item in store.search((), query="secret")] == ["a"]
    store.put(NS, "c", {"text": "tea"})
    for table in ("items", "postings", "vectors", "revisions", "namespaces"):
        seen = administer(
            own,
            f"SET search_path TO {schema}",
            "SET longterm.tenant TO 'other'",
            f"SELECT count(*) FROM {table} t WHERE {'id' if table == 'namespaces' else 'namespace'}"
            f" NOT IN (SELECT id FROM namespaces WHERE tenant = 'acme')",
        )
        assert seen == [(0,)]
    administer(url, f"DROP OWNED BY {schema}_acme", f"DROP ROLE {schema}_acme")


# --- others at the same database --------------------------------------------------------------


async def test_it_lives_beside_langgraphs_checkpointer(open_store: OpenStore, url: str) -> None:
    async with AsyncPostgresSaver.from_conn_string(url) as saver:
        await saver.setup()
        store = open_store()
        await store.aput(NS, "a", {"n": 1})
        item = await store.aget(NS, "a")
    assert item is not None


def test_one_store_serves_several_event_loops(open_store: OpenStore) -> None:
    store = open_store(index=indexed())
    for number in range(3):
        asyncio.run(store.aput(NS, str(number), {"text": "noodle soup"}))
    assert len(asyncio.run(store.asearch(NS, query="noodle"))) == 3


async def test_a_hundred_users_at_once(open_store: OpenStore) -> None:
    store = open_store(index=indexed(), pool_size=4)

    async def use(user: int) -> int:
        namespace = ("memories", str(user))
        for number in range(3):
            await store.aput(namespace, str(number), {"text": f"noodle {user}"})
        return len(await store.asearch(namespace, query="noodle"))

    assert await asyncio.gather(*(use(user) for user in range(100))) == [3] * 100
    assert store.check() == []


async def test_of_many_that_change_one_item_each_change_counts(open_store: OpenStore) -> None:
    store = open_store(pool_size=4)
    await store.aput(NS, "n", {"n": 0})

    async def add() -> None:
        while True:
            item = await store.aget(NS, "n")
            assert item is not None
            put = PutOp(NS, "n", {"n": item.value["n"] + 1})
            try:
                await store.aput_all_if([put], [item.updated_at])
            except StoreError:
                continue
            return

    await asyncio.gather(*(add() for _ in range(10)))
    item = await store.aget(NS, "n")
    assert item is not None
    assert item.value == {"n": 10}


def test_batches_over_the_same_namespaces_wait_in_no_circle(open_store: OpenStore) -> None:
    store = open_store(pool_size=4)
    errors: list[BaseException] = []

    def write(backwards: bool) -> None:  # noqa: FBT001 - a thread's argument
        places = [("circle", str(n)) for n in range(8)]
        for number in range(10):
            ops = [PutOp(place, str(number), {"n": number}) for place in places]
            try:
                store.batch(ops[::-1] if backwards else ops)
            except LongtermError as exc:
                errors.append(exc)

    threads = [threading.Thread(target=write, args=(way,)) for way in (True, False, True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def _count_in_child(store: PostgresStore, results: Any) -> None:
    results.put(len(store.search(NS, limit=10)))


def test_a_forked_worker_has_connections_of_its_own(open_store: OpenStore) -> None:
    store = open_store()
    store.put(NS, "a", {"n": 1})
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks with threads
        children = [context.Process(target=_count_in_child, args=(store, results)) for _ in "ab"]
        for child in children:
            child.start()
    assert [results.get(timeout=60) for _ in children] == [1, 1]
    for child in children:
        child.join(60)
    store.put(NS, "b", {"n": 2})
    assert len(store.search(NS)) == 2


@contextmanager
def pgbouncer(url: str, folder: Path) -> Generator[str]:
    fetched = Path(__file__).parents[3] / ".cache/pgbouncer/usr"
    places = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", f"{fetched}/sbin"]
    program = shutil.which("pgbouncer", path=os.pathsep.join(places))
    if program is None:
        pytest.skip("pgbouncer is not installed; on Debian bin/pgbouncer fetches it without root")
    libraries = os.pathsep.join(str(found.parent) for found in fetched.glob("lib/*/libcares.so.2"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = conninfo_to_dict(url)
    (folder / "users.txt").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={where['host']} dbname=postgres user=postgres\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "pool_mode = transaction\ndefault_pool_size = 2\n"
        f"auth_file = {folder}/users.txt\n"
    )
    for part in (folder, *folder.parents):  # run by root it becomes another user, who reads these
        if part.stat().st_mode & 0o5 != 0o5 and str(part).startswith("/tmp/"):  # noqa: S108
            part.chmod(0o755)
    # Run by root, it must become the user of the server, whose socket is closed to others.
    owner = Path(str(where["host"])).owner()
    as_other = ["-u", owner] if Path("/proc/self").owner() == "root" else []
    with subprocess.Popen(  # noqa: S603 - the program that was found above
        [program, *as_other, str(folder / "pgbouncer.ini")],
        env=os.environ | {"LD_LIBRARY_PATH": libraries},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()


def test_behind_a_transaction_pooler_nothing_is_left_behind(
    open_store: OpenStore, url: str, tmp_path: Path
) -> None:
    with pgbouncer(url, tmp_path) as pooled:
        stores = [
            open_store(pooled, index=indexed(), pool_size=4, tenant=name) for name in ("a", "b")
        ]

        def work(store: PostgresStore, thread: int) -> None:
            for number in range(10):
                store.put(NS, f"{thread}-{number}", {"text": "noodle soup"})
                store.search(NS, query="noodle")

        threads = [
            threading.Thread(target=work, args=(store, n)) for n in range(3) for store in stores
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [len(store.search(NS, limit=100)) for store in stores] == [30, 30]


# --- a server that goes away ------------------------------------------------------------------


def test_a_server_that_was_restarted_is_used_again(schema: str) -> None:
    with own_server() as server, PostgresStore(server.get_uri(), pool_size=3) as store:
        store.put(NS, "a", {"n": 1})
        administer(
            server.get_uri(),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'",
        )
        store.put(NS, "b", {"n": 2})
        assert len(store.search(NS)) == 2


def test_a_connection_that_breaks_in_a_batch_leaves_nothing_of_it(
    open_store: OpenStore, url: str
) -> None:
    store = open_store()
    store.put(NS, "a", {"n": 1})
    pool: Any = store._pool  # pyright: ignore[reportPrivateUsage]

    def write() -> None:
        with pool.writing() as on:
            on.execute("DELETE FROM items")
            administer(url, f"SELECT pg_terminate_backend({on.info.backend_pid})")
            on.execute("SELECT 1")

    with pytest.raises(StoreError, match="Nothing of the batch was written"):
        write()
    assert store.get(NS, "a") is not None


def test_a_commit_whose_answer_is_lost_counts_once(open_store: OpenStore, url: str) -> None:
    store = open_store()
    store.put(NS, "a", {"n": 1})
    pool: Any = store._pool  # pyright: ignore[reportPrivateUsage]
    with pool.writing() as on:
        on.execute("UPDATE items SET ttl = 5")
        real = on.execute

        def lose(statement: Any, *arguments: Any) -> Any:
            answer = real(statement, *arguments)
            if statement == "COMMIT":
                on.close()
                raise psycopg.OperationalError
            return answer

        on.execute = lose
    with pool.reading() as on:
        assert on.execute("SELECT ttl FROM items").fetchall() == [(5,)]


def test_a_server_that_is_not_there_is_an_error_that_says_so() -> None:
    with (
        PostgresStore("postgresql://127.0.0.1:1/none", busy_timeout=1) as store,
        pytest.raises(StoreError, match="cannot be reached"),
    ):
        store.get(NS, "a")


REFUSALS = (
    ("postgres:@", "{role}:wrong@", "user or the password"),
    ("postgres:@", "{role}@", "user or the password"),
    ("postgres:@", "not_{role}:hunter2@", "user or the password"),
    ("/postgres?", "/not_{role}?", "no database"),
    ("postgres:@", "{role}:hunter2@", "no connection left"),
)


@pytest.fixture
def locked_role(url: str, schema: str) -> Generator[str]:
    """Make a role that needs a password and may have no connection."""
    role = f"role_{schema}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0 PASSWORD 'hunter2'".encode()
        )
        (file,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        rules = Path(file).read_text("utf-8")
        Path(file).write_text(f"local all {role},not_{role} scram-sha-256\n{rules}", "utf-8")
        _reload(connection)
        yield role
        Path(file).write_text(rules, "utf-8")
        connection.execute(f"DROP ROLE {role}".encode())
        _reload(connection)


def _reload(connection: psycopg.Connection[Any]) -> None:
    """Have the server read its settings, and wait until it has."""
    (before,) = connection.execute("SELECT pg_conf_load_time()").fetchone() or (None,)
    connection.execute("SELECT pg_reload_conf()")
    while connection.execute("SELECT pg_conf_load_time()").fetchone() == (before,):
        pass


def test_a_server_that_refuses_a_connection_is_an_error_that_says_why(
    url: str, locked_role: str
) -> None:
    for old, new, said in REFUSALS:
        with (
            PostgresStore(url.replace(old, new.format(role=locked_role))) as store,
            pytest.raises(StoreError, match=said) as caught,
        ):
            store.get(NS, "a")
        assert locked_role not in str(caught.value)
        assert "  " not in str(caught.value)


SETTINGS = (
    ("statement_timeout%3D50", "statement_timeout"),
    ("lock_timeout%3D50", "lock_timeout"),
    ("default_transaction_read_only%3Don", "read-only"),
)


@pytest.mark.parametrize(("setting", "said"), SETTINGS)
def test_what_the_servers_settings_end_is_an_error_that_says_so(
    open_store: OpenStore, url: str, schema: str, setting: str, said: str
) -> None:
    open_store().put(NS, "a", {"n": 1})
    with psycopg.connect(url) as other:
        other.execute(f"SELECT FROM {schema}.namespaces FOR UPDATE".encode())
        store = open_store(f"{url}&options=-c%20{setting}")
        with pytest.raises(StoreError, match=said) as caught:
            store.put(NS, "a", {"n": 2})
    assert "Nothing of the batch was written" in str(caught.value)


def test_a_replica_answers_reads_that_prolong_lives(open_store: OpenStore, url: str) -> None:
    ttl: Any = {"default_ttl": 10, "refresh_on_read": True}
    open_store(ttl=ttl).put(NS, "a", {"n": 1})
    replica = open_store(f"{url}&options=-c%20default_transaction_read_only%3Don", ttl=ttl)
    assert [item.key for item in replica.search(NS)] == ["a"]


def test_tables_that_another_has_dropped_are_an_error_that_says_so(
    open_store: OpenStore, url: str, schema: str
) -> None:
    store = open_store()
    store.put(NS, "a", {"n": 1})
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(f"ALTER TABLE {schema}.items DROP COLUMN ttl".encode())
        with pytest.raises(StoreError, match="not as the store knows them"):
            store.get(NS, "a")
        other.execute(f"DROP SCHEMA {schema} CASCADE".encode())
    with pytest.raises(StoreError, match="setup"):
        store.get(NS, "a")


def test_a_closed_store_says_so(open_store: OpenStore) -> None:
    store = open_store()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.get(NS, "a")


# --- what errors do not say -------------------------------------------------------------------

SECRET = "hunter2-s3cr3t"  # noqa: S105 - a password that must not be seen
SHAPES = (
    "postgresql://ann:{}@127.0.0.1:1/db",
    "postgres://ann:{}@127.0.0.1:1/db?sslmode=bogus",
    "postgresql+psycopg://ann:{}@127.0.0.1:1/db",
    "host=127.0.0.1 port=1 user=ann password={} dbname=db",
    "host=127.0.0.1 port=1 password = '{}",
    "postgresql://ann:{}@127.0.0.1:not-a-port/db",
    "postgresql://ann:{}@[::1/db",
    "postgresql://ann:{}%@127.0.0.1:1/db",
    "{}",
    "password={} =",
    "postgresql:///db?password={}&host=127.0.0.1&port=1&unknown=1",
)


@settings(max_examples=40)
@given(
    shape=st.sampled_from(SHAPES), more=st.text("abc/?#@:%= '\\", max_size=6), quoted=st.booleans()
)
def test_no_error_shows_the_connection_string(shape: str, more: str, quoted: bool) -> None:  # noqa: FBT001
    url = shape.format(quote(SECRET + more, safe="") if quoted else SECRET + more)
    with PostgresStore(url, busy_timeout=0.2) as store:
        with pytest.raises(LongtermError) as caught:
            store.get(NS, "a")
        assert SECRET not in repr(store)
    seen: BaseException | None = caught.value
    while seen is not None:
        if not seen.__suppress_context__ or seen is caught.value:
            assert SECRET not in f"{seen!r} {seen}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def test_no_error_shows_what_is_stored(open_store: OpenStore) -> None:
    store = open_store()
    with pytest.raises(StoreError, match="longer than PostgreSQL can index") as caught:
        store.put(NS, "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(9000)), {"n": 1})
    assert "\u4e00" not in str(caught.value)


def test_values_come_back_as_they_were(open_store: OpenStore) -> None:
    store = open_store()
    value = {
        "z": 1, "nul": "a\0b", "lone": "\ud800", "huge": 10**400, "float": 1e22, "minus": -0.0,
        "a": [True, None, "京都", 0.1], "inf": float("inf"),
    }  # fmt: skip
    store.put(("a", "\ud800"), "k\0", value)
    item = store.get(("a", "\ud800"), "k\0")
    assert item is not None
    assert (list(item.value), item.value) == (list(value), value)
    assert isinstance(item.value["float"], float)
    assert [found.key for found in store.search((), filter={"z": 1, "nul": "a\0b"})] == ["k\0"]
