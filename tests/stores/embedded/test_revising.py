"""Revisions in the file: what an erase leaves there, time to live, files of the first release."""

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from langgraph.store.base import PutOp

from longterm.effects.capabilities import RevisionNote, Revisions
from longterm.errors import StoreError
from longterm.stores import EmbeddedStore
from longterm.stores.embedded.migrations import migrate, migration_scripts
from longterm.stores.embedding import StoreIndex

NS = ("memories", "ann")
NOTE = RevisionNote("changed", "manager", ({"origin": "user", "quote": "xyzzy-quote"},))


def noted(store: EmbeddedStore, key: str, text: str) -> None:
    item = store.get(NS, key)
    store.put_all_noted([PutOp(NS, key, {"text": text})], [item and item.updated_at], [NOTE])


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_the_store_has_the_capability(plain: EmbeddedStore) -> None:
    assert isinstance(plain, Revisions)


def test_no_file_holds_a_byte_of_what_was_erased(tmp_path: Path, index: StoreIndex) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    with EmbeddedStore(tmp_path / "memory.db", index=index) as store:
        for number in range(300):
            text = f"xyzzy-{number} " * chance.choice([1, 5, 200])
            key, other = chance.choice("abcdef"), f"keep-{number}"
            noted(store, key, text)
            store.put(("memories", "bob"), other, {"text": "plover " * chance.choice([1, 9, 90])})
        held = store.stats()
        removed = store.erase(NS)
        store.backup(tmp_path / "copy.db")
        assert b"xyzzy" not in bytes_of(tmp_path)
        assert b"plover" in bytes_of(tmp_path)
        assert removed["items"] == 6
        assert removed["revisions"] == held.revisions
        assert store.stats().vectors == held.vectors - removed["vectors"]
        assert store.check() == []
    assert b"xyzzy" not in bytes_of(tmp_path)


def test_no_file_holds_a_byte_of_a_note_that_was_replaced(path: Path) -> None:
    with EmbeddedStore(path) as store:
        noted(store, "a", "tea")
        assert b"xyzzy-quote" in bytes_of(path.parent)
        store.replace_notes(NS, "a", {1: replace(NOTE, sources=())})
        assert b"xyzzy-quote" not in bytes_of(path.parent)


def test_an_erase_says_when_readers_keep_the_log_from_being_emptied(path: Path) -> None:
    with EmbeddedStore(path, patience=0.1) as store:
        noted(store, "a", "xyzzy")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM items").fetchone()
            with pytest.raises(StoreError, match=r"call vacuum\(\)"):
                store.erase(NS)
            with pytest.raises(StoreError, match=r"call vacuum\(\)"):
                store.vacuum()
        assert store.get(NS, "a") is None
        store.vacuum()
    assert b"xyzzy" not in bytes_of(path.parent)


def test_stores_that_erase_at_once_wait_for_one_another(path: Path) -> None:
    def erase(own: int) -> None:
        with EmbeddedStore(path) as store:
            for number in range(60):
                store.put((str(own),), "a", {"n": number})
                store.erase((str(own),))

    with ThreadPoolExecutor(3) as pool:
        assert [*pool.map(erase, range(3))] == [None] * 3


def test_what_outlives_its_time_leaves_a_revision_without_content(path: Path) -> None:
    moment = [datetime(2026, 1, 1, tzinfo=UTC)]
    with EmbeddedStore(path, clock=lambda: moment[0], ttl={"default_ttl": None}) as store:
        store.put_all_noted([PutOp(NS, "a", {"text": "xyzzy"}, None, 1)], [None], [NOTE])
        store.put(NS, "b", {"text": "unrecorded"}, ttl=1)
        moment[0] += timedelta(minutes=2)
        assert store.sweep_ttl() == 2
        (left,) = store.list_revisions(())
        assert (left.key, left.note.action, left.note.actor) == ("a", "deleted", "policy")
        assert left.value is None
        assert left.note.sources == ()


def test_a_hidden_item_that_is_written_again_begins_a_new_life(path: Path) -> None:
    moment = [datetime(2026, 1, 1, tzinfo=UTC)]
    with EmbeddedStore(path, clock=lambda: moment[0], ttl={"omit_expired": True}) as store:
        store.put_all_noted([PutOp(NS, "a", {"text": "old"}, None, 1)], [None], [NOTE])
        moment[0] += timedelta(minutes=2)
        assert store.search_as_of(NS, moment[0]) == []
        noted(store, "a", "new")
        assert [row.value for row in store.get_revisions(NS, "a")] == [None, {"text": "new"}]


def test_a_file_of_the_first_release_is_brought_forward(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, str(path), migration_scripts()[:1])
        connection.execute("INSERT INTO namespaces (id, path) VALUES (1, 'memories.ann')")
        connection.execute(
            "INSERT INTO items VALUES (1, 1, 'a', 1, 5, 7, NULL, NULL, NULL, 1, ?)",
            ('{"text":"old"}',),
        )
        connection.execute("UPDATE state SET revision = 1")
    with EmbeddedStore(path) as store:
        assert store.check() == []
        item = store.get(NS, "a")
        assert item is not None
        assert item.value == {"text": "old"}
        noted(store, "a", "new")
        assert [row.number for row in store.get_revisions(NS, "a")] == [1, 2]


async def test_the_async_methods_do_the_same(plain: EmbeddedStore) -> None:
    rows = await plain.aput_all_noted([PutOp(NS, "a", {"text": "x"})], [None], [NOTE])
    assert rows == await plain.aget_revisions(NS, "a") == await plain.alist_revisions(())
    (row,) = rows
    assert row is not None
    assert [item.key for item in await plain.asearch_as_of(NS, row.time)] == ["a"]
    assert await plain.aprune_revisions(NS, 1) == 0
    assert (await plain.aerase(NS))["items"] == 1
    assert await plain.aadd_revisions([row]) == 0
