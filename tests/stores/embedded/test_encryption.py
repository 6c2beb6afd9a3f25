"""Encrypted files."""

from pathlib import Path

import pytest

from longterm.errors import ConfigurationError, StoreError
from longterm.stores import EmbeddedStore

NS = ("notes",)


@pytest.fixture
def encrypted(path: Path) -> Path:
    with EmbeddedStore(path, encryption_key="it's secret") as store:
        store.put(NS, "a", {"text": "allergic to nuts"})
        files = [file.read_bytes() for file in path.parent.iterdir()]
        assert not any(b"nuts" in raw or b"SQLite format" in raw for raw in files)
        store.backup(path.with_name("copy.db"))
    return path


@pytest.mark.parametrize("name", ["memory.db", "copy.db"])
def test_the_key_opens_the_file_and_its_backup(encrypted: Path, name: str) -> None:
    with EmbeddedStore(encrypted.with_name(name), encryption_key="it's secret") as store:
        item = store.get(NS, "a")
        assert item is not None
        assert item.value == {"text": "allergic to nuts"}
        assert store.check() == []


def test_another_key_is_refused_and_not_shown(encrypted: Path) -> None:
    before = encrypted.read_bytes()
    with pytest.raises(StoreError, match=r"memory\.db cannot be read with this") as caught:
        EmbeddedStore(encrypted, encryption_key="hunter2")
    assert "hunter2" not in str(caught.value)
    assert encrypted.read_bytes() == before


def test_without_its_key_it_is_refused(encrypted: Path) -> None:
    with pytest.raises(StoreError, match="give its encryption_key"):
        EmbeddedStore(encrypted)


def test_a_key_for_a_file_that_is_not_encrypted_is_refused(path: Path) -> None:
    with EmbeddedStore(path):
        pass
    with pytest.raises(StoreError, match="is not encrypted"):
        EmbeddedStore(path, encryption_key="it's secret")


@pytest.mark.parametrize("key", ["", b"", b"short"])
def test_a_key_that_is_none_is_refused(path: Path, key: str | bytes) -> None:
    with pytest.raises(ConfigurationError, match="32 bytes"):
        EmbeddedStore(path, encryption_key=key)
    assert not path.exists()


def test_an_erase_reaches_the_encrypted_file(encrypted: Path) -> None:
    with EmbeddedStore(encrypted, encryption_key="it's secret") as store:
        assert store.erase(NS)["items"] == 1
        assert store.get(NS, "a") is None
