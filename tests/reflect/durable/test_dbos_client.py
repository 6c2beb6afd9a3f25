"""Where reflections are kept, which of them wait, and what a process does besides."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import chdir
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longterm.errors import ConfigurationError, StoreError
from longterm.reflect.durable.database import database_url
from longterm.reflect.durable.dbos_client import DbosClient, _Process, prepare
from longterm.reflect.durable.outcome import Job
from longterm.reflect.retry import passes


def job(submitted: int) -> Job:
    return Job(id=f"job{submitted}", thread="t", submitted=submitted, payload="null", config="{}")


def test_a_file_stays_the_same_where_a_program_changes_its_directory(tmp_path: Path) -> None:
    with chdir(tmp_path):
        url = database_url("sqlite:///reflections.db")
    assert url.database == str(tmp_path / "reflections.db")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/db",
        "postgrs://me:secret@host/db",
        "postgresql://me:secret@host:port/db",
        "postgresql:me:secret@host",
    ],
)
def test_a_refused_url_keeps_its_password_to_itself(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"://\*\*\*") as refused:
        database_url(url)
    assert "secret" not in str(refused.value)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=r"photo\.jpg.*not a database"):
        prepare(database_url(f"sqlite:///{tmp_path / 'photo.jpg'}"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?user=me&password=secret",
    ],
)
def test_a_server_that_is_away_is_an_error_that_passes_and_tells_no_password(url: str) -> None:
    with pytest.raises(StoreError, match="cannot be kept in") as away:
        prepare(database_url(url))
    assert passes(away.value)
    assert "secret" not in str(away.value)


def test_one_that_waits_for_its_retry_is_put_off_no_longer_than_its_longest_wait(
    make_url: Callable[[], str],
) -> None:
    engine = prepare(database_url(make_url()))
    jobs = DbosClient(engine, "default", max_wait=60)
    workflow = jobs.enqueue(job(1), 10)
    bounced = jobs.debounce(job(2), 3600)
    assert bounced == workflow
    [status] = jobs.find([bounced])
    now = time.time()
    assert (status.is_due(now + 5), status.is_due(now + 70)) == (False, True)
    jobs.close()
    engine.dispose()


def test_one_that_moves_takes_the_place_of_an_older_one_and_gives_way_to_a_newer(
    make_url: Callable[[], str],
) -> None:
    engine = prepare(database_url(make_url()))
    jobs = DbosClient(engine, "default")
    older = jobs.enqueue(job(1), 60)
    newer = jobs.enqueue(job(2), 60)
    assert older is not None
    assert newer is not None
    assert jobs.enqueue(job(1), 60) is None
    states = {status.workflow: status.state for status in jobs.find([older, newer])}
    assert states == {older: "CANCELLED", newer: "DELAYED"}
    jobs.close()
    engine.dispose()


class Finished:
    """Jobs that all have finished."""

    def __init__(self, count: int) -> None:
        self.left = [SimpleNamespace(workflow=str(number)) for number in range(count)]

    def listed(self, states: list[str], *, completed_before: str, limit: int) -> list[Any]:
        return self.left[:limit]

    def delete(self, workflows: Iterable[str]) -> None:
        gone = set(workflows)
        self.left = [status for status in self.left if status.workflow not in gone]


def test_cleaning_up_keeps_pace_with_any_number_of_jobs() -> None:
    process, jobs = _Process(), Finished(2 * _Process.CLEANED + 1)
    worker: Any = SimpleNamespace(name="default", jobs=jobs, keep=timedelta(days=7))
    process._workers["default"] = worker
    process.clean()
    assert jobs.left == []
