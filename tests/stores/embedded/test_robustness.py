"""Files that are private, interrupts that leave nothing behind, damage that is noticed."""

import random
import signal
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from longterm.errors import InvalidInputError, StoreError
from longterm.stores import EmbeddedStore

NS = ("notes",)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_files_are_for_their_owner_alone(path: Path) -> None:
    with EmbeddedStore(path) as store:
        store.put(NS, "a", {"text": "x"})
        assert {file.name: mode(file) for file in path.parent.iterdir()} == {
            "memory.db": 0o600,
            "memory.db-wal": 0o600,
            "memory.db-shm": 0o600,
        }


def test_a_backup_is_as_private_as_its_store(path: Path) -> None:
    with EmbeddedStore(path) as store:
        store.backup(path.with_name("private.db"))
        path.chmod(0o640)
        store.backup(path.with_name("shared.db"))
    assert mode(path.with_name("private.db")) == 0o600
    assert mode(path.with_name("shared.db")) == 0o640


def test_what_the_system_forbids_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/memory\.db cannot be opened"):
        EmbeddedStore(tmp_path / "file" / "memory.db")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # flows not begun
@pytest.mark.parametrize("where", ["file", ":memory:"])
def test_a_thousand_interrupts_leave_no_lock_no_count_and_no_transaction(
    path: Path, where: str, request: pytest.FixtureRequest
) -> None:
    if request.config.pluginmanager.hasplugin("_cov"):
        pytest.skip("an interrupt within coverage's own code leaves its lock held")
    chance = random.Random(11)  # noqa: S311 - no secret
    armed, interrupted = False, 0

    def interrupt(*_: object) -> None:
        if armed:
            raise KeyboardInterrupt

    with EmbeddedStore(path if where == "file" else where, synchronous="normal") as store:
        store.put(NS, "0", {"n": 0})  # warm
        before = signal.signal(signal.SIGALRM, interrupt)
        while interrupted < 1_000:
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 3e-4))
            try:
                armed = True
                store.put(NS, str(interrupted % 7), {"n": interrupted})
                store.get(NS, "0")
                armed = False
            except KeyboardInterrupt:
                armed = False
                interrupted += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        other = threading.Thread(target=store.put, args=(NS, "other", {"n": 1}), daemon=True)
        other.start()
        other.join(30)
        assert not other.is_alive()
        assert store.get(NS, "other") is not None
        assert not list(cast("Any", store)._database._loans)
        assert store.check() == []


def test_no_error_quotes_what_was_stored(path: Path) -> None:
    with EmbeddedStore(path) as store:
        store.put(NS, "a", {"text": "hunter2 secret"})
    damage(path, b"hunter2 secret", b"hunter2 \xff\xfe\xff\xfe")
    with EmbeddedStore(path) as store, pytest.raises(StoreError, match=r"memory\.db") as caught:
        store.get(NS, "a")
    printed = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in printed


def damage(path: Path, old: bytes, new: bytes) -> None:
    raw = path.read_bytes()
    assert raw.count(old) == 1
    path.write_bytes(raw.replace(old, new[: len(old)].ljust(len(old))))


def test_a_flipped_letter_is_noticed_by_reading_and_by_checking(path: Path) -> None:
    with EmbeddedStore(path) as store:
        store.put(NS, "a", {"text": "allergic to nuts"})
        store.put(NS, "b", {"text": "sound"})
    damage(path, b"allergic to nuts", b"allergic to nets")
    with EmbeddedStore(path) as store:
        assert store.check() == ["an item is not what was written: its checksum does not fit"]
        for read in (
            lambda: store.get(NS, "a"),
            lambda: store.search(NS),
            lambda: store.hybrid_search(NS, "nuts")[0].item,
        ):
            with pytest.raises(StoreError, match="damaged"):
                read()
        assert store.get(NS, "b") is not None


def test_a_flipped_bit_is_found_or_does_no_harm(path: Path) -> None:
    """Whatever a read answers afterwards is what was written, or an error, or `check` knows."""
    texts = {str(number): {"text": f"memory {number} " * 20} for number in range(60)}
    with EmbeddedStore(path) as store:
        for key, value in texts.items():
            store.put(NS, key, value)
    sound, wrong = path.read_bytes(), 0
    for seed in range(200):
        chance = random.Random(seed)  # noqa: S311 - no secret
        raw = bytearray(sound)
        raw[chance.randrange(100, len(raw))] ^= 1 << chance.randrange(8)
        path.write_bytes(raw)
        with suppress(StoreError), EmbeddedStore(path) as store:
            if store.check():
                continue
            found = {item.key: item.value for item in store.search(NS, limit=100)}
            wrong += found != texts
    assert wrong == 0


def test_a_value_beyond_the_limit_is_refused(plain: EmbeddedStore) -> None:
    plain.put(NS, "long", {"text": "x" * 8_000_000}, index=False)
    with pytest.raises(InvalidInputError, match="8 MB"):
        plain.put(NS, "a", {"text": "字" * 3_000_000})
    assert plain.get(NS, "a") is None


def test_a_damaged_log_is_noticed_while_it_is_there(path: Path, tmp_path: Path) -> None:
    with EmbeddedStore(path) as store:
        for number in range(5):
            store.put(NS, str(number), {"n": number})
        copy = tmp_path / "copy.db"
        copy.write_bytes(path.read_bytes())
        log = bytearray(path.with_name("memory.db-wal").read_bytes())
    log[len(log) // 2] ^= 1
    copy.with_name("copy.db-wal").write_bytes(log)
    with EmbeddedStore(copy) as store:
        (found,) = store.check()
        assert "log" in found
        assert "restore a backup" in found
