"""Files that cannot be used: an error that names the file, and nothing destroyed."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from langgraph.store.base import PutOp

from longterm.errors import StoreError
from longterm.stores import EmbeddedStore, embedded
from longterm.stores.embedded.migrations import migrate, migration_scripts

NS = ("notes",)
NOBODY = 65534


@pytest.fixture
def filled(path: Path) -> Path:
    with EmbeddedStore(path) as store:
        store.batch([PutOp(NS, str(number), {"text": "tea " * 50}) for number in range(200)])
    return path


def assert_refused(path: Path, reason: str) -> None:
    before = path.read_bytes()
    with pytest.raises(StoreError, match=reason) as caught:
        EmbeddedStore(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_file_of_another_program_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    assert_refused(path, "another program")


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("Dear diary, " * 1000)
    assert_refused(path, "not a SQLite file")


def test_a_newer_schema_is_refused(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as future:
        future.execute("PRAGMA user_version = 99")
    assert_refused(filled, "newer longterm")


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with EmbeddedStore(path) as store:
        assert store.check() == []


def test_a_folder_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(StoreError, match="folder exist"):
        EmbeddedStore(path / "deeper" / "memory.db")


def test_a_damaged_file_says_so_and_stays_as_it_is(filled: Path) -> None:
    content = bytearray(filled.read_bytes())
    content[4096:-4096] = b"\xff" * (len(content) - 8192)
    filled.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|SQLite"), EmbeddedStore(filled) as store:
        store.search(NS, query="tea", limit=200)
    assert filled.read_bytes()[4096:-4096] == content[4096:-4096]


def test_a_damaged_schema_says_so(filled: Path) -> None:
    content = filled.read_bytes()
    filled.write_bytes(content.replace(b"CREATE TABLE items", b"CREATE TABLO \xfftems", 1))
    with pytest.raises(StoreError, match="damaged") as caught, EmbeddedStore(filled) as store:
        store.get(NS, "7")
    assert str(filled) in str(caught.value)


def test_a_damaged_value_says_so(filled: Path) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as careless:
        careless.execute("""UPDATE items SET value = '{"text": ' WHERE key = '7'""")
    with EmbeddedStore(filled) as store:
        with pytest.raises(StoreError, match="damaged") as caught:
            store.get(NS, "7")
        assert str(filled) in str(caught.value)
        assert store.get(NS, "8") is not None


def test_check_finds_damage(filled: Path) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as careless:
        careless.execute("UPDATE namespaces SET items = 7")
        careless.execute("INSERT INTO terms VALUES (1, 999, x'00')")
    with EmbeddedStore(filled) as store:
        assert len(store.check()) == 2


def test_a_full_disk_says_so_and_keeps_what_was_written(filled: Path) -> None:
    with EmbeddedStore(filled) as store:
        with store._database.reading() as connection:  # pyright: ignore[reportPrivateUsage]
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        with pytest.raises(StoreError, match="disk is full"):
            store.put(NS, "big", {"text": "x" * 1_000_000})
        assert store.get(NS, "big") is None
        assert store.get(NS, "7") is not None
        assert store.check() == []


@pytest.fixture
def as_nobody(path: Path) -> Iterator[None]:
    """Root may write everything; so run as another user."""
    if os.geteuid() != 0:
        yield
        return
    for folder in (path.parent, *path.parents[1:]):
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_file_is_named(filled: Path, as_nobody: None) -> None:
    if os.geteuid() != NOBODY:
        filled.chmod(0o444)
    refused = pytest.raises(StoreError, match=r"read-only|may we write")
    with refused as caught, EmbeddedStore(filled) as store:
        store.put(NS, "a", {"n": 1})
    assert str(filled) in str(caught.value)


def test_a_locked_file_says_so(filled: Path) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as rude:
        rude.execute("BEGIN IMMEDIATE")
        with EmbeddedStore(filled, patience=0.05) as store:
            with pytest.raises(StoreError, match="locked by another"):
                store.put(NS, "a", {"n": 1})
            assert store.get(NS, "7") is not None


def test_a_file_that_was_deleted_takes_no_more_writes(filled: Path) -> None:
    with EmbeddedStore(filled) as store:
        for file in filled.parent.iterdir():
            file.unlink()
        with pytest.raises(StoreError, match="deleted or replaced"):
            store.put(NS, "a", {"n": 1})
    assert list(filled.parent.iterdir()) == []


def test_a_file_that_was_replaced_takes_no_more_writes(filled: Path, tmp_path: Path) -> None:
    with EmbeddedStore(filled) as store:
        store.backup(tmp_path / "copy.db")
        (tmp_path / "copy.db").replace(filled)
        with pytest.raises(StoreError, match="deleted or replaced"):
            store.put(NS, "a", {"n": 1})
    with EmbeddedStore(filled) as opened:
        assert (opened.stats().items, opened.check()) == (200, [])


# --- migrations -------------------------------------------------------------------------------


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        yield opened


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_file_goes_forward_from_the_first_release(connection: sqlite3.Connection) -> None:
    first = migration_scripts()[:1]
    migrate(connection, "x", first)
    migrate(connection, "x", [*first, "ALTER TABLE items ADD COLUMN mood TEXT;\n"])
    assert version(connection) == 2
    connection.execute("SELECT mood FROM items")


def test_a_migration_that_fails_changes_nothing(connection: sqlite3.Connection) -> None:
    first = migration_scripts()[:1]
    migrate(connection, "x", first)
    with pytest.raises(sqlite3.Error):
        migrate(connection, "x", [*first, "CREATE TABLE half (x);\nSELECT nonsense;\n"])
    assert version(connection) == 1
    assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchall()


def test_no_statement_numbers_its_parameters() -> None:
    """Python 3.14 refuses `?1` with a sequence; this one may be too old to warn of it."""
    room = Path(embedded.__file__).parent
    assert not [file.name for file in room.glob("*.py") if re.search(r"\?\d", file.read_text())]


def test_migrating_twice_is_fine(connection: sqlite3.Connection) -> None:
    migrate(connection, "x", migration_scripts())
    migrate(connection, "x", migration_scripts())
    assert version(connection) == len(migration_scripts())


# --- looking after the file -------------------------------------------------------------------


def test_a_backup_is_a_store(filled: Path, tmp_path: Path) -> None:
    with EmbeddedStore(filled) as store:
        store.backup(tmp_path / "copy.db")
    with EmbeddedStore(tmp_path / "copy.db") as copy:
        assert (copy.stats().items, copy.check()) == (200, [])


def test_a_backup_shows_one_moment_and_how_far_it_is(tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    with EmbeddedStore(tmp_path / "large.db") as store:
        for number in range(30):
            store.put(NS, str(number), {"text": "x" * 100_000}, index=False)

        def report(done: int, total: int) -> None:
            reports.append((done, total))
            store.put(NS, f"later {len(reports)}", {"text": "x" * 100_000}, index=False)

        store.backup(tmp_path / "copy.db", report)
    with EmbeddedStore(tmp_path / "copy.db") as copy:
        assert (copy.stats().items, copy.check()) == (30, [])
    assert len(reports) > 2
    assert reports == sorted(reports)
    assert reports[-1][0] == reports[-1][1]


def test_a_backup_of_memory_is_a_file(tmp_path: Path) -> None:
    with EmbeddedStore(":memory:") as store:
        store.put(NS, "a", {"n": 1})
        store.backup(tmp_path / "copy.db")
    with EmbeddedStore(tmp_path / "copy.db") as copy:
        assert copy.get(NS, "a") is not None


def test_a_backup_overwrites_nothing(filled: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    with EmbeddedStore(filled) as store, pytest.raises(StoreError, match="precious"):
        store.backup(precious)
    assert precious.read_text() == "mine"


def test_a_backup_that_cannot_be_written_names_its_own_file(filled: Path, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "copy.db"
    with EmbeddedStore(filled) as store, pytest.raises(StoreError) as caught:
        store.backup(target)
    assert str(target) in str(caught.value)
    assert str(filled) not in str(caught.value)


def test_vacuum_gives_space_back(filled: Path) -> None:
    with EmbeddedStore(filled) as store:
        store.batch([PutOp(NS, str(number), None) for number in range(199)])
        before = store.stats().file_bytes
        store.vacuum()
        assert store.stats().file_bytes < before
        assert store.search(NS, query="tea")[0].key == "199"


def test_vacuum_forgets_empty_namespaces(filled: Path) -> None:
    with EmbeddedStore(filled) as store:
        store.put(("gone",), "a", {"n": 1})
        store.delete(("gone",), "a")
        store.vacuum()
        store.put(("gone",), "a", {"n": 2})
        assert store.list_namespaces() == [("gone",), NS]


def test_statistics_count(filled: Path) -> None:
    with EmbeddedStore(filled) as store:
        stats = store.stats()
    assert (stats.items, stats.namespaces, stats.vectors, stats.model) == (200, 1, 0, None)
