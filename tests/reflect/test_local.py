"""Reflection in this process: what is promised, without a single sleep."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.config import get_store
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph
from langgraph.store.base import BaseStore, Op, PutOp
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import ask, write
from longterm.errors import (
    ConfigurationError,
    InvalidInputError,
    NoStoreError,
    ReflectionTimeoutError,
)
from longterm.memory.namespace import NamespaceTemplate
from longterm.reflect import Budget, ManualClock, ReflectionExecutor, Retry, Usage
from longterm.testing import ScriptedChatModel

#: LangGraph's types say less of a graph than a test wants to use.
graph: Any = entrypoint

SOON = 10  # seconds a test is ready to wait for another thread


class Notes:
    """A reflector that notes what it is asked; `hold` makes it wait until `go`."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.configs: list[RunnableConfig] = []
        self.started = threading.Semaphore(0)
        self.go = threading.Event()
        self.go.set()
        self.most = 0
        self._here = 0
        self._lock = threading.Lock()

    def hold(self) -> None:
        self.go.clear()

    def await_start(self) -> None:
        assert self.started.acquire(timeout=SOON)

    def reflect(self, payload: Any, config: RunnableConfig) -> Any:
        with self._lock:
            self.seen.append(payload)
            self.configs.append(config)
            self._here += 1
            self.most = max(self.most, self._here)
        self.started.release()
        assert self.go.wait(SOON)
        with self._lock:
            self._here -= 1
        return f"done: {payload}"

    @property
    def runnable(self) -> RunnableLambda[Any, Any]:
        return RunnableLambda(self.reflect)


