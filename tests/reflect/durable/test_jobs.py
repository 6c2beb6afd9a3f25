"""Where reflections are kept, and which of them wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import pytest

from longterm.errors import ConfigurationError, StoreError
from longterm.reflect.durable.jobs import Jobs, prepared
from longterm.reflect.durable.outcome import Job
from longterm.reflect.retry import passes


def job(submitted: int) -> Job:
    return Job.of(f"job{submitted}", "t", submitted, None, {})


def test_a_file_stays_the_same_where_a_program_changes_its_directory(tmp_path: Path) -> None:
    with chdir(tmp_path):
        url = prepared("sqlite:///reflections.db")
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
    with pytest.raises(ConfigurationError, match=r"\*\*\*@host") as refused:
        prepared(url)
    assert "secret" not in str(refused.value)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=r"photo\.jpg.*not a database"):
        prepared(f"sqlite:///{tmp_path / 'photo.jpg'}")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?user=me&password=secret",
    ],
)
def test_a_server_that_is_away_is_an_error_that_passes_and_tells_no_password(url: str) -> None:
    with pytest.raises(StoreError, match="cannot be kept in") as away:
        prepared(url)
    assert passes(away.value)
    assert "secret" not in str(away.value)


def test_one_that_waits_for_its_retry_is_put_off_no_longer_than_its_longest_wait(
    make_url: Callable[[], str],
) -> None:
    jobs = Jobs(prepared(make_url()), "default", patient=False, max_wait=60)
    workflow = jobs.enqueue(job(1), 10)
    bounced = jobs.debounce(job(2), 3600)
    assert bounced == workflow
    [status] = jobs.find([bounced])
    now = time.time()
    assert (status.is_due(now + 5), status.is_due(now + 70)) == (False, True)
    jobs.close()
