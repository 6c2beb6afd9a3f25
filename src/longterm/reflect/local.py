"""Reflection in this process, in memory: fast, simple, and gone with the process.

One thread waits for what is due, others run it, and none of them exists while nothing waits:
an idle executor costs nothing, and a program that forgets `shutdown` ends, because all of
them are daemons. What may run when is decided by `debounce.Debounce`; everything that is
shared is touched under the one lock of `_changed`.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4
from weakref import WeakSet

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore
from typing_extensions import override

from longterm.effects.clock import Clock, SystemClock
from longterm.effects.observe import error_text, log_error
from longterm.errors import ConfigurationError
from longterm.memory.namespace import Namespace
from longterm.reflect.debounce import Debounce
from longterm.reflect.executor import (
    ERASE_WAITS,
    Failure,
    LocalReflectionExecutor,
    Queued,
    closed_error,
)
from longterm.reflect.job import Rules, lend_store
from longterm.reflect.reflector import Reflector
from longterm.reflect.retry import ONCE, Retry
from longterm.reflect.usage import Budget, MemoryLedger, Usage, day_of

__all__ = ["InMemoryExecutor"]

logger = logging.getLogger("longterm.reflect")

#: Seconds between the starts of two workers, so that what is due begins in its order.
_BETWEEN_WORKERS = 0.02
#: Reflections that were due within so many seconds end in their order, too, unless one that is
#: over waits for so many seconds from its own start on.
_TOGETHER = 0.1
_IN_ORDER_WITHIN = 1.0

_REPLACED = "A newer submit for the same thread took its place."


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One submit on its way."""

    id: str
    namespace: Namespace
    thread: str | None
    payload: Any
    config: RunnableConfig
    store: BaseStore | None
    future: Future[Any] = field(default_factory=Future[Any])
    attempt: int = 1

    @property
    def key(self) -> Hashable:
        """By namespace and thread; a task without a thread has a key of its own."""
        return (self.namespace, self.thread) if self.thread else self.id


@dataclass(frozen=True, slots=True)
class _Later:
    """The outcome of a run that must wait and come back."""

    due: float
    task: _Task