class Logged(logging.Handler):
    """Sets an event when something is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.event = threading.Event()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.event.set()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())


def thread(name: str, **more: Any) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": name, **more})


def test_five_submits_in_a_row_make_one_run_with_the_last(notes: Notes, clock: ManualClock) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    futures = [executor.submit(n, thread("t"), after_seconds=30) for n in range(5)]
    clock.advance(30)
    assert futures[-1].result(SOON) == "done: 4"
    assert [future.cancelled() for future in futures] == [True] * 4 + [False]
    assert notes.seen == [4]


def test_each_submit_starts_the_delay_anew(notes: Notes, clock: ManualClock) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    executor.submit("first", thread("t"), after_seconds=30)
    clock.advance(20)
    last = executor.submit("last", thread("t"), after_seconds=30)
    clock.advance(29.5)
    assert not last.done()
    clock.advance(0.5)
    assert last.result(SOON) == "done: last"
    assert notes.seen == ["last"]


def test_delays_may_be_fractions(notes: Notes, clock: ManualClock) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    future = executor.submit("x", thread("t"), after_seconds=0.25)
    clock.advance(0.25)
    assert future.result(SOON) == "done: x"


def test_one_that_arrives_during_a_run_starts_a_second_run_afterwards(notes: Notes) -> None:
    executor = ReflectionExecutor(notes.runnable)
    notes.hold()
    first = executor.submit("first", thread("t"))
    notes.await_start()
    second = executor.submit("second", thread("t"))
    assert not first.cancel()
    notes.go.set()
    assert (first.result(SOON), second.result(SOON)) == ("done: first", "done: second")
    assert notes.most == 1


def test_tasks_without_a_thread_never_touch_each_other(notes: Notes, clock: ManualClock) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    futures = [executor.submit(name, {}, after_seconds=1) for name in ("ann", "bob")]
    futures.append(executor.submit("cyd", thread("t"), after_seconds=1, thread_id=None))
    clock.advance(1)
    assert [future.result(SOON) for future in futures] == ["done: ann", "done: bob", "done: cyd"]


def test_a_thread_id_that_is_given_wins_over_that_of_the_config(
    notes: Notes, clock: ManualClock
) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    replaced = executor.submit("a", thread("t"), after_seconds=1, thread_id="other")
    executor.submit("b", thread("t"), after_seconds=1)
    executor.submit("c", {}, after_seconds=1, thread_id="other")
    assert replaced.cancelled()


def test_threads_are_reflected_in_parallel_up_to_max_workers(notes: Notes) -> None:
    executor = ReflectionExecutor(notes.runnable, max_workers=3)
    notes.hold()
    futures = [executor.submit(n, thread(str(n))) for n in range(10)]
    for _ in range(3):
        notes.await_start()
    notes.go.set()
    for future in futures:
        future.result(SOON)
    assert notes.most == 3


def test_quick_reflections_that_are_due_together_end_in_their_order(clock: ManualClock) -> None:
    second_is_over, ended = threading.Event(), list[str]()

    def reflect(payload: str) -> str:
        if payload == "first":
            assert second_is_over.wait(SOON)
        else:
            second_is_over.set()
        return payload

    executor = ReflectionExecutor(RunnableLambda(reflect), clock=clock)
    futures = [executor.submit(name, thread(name), after_seconds=9) for name in ("first", "second")]
    for future in futures:
        future.add_done_callback(lambda future: ended.append(future.result()))
    clock.advance(9)
    assert futures[1].result(SOON) == "second"
    assert ended == ["first", "second"]


def test_a_slow_thread_and_a_far_one_delay_nobody(notes: Notes, clock: ManualClock) -> None:
    release = threading.Event()

    def reflect(payload: str) -> str:
        if payload == "slow":
            assert release.wait(SOON)
        return payload

    executor = ReflectionExecutor(RunnableLambda(reflect), clock=clock)
    executor.submit("far", thread("far"), after_seconds=3600)
    slow = executor.submit("slow", thread("slow"))
    assert executor.submit("now", thread("now")).result(SOON) == "now"
    assert not slow.done()
    release.set()


def test_a_failure_is_on_the_future_in_the_log_and_nowhere_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def reflect(payload: str) -> str:
        if payload == "bad":
            raise ValueError("no such memory")
        return payload

    executor = ReflectionExecutor(RunnableLambda(reflect))
    bad, good = (executor.submit(p, thread(p)) for p in ("bad", "good"))
    with pytest.raises(ValueError, match="no such memory"):
        bad.result(SOON)
    assert good.result(SOON) == "good"
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "thread bad failed" in record.getMessage()
    assert f"ValueError in {__name__}:" in record.getMessage()
    assert record.exc_info is None
    assert "no such memory" not in caplog.text


def test_the_queue_is_what_runs_and_what_waits_until_it_is_done() -> None:
    began, go_on = threading.Event(), threading.Event()

    def reflect(_payload: str) -> None:
        began.set()
        assert go_on.wait(SOON)

    with ReflectionExecutor(RunnableLambda(reflect)) as executor:
        first = executor.submit("x", thread("now"))
        assert began.wait(SOON)
        executor.submit("y", thread("later"), after_seconds=60)
        assert [(one.thread_id, one.running) for one in executor.queue()] == [
            ("now", True),
            ("later", False),
        ]
        go_on.set()
        first.result(SOON)
        executor.flush()
    assert executor.queue() == []


@pytest.mark.parametrize(
    "said",
    ["postgresql://ann:S1@db/x", "key sk-S1 is wrong", 'Ann said: "my pin is S1"', "\ud800S1"],
)
def test_what_an_error_says_is_neither_logged_nor_kept(
    said: str, caplog: pytest.LogCaptureFixture
) -> None:
    def reflect(payload: str) -> str:
        raise ValueError(payload)

    with ReflectionExecutor(RunnableLambda(reflect)) as executor:
        with pytest.raises(ValueError, match="S1"):
            executor.submit(said, thread("t")).result(SOON)
        [failure] = executor.failed()
    assert failure.error.startswith("ValueError in ")
    assert "S1" not in failure.error + caplog.text


def test_even_an_error_outside_the_tree_leaves_the_executor_alive() -> None:
    class Rude(BaseException):
        pass

    def reflect(payload: str) -> str:
        if payload == "rude":
            raise Rude
        return payload

    executor = ReflectionExecutor(RunnableLambda(reflect), max_workers=1)
    rude = executor.submit("rude", {})
    with pytest.raises(Rude):
        rude.result(SOON)
    assert executor.submit("next", {}).result(SOON) == "next"


def test_an_error_that_cannot_even_be_told_leaves_the_executor_alive() -> None:
    class MuteError(Exception):
        @override
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def reflect(payload: str) -> str:
        if payload == "mute":
            raise MuteError
        return payload

    executor = ReflectionExecutor(RunnableLambda(reflect), max_workers=1)
    with pytest.raises(MuteError):
        executor.submit("mute", thread("t")).result(SOON)
    assert executor.submit("next", thread("t")).result(SOON) == "next"
    [failure] = executor.failed()
    assert failure.error.startswith("MuteError in ")


def test_a_callback_that_ends_its_thread_leaves_the_executor_alive(notes: Notes) -> None:
    def leave(_: Future[Any]) -> None:
        raise SystemExit

    executor = ReflectionExecutor(notes.runnable, max_workers=1)
    notes.hold()
    first = executor.submit("first", thread("t"))
    first.add_done_callback(leave)
    notes.await_start()
    notes.go.set()
    assert executor.submit("next", thread("t")).result(SOON) == "done: next"
    executor.shutdown()


def test_a_system_without_threads_makes_reflections_wait(notes: Notes, clock: ManualClock) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    waits = executor.submit("waits", thread("t"), after_seconds=5)
    logged = Logged()
    logging.getLogger("longterm.reflect").addHandler(logged)
    usual = threading.stack_size(2**47)  # more than there is: no thread can start
    try:
        clock.advance(5)
        assert logged.event.wait(SOON)
    finally:
        threading.stack_size(usual)
        logging.getLogger("longterm.reflect").removeHandler(logged)
    assert not waits.done()
    clock.advance(1)
    assert waits.result(SOON) == "done: waits"


def test_failures_can_be_seen_and_tried_again() -> None:
    answers: Iterator[Callable[[], str]] = iter([lambda: str(1 // 0), lambda: "worked"])
    executor = ReflectionExecutor(RunnableLambda(lambda _: next(answers)()))  # pyright: ignore[reportUnknownLambdaType]
    with pytest.raises(ZeroDivisionError):
        executor.submit("x", thread("t")).result(SOON)
    [failure] = executor.failed()
    assert (failure.thread_id, failure.attempts) == ("t", 1)
    assert failure.error.startswith("ZeroDivisionError")
    assert executor.retry(failure.id).result(SOON) == "worked"
    assert executor.failed() == []
    with pytest.raises(ConfigurationError, match="failed"):
        executor.retry(failure.id)


def test_a_failure_that_passes_is_retried_where_asked_for(clock: ManualClock) -> None:
    failed = threading.Semaphore(0)
    answers: Iterator[bool] = iter([False, False, True])

    def reflect(payload: str) -> str:
        if next(answers):
            return payload
        failed.release()
        raise TimeoutError

    executor = ReflectionExecutor(RunnableLambda(reflect), clock=clock, retry=Retry(attempts=3))
    future = executor.submit("x", thread("t"))
    for wait in (2, 6):
        assert failed.acquire(timeout=SOON)
        _until(lambda: len(executor._queue) == 1)  # type: ignore[attr-defined]
        clock.advance(wait)
    assert future.result(SOON) == "x"


def test_a_newer_submit_replaces_one_that_waits_for_its_retry(clock: ManualClock) -> None:
    failed = threading.Event()

    def reflect(payload: str) -> str:
        if payload == "old":
            failed.set()
            raise TimeoutError
        return payload

    executor = ReflectionExecutor(RunnableLambda(reflect), clock=clock, retry=Retry(attempts=3))
    old = executor.submit("old", thread("t"))
    assert failed.wait(SOON)
    _until(lambda: len(executor._queue) == 1)  # type: ignore[attr-defined]
    new = executor.submit("new", thread("t"))
    assert new.result(SOON) == "new"
    with pytest.raises(CancelledError):
        old.result(SOON)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_shutdown_waits_for_each_at_its_time(notes: Notes, clock: ManualClock) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    future = executor.submit("later", thread("t"), after_seconds=60)
    ended = threading.Event()
    threading.Thread(target=lambda: (executor.shutdown(wait=True), ended.set())).start()
    clock.advance(59)
    assert not ended.wait(0.05)
    assert notes.seen == []
    clock.advance(1)
    assert ended.wait(SOON)
    assert future.result(0) == "done: later"


def test_flush_makes_what_is_pending_due_now(notes: Notes, clock: ManualClock) -> None:
    with ReflectionExecutor(notes.runnable, clock=clock) as executor:
        future = executor.submit("later", thread("t"), after_seconds=3600)
        executor.flush()
    assert future.result(0) == "done: later"


def test_shutdown_can_cancel_what_is_pending_and_finishes_what_runs(
    notes: Notes, clock: ManualClock
) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    notes.hold()
    running = executor.submit("running", thread("a"))
    notes.await_start()
    pending = [
        executor.submit(n, config, after_seconds=5)
        for n, config in enumerate((thread("b"), RunnableConfig(), RunnableConfig()))
    ]
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in pending)
    notes.go.set()
    executor.shutdown(wait=True)
    assert running.result(0) == "done: running"
    assert notes.seen == ["running"]


def test_shutdown_without_waiting_still_runs_what_was_accepted(notes: Notes) -> None:
    executor = ReflectionExecutor(notes.runnable)
    future = executor.submit("x", {})
    executor.shutdown(wait=False)
    assert future.result(SOON) == "done: x"


def test_submit_after_shutdown_is_refused(notes: Notes) -> None:
    executor = ReflectionExecutor(notes.runnable)
    executor.shutdown()
    with pytest.raises(ConfigurationError, match="shut down"):
        executor.submit("x", {})


def test_a_pending_task_that_its_owner_cancels_is_gone(notes: Notes, clock: ManualClock) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    future = executor.submit("x", thread("t"), after_seconds=5)
    assert future.cancel()
    executor.shutdown(wait=True)
    assert notes.seen == []


def test_the_config_of_the_caller_stays_as_it_is(notes: Notes) -> None:
    config = thread("t", user_id="ann")
    before = copy.deepcopy(config)
    ReflectionExecutor(notes.runnable, store=InMemoryStore()).submit("x", config).result(SOON)
    assert config == before


def test_messages_that_are_added_later_do_not_count(notes: Notes, clock: ManualClock) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    messages = [HumanMessage("hello")]
    future = executor.submit({"messages": messages}, {}, after_seconds=1)
    messages.append(HumanMessage("too late"))
    clock.advance(1)
    future.result(SOON)
    assert len(notes.seen[0]["messages"]) == 1


def test_what_is_done_to_a_payload_or_config_later_does_not_count(
    notes: Notes, clock: ManualClock
) -> None:
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    spoken, written = HumanMessage("hello"), {"role": "user", "content": "hello"}
    config = thread("t", profile={"langs": ["en"]})
    future = executor.submit({"messages": [spoken, written]}, config, after_seconds=1)
    spoken.content = written["content"] = "changed"
    config.get("configurable", {})["profile"]["langs"].append("fr")
    clock.advance(1)
    future.result(SOON)
    assert notes.seen == [
        {"messages": [HumanMessage("hello"), {"role": "user", "content": "hello"}]}
    ]
    assert notes.configs[0].get("configurable", {})["profile"] == {"langs": ["en"]}


def test_a_config_may_go_round_in_circles(notes: Notes) -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    executor = ReflectionExecutor(notes.runnable)
    assert executor.submit("x", thread("t", circle=circle)).result(SOON) == "done: x"


@pytest.mark.parametrize("delay", [math.nan, math.inf, 1e15])
def test_a_delay_without_end_is_refused(notes: Notes, delay: float) -> None:
    with pytest.raises(InvalidInputError, match="after_seconds is"):
        ReflectionExecutor(notes.runnable).submit("x", {}, after_seconds=delay)


def test_a_delay_below_zero_is_none(notes: Notes) -> None:
    future = ReflectionExecutor(notes.runnable).submit("x", {}, after_seconds=-math.inf)
    assert future.result(SOON) == "done: x"


def test_a_thread_that_never_calms_down_is_reflected_after_its_longest_wait(
    notes: Notes, clock: ManualClock
) -> None:
    executor = ReflectionExecutor(notes.runnable, max_wait_seconds=100, clock=clock)
    for turn in range(9):  # a message every 11 seconds, and 30 of silence asked for
        executor.submit(turn, thread("busy"), after_seconds=30)
        clock.advance(11)
    last = executor.submit(9, thread("busy"), after_seconds=30)
    assert notes.seen == []
    clock.advance(1)
    assert last.result(SOON) == "done: 9"
    later = executor.submit(10, thread("busy"), after_seconds=30)
    clock.advance(29)
    assert not later.done()
    clock.advance(1)
    assert later.result(SOON) == "done: 10"


@pytest.mark.parametrize("wait", [0, -1, math.nan, math.inf])
def test_a_longest_wait_is_some_time(notes: Notes, wait: float) -> None:
    with pytest.raises(ConfigurationError, match="max_wait_seconds"):
        ReflectionExecutor(notes.runnable, max_wait_seconds=wait)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_reflects_on_its_own_and_leaves_the_rest_to_its_parent() -> None:
    program = """
