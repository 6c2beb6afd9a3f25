"""A file whose text index an older tokenizer made is indexed again, while it is in use."""

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from langgraph.store.base import PutOp

from longterm.errors import ModelChangedError
from longterm.stores import EmbeddedStore
from longterm.stores.embedded.database import Database
from longterm.stores.embedded.reindexing import EmbeddedTermRenewal
from longterm.stores.reindexing import AT_ONCE
from longterm.testing import HashEmbeddings
from longterm.text.tokenizer import VERSION

NAMESPACE = ("n",)


def keys(store: EmbeddedStore, query: str) -> list[str]:
    return [hit.item.key for hit in store.hybrid_search(NAMESPACE, query, vector_query="")]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a file as an older tokenizer left it: nothing is found by its words."""
    path = tmp_path / "old.db"
    with EmbeddedStore(path, index={"embed": HashEmbeddings(), "dims": 64}) as store:
        store.put(NAMESPACE, "arabic", {"content": "أحمد يحب الشاي"})
        store.put(NAMESPACE, "title", {"content": "tea", "title": "coffee"}, index=["title"])
        store.put(NAMESPACE, "hidden", {"content": "tea"}, index=False)
    grow_old(path)
    return path


def grow_old(path: Path) -> None:
    """Leave the text index as an older tokenizer would: nothing is found by its words."""
    run_sql(path, "UPDATE terms SET hashes = x'0102030405060708'")
    run_sql(path, "UPDATE state SET tokenizer = 1")


def run_sql(path: Path, statement: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(path)) as file, file:
        return file.execute(statement).fetchall()


def test_an_old_file_is_indexed_again_by_itself(old: Path) -> None:
    with EmbeddedStore(old) as store:
        assert keys(store, "احمد") == ["arabic"]
        assert keys(store, "coffee") == ["title"]
        assert keys(store, "tea") == []


def test_terms_of_an_older_tokenizer_are_not_handed_out(old: Path) -> None:
    with EmbeddedStore(old) as store:
        (new,) = store.hybrid_search(NAMESPACE, "coffee")
        run_sql(old, "UPDATE state SET tokenizer = 1, revision = revision + 1")
        run_sql(old, "UPDATE items SET revision = (SELECT revision FROM state) WHERE key = 'title'")
        (same,) = store.hybrid_search(NAMESPACE, "coffee")

    assert new.encoded.terms_of(["title"])
    assert same.encoded.terms_of(["title"]) is None


def test_its_vectors_stay(old: Path) -> None:
    model = HashEmbeddings()

    with EmbeddedStore(old, index={"embed": model, "dims": 64}) as store:
        hits = store.hybrid_search(NAMESPACE, "", vector_query="coffee")

    assert "title" in [hit.item.key for hit in hits]
    assert model.documents == []


def test_it_is_done_once(old: Path) -> None:
    with EmbeddedStore(old), sqlite3.connect(old) as file:
        assert file.execute("SELECT tokenizer FROM state").fetchone() == (VERSION,)
        before = file.execute("SELECT revision FROM state").fetchone()
        with EmbeddedStore(old):
            assert file.execute("SELECT revision FROM state").fetchone() == before
    file.close()


def test_a_damaged_item_does_not_keep_the_others_from_being_found(old: Path) -> None:
    with sqlite3.connect(old) as file:
        file.execute("UPDATE items SET value = CAST(x'ff7b' AS TEXT) WHERE key = 'title'")
    file.close()

    with EmbeddedStore(old) as store:
        assert keys(store, "احمد") == ["arabic"]


def test_the_index_of_a_newer_tokenizer_is_left_alone(old: Path) -> None:
    with sqlite3.connect(old) as file:
        file.execute("UPDATE state SET tokenizer = 99")
    file.close()

    with EmbeddedStore(old) as store, pytest.raises(ModelChangedError, match="version 99"):
        keys(store, "tea")


LARGE = 2 * AT_ONCE + 10


def write_tea(store: EmbeddedStore) -> None:
    store.batch([PutOp(NAMESPACE, str(n), {"content": f"tea {n}"}) for n in range(LARGE)])


def found(store: EmbeddedStore) -> int:
    return len(store.hybrid_search(NAMESPACE, "tea", vector_query="", limit=10 * LARGE))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Return a file of more than one step, as an older tokenizer left it."""
    path = tmp_path / "large.db"
    with EmbeddedStore(path) as store:
        write_tea(store)
    grow_old(path)
    return path


