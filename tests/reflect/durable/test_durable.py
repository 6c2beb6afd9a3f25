"""Durable reflection in one process, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda

from longterm.errors import ConfigurationError, InvalidInputError, ReflectionError
from longterm.reflect import LocalReflectionExecutor, ReflectionExecutor, Retry
from longterm.reflect.durable import DurableExecutor
from longterm.reflect.durable.dbos_client import process

SOON = 30


@dataclass
class Desk:
    """An executor whose reflector does what the payload says, and notes it."""

    url: str
    seen: list[tuple[Any, RunnableConfig]] = field(default_factory=list[Any])
    gates: dict[str, threading.Event] = field(default_factory=dict[str, threading.Event])
    failures: dict[str, int] = field(default_factory=dict[str, int])
    executor: LocalReflectionExecutor = field(init=False)

    def __post_init__(self) -> None:
        retry = Retry(attempts=3, first=0.1, factor=1)
        self.executor = ReflectionExecutor(
            RunnableLambda(self.reflect), durable=self.url, retry=retry, max_workers=4
        )

    def reflect(self, payload: Any, config: RunnableConfig) -> Any:
        self.seen.append((payload, config))
        name = str(payload)
        if name in self.gates:
            assert self.gates[name].wait(SOON)
        if self.failures.get(name, 0) > 0:
            self.failures[name] -= 1
            raise TimeoutError(name)
        if name.startswith("bad"):
            raise ValueError(f"cannot do {payload}")
        return ("done", payload)

    def payloads(self, prefix: str) -> list[Any]:
        return [payload for payload, _ in self.seen if str(payload).startswith(prefix)]

    def await_start(self, payload: str) -> None:
        until(lambda: payload in self.payloads(payload))


@pytest.fixture(scope="module")
def desk(make_url: Callable[[], str]) -> Iterator[Desk]:
    desk = Desk(make_url())
    yield desk
    desk.executor.shutdown()


def thread(name: str, **more: Any) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": name, **more})


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_five_submits_in_quick_succession_make_one_run_with_the_last(desk: Desk) -> None:
    futures = [
        desk.executor.submit(f"five {n}", thread("five"), after_seconds=3600) for n in range(5)
    ]
    desk.executor.flush()
    assert futures[-1].result(SOON) == ("done", "five 4")
    assert [future.cancelled() for future in futures] == [True] * 4 + [False]
    assert desk.payloads("five") == ["five 4"]


def test_payload_and_config_arrive_as_they_were_with_a_job_id(desk: Desk) -> None:
    message = HumanMessage("hello", id="m1")
    config = thread("arrive", user_id="ann", client=object())
    future = desk.executor.submit(("arrive", [message]), config)
    assert future.result(SOON) == ("done", ("arrive", [message]))
    [(payload, seen)] = [pair for pair in desk.seen if pair[0][0] == "arrive"]
    assert payload == ("arrive", [message])
    configurable = seen.get("configurable", {})
    assert (configurable["thread_id"], configurable["user_id"]) == ("arrive", "ann")
    assert len(configurable["longterm_job_id"]) == 32
    assert "client" not in configurable


def test_one_that_arrives_during_a_run_runs_afterwards(desk: Desk) -> None:
    desk.gates["during 1"] = threading.Event()
    first = desk.executor.submit("during 1", thread("during"))
    desk.await_start("during 1")
    second = desk.executor.submit("during 2", thread("during"))
    third = desk.executor.submit("during 3", thread("during"))
    time.sleep(3)  # long enough for DBOS to hand them out, while the first still runs
    assert desk.payloads("during") == ["during 1"]
    desk.gates["during 1"].set()
    assert first.result(SOON) == ("done", "during 1")
    assert third.result(SOON) == ("done", "during 3")
    with pytest.raises(CancelledError):
        second.result(SOON)
    assert desk.payloads("during") == ["during 1", "during 3"]


def test_tasks_without_a_thread_never_touch_each_other(desk: Desk) -> None:
    futures = [desk.executor.submit(f"free {n}", {}) for n in range(6)]
    assert [future.result(SOON)[1] for future in futures] == [f"free {n}" for n in range(6)]


def test_a_failure_is_on_the_future_in_the_log_and_in_failed(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    future = desk.executor.submit("bad idea", thread("fails"))
    with pytest.raises(ValueError, match="cannot do bad idea"):
        future.result(SOON)
    assert "Reflection of thread fails failed" in caplog.text
    [failure] = [f for f in desk.executor.failed() if f.thread_id == "fails"]
    assert failure.error.startswith("ValueError in ")
    assert "bad idea" not in failure.error + caplog.text
    assert failure.attempts == 1
    assert abs(failure.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_failure_can_be_tried_again(desk: Desk) -> None:
    desk.failures["again"] = 3
    with pytest.raises(TimeoutError):
        desk.executor.submit("again", thread("again")).result(SOON)
    [failure] = [f for f in desk.executor.failed() if f.thread_id == "again"]
    assert failure.attempts == 3
    assert desk.executor.retry(failure.id).result(SOON) == ("done", "again")
    assert failure.id not in [f.id for f in desk.executor.failed()]
    with pytest.raises(ConfigurationError, match="No failed reflection"):
        desk.executor.retry(failure.id)
    ids = {c.get("configurable", {})["longterm_job_id"] for p, c in desk.seen if p == "again"}
    assert len(ids) == 1


def test_an_error_that_passes_is_retried(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.failures["passes"] = 2
    with caplog.at_level(logging.WARNING):
        assert desk.executor.submit("passes", thread("passes")).result(SOON) == ("done", "passes")
    assert desk.payloads("passes") == ["passes"] * 3
    assert caplog.text.count("next try in") == 2


def test_a_newer_submit_replaces_one_that_waits_for_its_retry(desk: Desk) -> None:
    desk.failures["retry old"] = 99
    old = desk.executor.submit("retry old", thread("retry"))
    desk.await_start("retry old")
    new = desk.executor.submit("retry new", thread("retry"))
    assert new.result(SOON) == ("done", "retry new")
    with pytest.raises((CancelledError, TimeoutError)):
        old.result(SOON)
    tried = len(desk.payloads("retry old"))
    time.sleep(1.5)
    assert len(desk.payloads("retry old")) == tried


def test_a_pending_one_that_its_owner_cancels_never_runs(desk: Desk) -> None:
    future = desk.executor.submit("cancelled", thread("cancel"), after_seconds=3600)
    kept = desk.executor.submit("kept", thread("cancel 2"), after_seconds=3600)
    assert future.cancel()
    desk.executor.flush()
    assert kept.result(SOON)
    assert desk.payloads("cancelled") == []


def test_the_queue_is_what_runs_and_what_waits_on_every_worker(desk: Desk) -> None:
    desk.gates["queue now"] = threading.Event()
    now = desk.executor.submit("queue now", thread("queue now"))
    desk.await_start("queue now")
    later = desk.executor.submit("queue later", thread("queue later"), after_seconds=60)
    queue = [one for one in desk.executor.queue() if "queue" in (one.thread_id or "")]
    assert [(one.thread_id, one.running) for one in queue] == [
        ("queue now", True),
        ("queue later", False),
    ]
    assert later.cancel()
    desk.gates["queue now"].set()
    now.result(SOON)


def test_a_running_one_cannot_be_cancelled(desk: Desk) -> None:
    desk.gates["runs on"] = threading.Event()
    future = desk.executor.submit("runs on", thread("runs on"))
    desk.await_start("runs on")
    assert not future.cancel()
    desk.gates["runs on"].set()
    assert future.result(SOON) == ("done", "runs on")
    assert not future.cancel()


def test_one_that_waits_for_its_retry_can_be_cancelled(desk: Desk) -> None:
    desk.failures["give up"] = 99
    retry = Retry(attempts=2, first=3600)
    slow = ReflectionExecutor(
        RunnableLambda(desk.reflect), durable=desk.url, name="slow", retry=retry
    )
    future = slow.submit("give up", thread("give up"))
    desk.await_start("give up")
    until(future.cancel)
    assert future.cancelled()
    slow.flush()
    assert slow.submit("and then", thread("and then")).result(SOON) == ("done", "and then")
    assert desk.payloads("give up") == ["give up"]
    slow.shutdown()


def test_a_thread_that_never_calms_down_is_reflected_after_its_longest_wait(desk: Desk) -> None:
    reflector: RunnableLambda[Any, Any] = RunnableLambda(lambda x: x)
    with ReflectionExecutor(
        reflector, durable=desk.url, name="busy", max_wait_seconds=2
    ) as executor:
        futures = [executor.submit(n, thread("busy"), after_seconds=3600) for n in range(3)]
        assert futures[-1].result(SOON) == 2


def test_flush_makes_what_is_pending_due_now(desk: Desk) -> None:
    future = desk.executor.submit("flushed", thread("flush"), after_seconds=3600)
    desk.executor.flush()
    assert future.result(SOON) == ("done", "flushed")


async def test_it_works_from_async_code(desk: Desk) -> None:
    futures = [await desk.executor.asubmit(f"async {n}", thread("async")) for n in range(2)]
    assert (await asyncio.wrap_future(futures[-1]))[1] == "async 1"


def test_what_cannot_be_stored_is_refused_at_submit(desk: Desk) -> None:
    with pytest.raises(InvalidInputError, match="cannot be stored"):
        desk.executor.submit({"messages": [object()]}, thread("refused"))


def test_another_executor_needs_another_name_and_the_same_database(desk: Desk) -> None:
    reflector: RunnableLambda[Any, Any] = RunnableLambda(lambda x: ("episode", x))
    with pytest.raises(ConfigurationError, match="name of its own"):
        ReflectionExecutor(reflector, durable=desk.url)
    with pytest.raises(ConfigurationError, match="share one database"):
        ReflectionExecutor(reflector, durable="sqlite:////tmp/other.db", name="other")
    with ReflectionExecutor(reflector, durable=desk.url, name="episodes") as episodes:
        assert episodes.submit(1, thread("t")).result(SOON) == ("episode", 1)
        assert episodes.failed() == []


def test_a_process_may_submit_without_working(desk: Desk) -> None:
    idle = ReflectionExecutor(RunnableLambda(lambda _: 1 / 0), durable=desk.url, max_workers=0)
    assert idle.submit("elsewhere", thread("elsewhere")).result(SOON) == ("done", "elsewhere")
    with pytest.raises(ReflectionError, match="ValueError in "):
        idle.submit("bad elsewhere", thread("elsewhere")).result(SOON)
    idle.shutdown()
    with pytest.raises(ConfigurationError, match="shut down"):
        idle.submit("late", {})


def test_finished_jobs_are_deleted_after_their_time(desk: Desk) -> None:
    desk.executor.submit("old", thread("old")).result(SOON)
    executor = desk.executor
    assert isinstance(executor, DurableExecutor)
    assert executor.jobs.listed(["SUCCESS"])
    executor.keep = timedelta(0)
    time.sleep(0.1)
    process.clean()
    executor.keep = timedelta(days=7)
    assert executor.jobs.listed(["SUCCESS", "ERROR", "CANCELLED"]) == []