import os
from langchain_core.runnables import RunnableLambda
from longterm.reflect import ReflectionExecutor

def reflect(payload):
    print(payload, flush=True)

executor = ReflectionExecutor(RunnableLambda(reflect))
executor.submit("parent", {}, after_seconds=3600)
child = os.fork()
if not child:
    executor.submit("child", {}).result(30)
    executor.shutdown()
    os._exit(0)
os.waitpid(child, 0)
executor.flush()
executor.shutdown()
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert (ended.stdout, ended.returncode) == ("child\nparent\n", 0), ended.stderr


def test_no_thread_is_left_when_nothing_waits(notes: Notes) -> None:
    before = threading.active_count()
    for _ in range(20):
        ReflectionExecutor(notes.runnable).submit("x", {}).result(SOON)
    _until(lambda: threading.active_count() <= before)


def test_no_executor_is_kept_alive_when_nothing_waits(notes: Notes) -> None:
    import weakref

    executor = ReflectionExecutor(notes.runnable)
    executor.submit("x", {}).result(SOON)
    executor.shutdown()
    gone = weakref.ref(executor)
    del executor
    _until(lambda: gc.collect() >= 0 and gone() is None)


def test_ten_thousand_pending_threads_need_one_thread(notes: Notes, clock: ManualClock) -> None:
    before = {*threading.enumerate()}
    executor = ReflectionExecutor(notes.runnable, clock=clock)
    futures = [executor.submit(n, thread(str(n)), after_seconds=60) for n in range(10_000)]
    assert len({*threading.enumerate()} - before) == 1
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in futures)