def opened(path: Path) -> Database:
    return Database(str(path), synchronous="normal", patience=60)


@pytest.fixture
def renewal(tmp_path: Path) -> Iterator[EmbeddedTermRenewal]:
    """Return a renewal of the same file by hand, as by another process."""
    with closing(opened(tmp_path / "large.db")) as database:
        yield EmbeddedTermRenewal(database, ["$"])


def test_a_large_file_is_indexed_again_while_it_is_open(large: Path) -> None:
    with EmbeddedStore(large) as store:
        store._terms.join()  # pyright: ignore[reportPrivateUsage] - it says to none that it has ended
        assert found(store) == LARGE
        assert store.stats().outdated == 0
        assert store.check() == []


def test_searches_and_writes_go_on_meanwhile(large: Path, renewal: EmbeddedTermRenewal) -> None:
    with EmbeddedStore(large) as store:
        store._terms.join()  # pyright: ignore[reportPrivateUsage]
        grow_old(large)
        assert store.stats().outdated == LARGE
        assert renewal.step()
        assert store.stats().outdated == LARGE - AT_ONCE
        store.delete(NAMESPACE, "0")
        store.put(NAMESPACE, "1", {"content": "coffee"})
        store.put(NAMESPACE, "new", {"content": "tea"})
        assert keys(store, "coffee") == ["1"]
        assert found(store) == AT_ONCE - 2 + 1
        assert renewal.step()
        assert not renewal.step()
        assert found(store) == LARGE - 2 + 1
        assert store.stats().outdated == 0
        assert store.check() == []


def test_processes_share_the_work(large: Path, renewal: EmbeddedTermRenewal) -> None:
    database = opened(large)
    other = EmbeddedTermRenewal(database, ["$"])
    assert [renewal.step(), other.step(), renewal.step(), other.step()] == [
        True,
        True,
        False,
        False,
    ]
    database.close()
    with EmbeddedStore(large) as store:
        assert found(store) == LARGE


def test_what_was_interrupted_goes_on_where_it_was(
    large: Path, renewal: EmbeddedTermRenewal
) -> None:
    assert renewal.step()
    run_sql(large, "UPDATE terms SET hashes = x'0102030405060708'")
    with EmbeddedStore(large) as store:
        store._terms.join()  # pyright: ignore[reportPrivateUsage]
        assert found(store) == LARGE - AT_ONCE


def test_what_was_interrupted_for_another_version_begins_anew(
    large: Path, renewal: EmbeddedTermRenewal
) -> None:
    assert renewal.step()
    run_sql(large, "UPDATE state SET renewing = tokenizer")
    run_sql(large, "UPDATE terms SET hashes = x'0102030405060708'")
    with EmbeddedStore(large) as store:
        store._terms.join()  # pyright: ignore[reportPrivateUsage]
        assert found(store) == LARGE


def test_a_process_that_is_killed_leaves_a_file_that_the_next_one_completes(large: Path) -> None:
    program = (
        "import os, signal\n"
        "from longterm.stores import EmbeddedStore\n"
        f"store = EmbeddedStore({str(large)!r})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False, env=os.environ)  # noqa: S603 - ours
    with EmbeddedStore(large) as store:
        store._terms.join()  # pyright: ignore[reportPrivateUsage]
        assert found(store) == LARGE
        assert store.check() == []


def test_a_failure_is_logged_and_searches_go_on(
    large: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The second step fails: the table that it writes to refuses one of its items."""
    run_sql(
        large,
        "CREATE TRIGGER refused BEFORE INSERT ON terms "
        f"WHEN new.item > {AT_ONCE} BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    with caplog.at_level(logging.WARNING), EmbeddedStore(large) as store:
        store._terms.join()  # pyright: ignore[reportPrivateUsage]
        assert "could not be made again" in caplog.text
        assert found(store) == AT_ONCE
