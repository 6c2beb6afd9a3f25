"""Who is alive."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from longterm.reflect.durable.lease import FileLeases, Leases, PostgresLeases, Watch

Make = Callable[[str], Leases]


@pytest.fixture(params=["files", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    if request.param == "files":
        return lambda worker: FileLeases(tmp_path / "workers", worker)
    url = sa.make_url(request.getfixturevalue("postgres")()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    return lambda worker: PostgresLeases(engine, worker)


def test_a_worker_is_alive_while_it_holds_its_lock(make: Make) -> None:
    one, other = make("one"), make("other")
    one.hold()
    other.hold()
    assert not one.is_dead("other")
    other.close()
    assert _soon(lambda: one.is_dead("other"))  # the server ends a session in its own time
    one.close()


def _soon(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 30
    while not (held := holds()) and time.monotonic() < end:
        pass
    return held


def test_nobody_takes_itself_for_dead(make: Make) -> None:
    one = make("one")
    one.hold()
    assert not one.is_dead("one")
    one.hold()
    assert not one.is_dead("one")
    one.close()


def test_a_worker_nobody_knows_is_dead_as_often_as_one_asks(make: Make) -> None:
    one = make("one")
    one.hold()
    assert [one.is_dead("unknown") for _ in range(3)] == [True] * 3
    one.close()


def test_a_killed_process_is_dead_at_once(tmp_path: Path) -> None:
    program = f"""
import pathlib, time
from longterm.reflect.durable.lease import FileLeases
FileLeases(pathlib.Path({str(tmp_path)!r}), "victim").hold()
print("held", flush=True)
time.sleep(60)
"""
    with subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "held\n"
        one = FileLeases(tmp_path, "one")
        one.hold()
        assert not one.is_dead("victim")
        victim.kill()
        victim.wait()
        assert one.is_dead("victim")
        one.close()
    assert list(tmp_path.glob("*.lock")) == []


def test_a_lost_connection_is_replaced(postgres: Callable[[], str]) -> None:
    url = sa.make_url(postgres()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    one, other = PostgresLeases(engine, "one"), PostgresLeases(engine, "other")
    one.hold()
    other.hold()
    with engine.connect() as connection:
        # Those of this database alone; it answers when they are gone.
        ended = connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_locks "
                "WHERE locktype = 'advisory' "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
        assert ended.scalars().all() == [True, True]
    one.hold()
    other.hold()
    assert not one.is_dead("other")
    one.close()
    other.close()


class Locks:
    """Leases that are held by those in *held*."""

    def __init__(self, *held: str) -> None:
        self.held = set(held)

    def hold(self) -> None: ...

    def is_dead(self, worker: str) -> bool:
        return worker not in self.held

    def close(self) -> None: ...


def test_a_worker_whose_lock_stays_free_is_dead() -> None:
    watch = Watch(Locks("alive"))
    assert [watch.dead(["alive", "killed"]) for _ in range(3)] == [[], [], ["killed"]]


def test_a_worker_that_takes_its_lock_again_was_never_dead() -> None:
    locks = Locks()
    watch = Watch(locks)
    for _ in range(3):
        assert watch.dead(["unlucky"]) == watch.dead(["unlucky"]) == []
        locks.held = {"unlucky"}
        assert watch.dead(["unlucky"]) == []
        locks.held = set()