def test_a_program_that_forgets_shutdown_ends() -> None:
    program = """
from langchain_core.runnables import RunnableLambda
from longterm.reflect import ReflectionExecutor
executor = ReflectionExecutor(RunnableLambda(lambda x: print("ran", x)))
executor.submit(1, {}).result(30)
executor.submit(2, {}, after_seconds=3600)
"""
    ended = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "ran 1\n"


# Stores and configs


class Remember(FlowRunnable[Any, Any]):
    """A small stand-in for a manager: stores what it is given where its namespace says."""

    def __init__(self, store: BaseStore | None = None, model: Any = None) -> None:
        self.store = store
        self.model = model
        self.namespace = NamespaceTemplate(("notes", "{user_id}"))

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> Any:
        if self.model is not None:
            await ask(self.model, [HumanMessage("?")])
        await write([PutOp(self.namespace(config), "note", {"content": input})])
        return input


def test_the_store_of_the_executor_is_lent_to_the_reflector() -> None:
    store = InMemoryStore()
    executor = ReflectionExecutor(Remember(), store=store)
    executor.submit("tea", thread("t", user_id="ann")).result(SOON)
    assert store.get(("notes", "ann"), "note").value == {"content": "tea"}  # type: ignore[union-attr]


def test_the_store_and_config_of_the_calling_graph_are_used_each_time_anew() -> None:
    executor = ReflectionExecutor(Remember())
    stores = {"ann": InMemoryStore(), "bob": InMemoryStore()}
    for user, store in stores.items():

        @graph(store=store)
        def chat(message: str) -> Future[Any]:
            return executor.submit(message, after_seconds=0)

        chat.invoke(f"{user}'s", thread(user, user_id=user)).result(SOON)
    found = {user: [i.key for i in s.search(("notes",))] for user, s in stores.items()}
    assert found == {"ann": ["note"], "bob": ["note"]}
    assert stores["ann"].get(("notes", "bob"), "note") is None


