"""A file whose text index an older tokenizer made is indexed again when it is opened."""

import sqlite3
from pathlib import Path

import pytest

from longterm.errors import ModelChangedError
from longterm.stores import EmbeddedStore
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
    with sqlite3.connect(path) as file:
        file.execute("UPDATE terms SET hashes = x'0102030405060708'")
        file.execute("UPDATE state SET tokenizer = 1")
    file.close()
    return path


def test_an_old_file_is_indexed_again_by_itself(old: Path) -> None:
    with EmbeddedStore(old) as store:
        assert keys(store, "احمد") == ["arabic"]
        assert keys(store, "coffee") == ["title"]
        assert keys(store, "tea") == []


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
