"""The function behind ``longterm worker``."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from langchain_core.runnables import RunnableLambda

from longterm.errors import ConfigurationError
from longterm.reflect import ReflectionExecutor
from longterm.reflect.worker import load_reflector, run_worker

seen: list[str] = []
reflector: RunnableLambda[str, None] = RunnableLambda(seen.append)
no_reflector = "a text"


def test_it_works_on_what_is_pending_until_it_is_told_to_stop(sqlite: Callable[[], str]) -> None:
    url, stop = sqlite(), threading.Event()
    submitter = ReflectionExecutor(reflector, durable=url, max_workers=0)
    future = submitter.submit("pending", {})
    said: list[str] = []
    options = {"until": stop, "started": said.append, "name": "default"}
    worker = threading.Thread(target=run_worker, args=(reflector, url), kwargs=options)
    worker.start()
    future.result(30)
    stop.set()
    worker.join(30)
    assert not worker.is_alive()
    assert seen == ["pending"]
    assert len(said) == 1
    assert "up to 8 at a time of what is submitted as 'default' to sqlite:///" in said[0]
    submitter.shutdown()


def test_a_reflector_is_found_by_module_and_name() -> None:
    assert load_reflector(f"{__name__}:reflector") is reflector
    assert load_reflector(__name__) is reflector


@pytest.mark.parametrize("where", ["nowhere:at_all", f"{__name__}:missing", ":x", "json:dumps"])
def test_what_is_no_reflector_is_said(where: str) -> None:
    with pytest.raises(ConfigurationError, match="Runnable"):
        load_reflector(where)


def test_a_worker_that_would_do_nothing_is_refused(sqlite: Callable[[], str]) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        run_worker(reflector, sqlite(), max_workers=0)