async def test_it_works_in_async_graphs() -> None:
    store = InMemoryStore()
    executor = ReflectionExecutor(Remember())

    @graph(store=store)
    async def chat(message: str) -> Future[Any]:
        return await executor.asubmit(message)

    future = await chat.ainvoke("tea", thread("t", user_id="ann"))
    assert await asyncio.wrap_future(future) == "tea"
    assert store.get(("notes", "ann"), "note") is not None


def test_any_runnable_finds_the_store_as_in_a_graph() -> None:
    store = InMemoryStore()

    def reflect(payload: str) -> None:
        get_store().put(("any",), payload, {"content": payload})

    wrapped = RunnableLambda(reflect).with_retry()
    ReflectionExecutor(wrapped, store=store).submit("key", {}).result(SOON)
    assert store.get(("any",), "key") is not None


def test_a_reflector_with_its_own_store_keeps_it() -> None:
    own, given = InMemoryStore(), InMemoryStore()
    executor = ReflectionExecutor(Remember(own), store=given)
    executor.submit("tea", thread("t", user_id="ann")).result(SOON)
    assert own.get(("notes", "ann"), "note") is not None
    assert given.get(("notes", "ann"), "note") is None


def test_having_no_store_at_all_is_said_at_submit() -> None:
    with pytest.raises(NoStoreError):
        ReflectionExecutor(Remember()).submit("tea", thread("t", user_id="ann"))