class InMemoryExecutor(LocalReflectionExecutor):
    """Reflects on threads of this process; see `longterm.reflect.ReflectionExecutor`."""

    #: How many failures `failed` tells of, and how many of the newest keep what `retry` needs.
    KEPT_FAILURES = 1000
    KEPT_PAYLOADS = 100

    def __init__(
        self,
        reflector: Reflector,
        *,
        store: BaseStore | None = None,
        max_workers: int = 8,
        retry: Retry | None = None,
        budget: Budget | None = None,
        timeout: float | None = None,
        max_wait_seconds: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(reflector, store)
        if max_workers < 1:
            raise ConfigurationError("A local executor needs max_workers of at least 1.")
        self._max_workers = max_workers
        self._max_wait = math.inf if max_wait_seconds is None else max_wait_seconds
        self._clock: Clock = clock or SystemClock()
        self._rules = Rules(
            retry=retry or ONCE,
            budget=budget or Budget(),
            timeout=timeout,
            clock=self._clock,
            ledger=MemoryLedger(),
        )
        self._failures: OrderedDict[str, tuple[Failure, _Task | None]] = OrderedDict()
        self._closed = False
        self._dropping = False
        self.begin()
        _executors.add(self)

    def begin(self) -> None:
        """Begin with nothing waiting and nothing running, as after a fork in the child process."""
        self._rules = replace(self._rules, ledger=MemoryLedger())
        self._changed = threading.Condition()
        self._queue: Debounce[_Task] = Debounce()
        self._workers = 0
        self._scheduling = False

    @override
    def flush(self) -> None:
        with self._changed:
            self._queue.hurry(self._clock.now())
            self._changed.notify_all()

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._changed:
            self._closed = True
            self._dropping = self._dropping or cancel_futures
            dropped = self._queue.drain() if cancel_futures else []
            left = self._queue.items()
            self._changed.notify_all()
        for task in dropped:
            _discard(task.future, "The executor was shut down.")
        if wait and left and self._may_wait(*(task.store for task in left)):
            logger.info("Waiting for %d reflections", len(left))
            with self._changed:
                while len(self._queue) or self._workers:
                    self._changed.wait()

    @override
    def queue(self) -> list[Queued]:
        with self._changed:
            running, waiting = self._queue.running_items(), self._queue.waiting_items()
        return [
            Queued(
                id=task.id,
                thread_id=task.thread,
                namespace=task.namespace,
                running=place < len(running),
                attempt=task.attempt,
            )
            for place, task in enumerate([*running, *waiting])
        ]

    @override
    def failed(self) -> list[Failure]:
        with self._changed:
            return [failure for failure, _ in self._failures.values()]

    @override
    def retry(self, failure_id: str) -> Future[Any]:
        with self._changed:
            _, task = self._failures.get(failure_id, (None, None))
            if task is None:
                raise ConfigurationError(
                    f"No failed reflection {failure_id!r} to try again: see failed(). The last "
                    f"{self.KEPT_PAYLOADS} keep what they need for it."
                )
            del self._failures[failure_id]
        return self._take_on(replace(task, future=Future(), attempt=1), self._clock.now())

    @override
    def erase(self, namespace: Namespace) -> dict[str, int]:
        depth = len(namespace)

        def concerns(task: _Task) -> bool:
            return task.namespace[:depth] == namespace

        pending: list[_Task] = []
        with self._changed:
            pending += self._queue.drain(concerns)
            while any(map(concerns, self._queue.items())) and self._changed.wait(ERASE_WAITS):
                pending += self._queue.drain(concerns)  # one that failed and would try again
            running = sum(map(concerns, self._queue.items()))
            failed = [key for key, (_, task) in self._failures.items() if task and concerns(task)]
            for key in failed:
                del self._failures[key]
        for task in pending:
            _discard(task.future, "What it was about was erased.")
        used = self._rules.ledger.erase(namespace)
        return {
            "pending": len(pending),
            "running": running,
            "finished": len(failed),
            "usage": used,
        }

    @override
    def usage(self, day: date | None = None) -> Mapping[Namespace, Usage]:
        return self._rules.ledger.on(day or day_of(self._clock.wall()))

    @override
    def _accept(
        self, payload: Any, config: RunnableConfig, thread: str | None, delay: float
    ) -> Future[Any]:
        store = lend_store(self.reflector, self.store)
        task = _Task(uuid4().hex, self._namespace_for(config), thread, payload, config, store)
        return self._take_on(task, self._clock.now() + delay)

    def _take_on(self, task: _Task, due: float) -> Future[Any]:
        with self._changed:
            if self._closed:
                raise closed_error()
            replaced = self._enqueue(task, due, self._clock.now())
        task.future.add_done_callback(lambda future: self._forget(task, future))
        if replaced is not None:
            _discard(replaced.future, _REPLACED)
        return task.future

    def _enqueue(self, task: _Task, due: float, begin: float) -> _Task | None:
        """Let *task* wait; newer ones may put it off for so long from *begin* on.

        The scheduler is woken only where it must look up earlier.
        """
        before = self._queue.next_due()
        replaced = self._queue.put(task.key, task, due, begin + self._max_wait)
        if before is None or due < before:
            self._changed.notify_all()
        if not self._scheduling:
            _start_thread(self._schedule, "longterm-reflect")
            self._scheduling = True
        return replaced

    def _forget(self, task: _Task, future: Future[Any]) -> None:
        """Free the place of a task that its owner cancelled."""
        if future.cancelled():
            with self._changed:
                if self._queue.drop(task.key, task):
                    self._changed.notify_all()

    def _schedule(self) -> None:
        """Hand out what is due, to as many workers as may be, until nothing waits any more."""
        with self._changed:
            while len(self._queue):
                full = self._workers >= self._max_workers
                now = self._clock.now()
                taken = None if full else self._queue.take(now)
                if taken is None:
                    self._clock.wait(self._changed, None if full else self._queue.next_due())
                    continue
                _, task = taken
                try:
                    _start_thread(self._work, "longterm-reflect-worker", task)
                    self._workers += 1
                    # A quick reflection is over by then, and its worker takes the next one.
                    self._changed.wait(_BETWEEN_WORKERS)
                except RuntimeError as error:  # the system has no thread to give
                    logger.warning("A reflection must wait for a second: %s", error)
                    self._settle(task, _Later(now + 1, task))
            self._scheduling = False

    def _work(self, task: _Task) -> None:
        """Run *task*, then whatever is due, until nothing is."""
        following: _Task | None = task
        while following is not None:
            outcome: _Later | None = None
            try:
                outcome = self._run(following)
            except BaseException as error:  # noqa: BLE001 - a callback of the future may raise anything
                text = "After a reflection of thread %s: %s"
                log_error(logger, text, following.thread, error=error)
            with self._changed:
                replaced = self._settle(following, outcome)
                taken = self._queue.take(self._clock.now())
                following = None if taken is None else taken[1]
                if following is None:
                    self._workers -= 1
                self._changed.notify_all()
            if replaced is not None:
                _discard(replaced.future, _REPLACED)

    def _settle(self, task: _Task, outcome: _Later | None) -> _Task | None:
        """Free the key of *task*; return the task to give up, if it came back in vain."""
        self._queue.done(task.key)
        match outcome:
            case _Later(due, again) if again.key not in self._queue and not self._dropping:
                self._enqueue(again, due, due)
            case _Later(_, again):
                return again
            case None:
                pass
        return None

    def _run(self, task: _Task) -> _Later | None:
        """Reflect, unless that must wait; the future learns of every other outcome."""
        begin = time.monotonic()
        try:
            seconds = self._rules.affordable_in(task.namespace)
            if seconds is not None:
                return _Later(self._clock.now() + seconds, task)
            if task.attempt == 1 and not task.future.set_running_or_notify_cancel():
                return None
            result = self._rules.perform(
                self.reflector, task.payload, task.config, task.namespace, task.store
            )
        except BaseException as error:  # noqa: BLE001 - the future carries it to those who ask
            seconds = self._rules.next_try(error, task.attempt, task.thread)
            if seconds is not None:
                return _Later(self._clock.now() + seconds, replace(task, attempt=task.attempt + 1))
            self._remember(task, error)
            self._await_turn(task, begin)
            task.future.set_exception(error)
            return None
        self._await_turn(task, begin)
        task.future.set_result(result)
        return None

    def _await_turn(self, task: _Task, begin: float) -> None:
        """Wait for quick reflections that were due together with *task* and before it.

        Models take seconds, and what took one from *begin* on never waits: the order is for those
        who read what several quick ones wrote once the last is over. Nor does a worker wait that
        others wait for.
        """

        def is_turn() -> bool:
            due = self._queue.next_due()
            full = self._workers >= self._max_workers
            needed = full and due is not None and due <= self._clock.now()
            return needed or self._queue.is_first(task.key, _TOGETHER)

        with self._changed:
            self._changed.wait_for(is_turn, begin + _IN_ORDER_WITHIN - time.monotonic())

    def _remember(self, task: _Task, error: BaseException) -> None:
        failure = Failure(
            id=task.id,
            thread_id=task.thread,
            namespace=task.namespace,
            error=error_text(error),
            attempts=task.attempt,
            at=datetime.fromtimestamp(self._clock.wall(), UTC),
        )
        with self._changed:
            self._failures[task.id] = (failure, task)
            while len(self._failures) > self.KEPT_FAILURES:
                self._failures.popitem(last=False)
            for key in list(self._failures)[-self.KEPT_PAYLOADS - 1 : -self.KEPT_PAYLOADS]:
                self._failures[key] = (self._failures[key][0], None)


#: Of this process, for `_after_fork`.
_executors: WeakSet[InMemoryExecutor] = WeakSet()


def _after_fork() -> None:
    """Leave what is pending to the parent process: the child has none of its threads."""
    for executor in list(_executors):
        executor.begin()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


def _start_thread(work: Callable[..., None], name: str, *args: object) -> None:
    threading.Thread(target=work, args=args, name=name, daemon=True).start()


def _discard(future: Future[Any], why: str) -> None:
    """Cancel *future*; one that ran before, and waits for another try, can only fail."""
    if not future.cancel():
        future.set_exception(CancelledError(why))