def test_a_missing_namespace_key_is_that_tasks_error_alone() -> None:
    executor = ReflectionExecutor(Remember(), store=InMemoryStore(), max_workers=1)
    bad = executor.submit("x", thread("t"))
    good = executor.submit("y", thread("u", user_id="ann"))
    with pytest.raises(ConfigurationError, match="user_id"):
        bad.result(SOON)
    assert good.result(SOON) == "y"


def test_a_missing_namespace_key_is_said_where_there_is_a_budget_too() -> None:
    budget = Budget(calls_per_day=1)
    executor = ReflectionExecutor(Remember(), store=InMemoryStore(), budget=budget)
    with pytest.raises(ConfigurationError, match="user_id"):
        executor.submit("x", thread("t")).result(SOON)


def test_nothing_of_the_calling_run_reaches_the_reflection(notes: Notes) -> None:
    executor = ReflectionExecutor(notes.runnable)

    @graph(store=InMemoryStore())
    def chat(message: str, config: RunnableConfig) -> Future[Any]:
        return executor.submit(message, config)

    stream = chat.stream("x", thread("t", user_id="ann"), stream_mode=["messages", "updates"])
    [future] = [update["chat"] for _, update in stream]
    future.result(SOON)
    [seen] = notes.configs
    assert seen.get("configurable", {})["user_id"] == "ann"
    assert seen.get("metadata", {}).get("langgraph_node") != "chat"
    handlers: list[Any] = cast("Any", seen)["callbacks"].inheritable_handlers
    assert not [h for h in handlers if type(h).__name__ == "StreamMessagesHandler"]


def test_search_reads_the_namespace_of_the_reflector() -> None:
    store = InMemoryStore()
    store.put(("notes", "ann"), "k", {"content": "tea"})
    executor = ReflectionExecutor(Remember(), store=store)
    with pytest.raises(ConfigurationError, match="user_id"):
        executor.search()  # outside a graph no user is known
    [item] = executor.search(namespace=("notes", "ann"))
    assert (item["namespace"], item["key"], item["value"]) == (
        ["notes", "ann"],
        "k",
        {"content": "tea"},
    )


async def test_search_works_inside_a_graph_with_the_graphs_config_and_store() -> None:
    store = InMemoryStore()
    store.put(("notes", "ann"), "k", {"content": "tea"})
    executor = ReflectionExecutor(Remember())

    @graph(store=store)
    async def chat(query: str) -> int:
        return len(executor.search(query)) + len(await executor.asearch(query))

    assert await chat.ainvoke("tea", thread("t", user_id="ann")) == 2


def test_search_without_a_namespace_or_a_store_says_what_to_do(notes: Notes) -> None:
    with pytest.raises(ConfigurationError, match="namespace="):
        ReflectionExecutor(notes.runnable, store=InMemoryStore()).search()
    with pytest.raises(NoStoreError):
        ReflectionExecutor(notes.runnable).search(namespace="notes")


# Costs


def _reply(tokens: int) -> AIMessage:
    usage = {"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1}
    return AIMessage("fine", usage_metadata=usage)  # type: ignore[arg-type]


def test_usage_is_summed_per_namespace() -> None:
    reflector = Remember(InMemoryStore(), ScriptedChatModel(_reply(10), _reply(20), _reply(5)))
    executor = ReflectionExecutor(reflector, max_workers=1)
    for user in ("ann", "ann", "bob"):
        executor.submit("x", thread("t", user_id=user)).result(SOON)
    assert executor.usage() == {
        ("notes", "ann"): Usage(2, 30, 2),
        ("notes", "bob"): Usage(1, 5, 1),
    }


def test_over_its_budget_a_namespace_waits_for_the_next_day(clock: ManualClock) -> None:
    reflector = Remember(InMemoryStore(), ScriptedChatModel(*[_reply(10)] * 3))
    executor = ReflectionExecutor(reflector, clock=clock, budget=Budget(tokens_per_day=11))
    executor.submit("1", thread("a", user_id="ann")).result(SOON)
    waits = executor.submit("2", thread("b", user_id="ann"))
    executor.submit("3", thread("c", user_id="bob")).result(SOON)
    clock.advance(11 * 3600)
    assert not waits.done()
    clock.advance(3600)
    assert waits.result(SOON) == "2"


async def test_async_with_waits_without_blocking_the_loop(notes: Notes) -> None:
    loop = asyncio.get_running_loop()

    def reflect(payload: str) -> str:  # needs the loop, as LangGraph's async stores do
        return asyncio.run_coroutine_threadsafe(asyncio.sleep(0, payload), loop).result(SOON)

    async with ReflectionExecutor(RunnableLambda(reflect)) as executor:
        future = executor.submit("x", thread("t"))
    assert future.result(0) == "x"


class OnLoop(InMemoryStore):
    """A store that does its work on an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop

    @override
    def batch(self, ops: Iterable[Op]) -> list[Any]:
        return asyncio.run_coroutine_threadsafe(self.abatch(ops), self.loop).result(SOON)


async def test_a_store_that_needs_the_loop_is_not_waited_for_on_it() -> None:
    executor = ReflectionExecutor(Remember(), store=OnLoop(asyncio.get_running_loop()))
    future = executor.submit("tea", thread("t", user_id="ann"))
    with pytest.warns(RuntimeWarning, match="async with"):
        executor.shutdown()
    assert await asyncio.wrap_future(future) == "tea"


def test_a_namespace_that_nothing_could_fill_is_an_error_at_submit() -> None:
    executor = ReflectionExecutor(Remember(), store=InMemoryStore())
    with pytest.raises(ConfigurationError, match="user_id"):
        executor.submit("tea")


def test_threads_of_one_name_in_two_namespaces_do_not_replace_each_other(
    clock: ManualClock,
) -> None:
    store = InMemoryStore()
    executor = ReflectionExecutor(Remember(), store=store, clock=clock)
    futures = [
        executor.submit(user, thread("main", user_id=user), after_seconds=60)
        for user in ("ann", "bob")
    ]
    clock.advance(60)
    assert [future.result(SOON) for future in futures] == ["ann", "bob"]


def test_one_that_takes_too_long_gives_up_its_place_and_is_reported(clock: ManualClock) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def reflect(payload: str) -> str:
        if payload == "hangs":
            begun.set()
            go_on.wait(SOON)
        return payload

    executor = ReflectionExecutor(RunnableLambda(reflect), max_workers=1, timeout=30, clock=clock)
    hangs = executor.submit("hangs", thread("t"))
    assert begun.wait(SOON)
    after = executor.submit("after", thread("t"))
    clock.advance(31)
    assert after.result(SOON) == "after"
    with pytest.raises(ReflectionTimeoutError, match="30 seconds"):
        hangs.result(SOON)
    assert [failure.thread_id for failure in executor.failed()] == ["t"]
    go_on.set()


def test_an_erase_drops_what_is_pending_and_what_failed(clock: ManualClock) -> None:
    executor = ReflectionExecutor(Remember(), store=InMemoryStore(), clock=clock)
    config = thread("t", user_id="ann")
    pending = executor.submit("tea", config, after_seconds=60)
    other = executor.submit("cake", thread("t", user_id="bob"), after_seconds=60)
    report = executor.erase(("notes", "ann"))
    assert report == {"pending": 1, "running": 0, "finished": 0, "usage": 0}
    assert pending.cancelled()
    clock.advance(60)
    assert other.result(SOON) == "cake"


def test_a_submit_after_shutdown_is_a_runtime_error(notes: Notes) -> None:
    executor = ReflectionExecutor(notes.runnable)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        executor.submit("x")


def test_a_thousand_failures_keep_few_payloads() -> None:
    executor = ReflectionExecutor(RunnableLambda(lambda _: 1 // 0))  # pyright: ignore[reportUnknownLambdaType]
    futures = [executor.submit(n, thread(str(n))) for n in range(150)]
    for future in futures:
        future.exception(SOON)
    failed = executor.failed()
    assert len(failed) == 150
    with pytest.raises(ConfigurationError, match="last 100"):
        executor.retry(failed[0].id)
    assert isinstance(executor.retry(failed[-1].id).exception(SOON), ZeroDivisionError)


def test_the_context_of_a_run_fills_the_namespace_when_the_run_is_over() -> None:
    @dataclass
    class Context:
        user_id: str

        @property
        def database(self) -> str:
            raise RuntimeError("away")

    store, executor = InMemoryStore(), ReflectionExecutor(Remember())
    futures: list[Future[Any]] = []

    def submit(state: dict[str, Any]) -> dict[str, Any]:
        futures.append(executor.submit("tea"))
        return state

    builder = cast("Any", StateGraph)(dict, context_schema=Context)
    builder.add_node("submit", submit)
    builder.add_edge(START, "submit")
    builder.compile(store=store).invoke({}, context=Context("ann"))
    assert futures[0].result(SOON) == "tea"
    assert [item.value["content"] for item in store.search(("notes", "ann"))] == ["tea"]
