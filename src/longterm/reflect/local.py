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
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import CancelledError, Future
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4
from weakref import WeakSet

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.store.base import BaseStore
from typing_extensions import override

from longterm.effects.clock import Clock, SystemClock
from longterm.errors import ConfigurationError
from longterm.memory.namespace import Namespace
from longterm.reflect.debounce import Debounce
from longterm.reflect.executor import Failure, Reflecting, closed
from longterm.reflect.job import lend_store, metered, namespace_of, perform, words_of
from longterm.reflect.retry import ONCE, Retry
from longterm.reflect.usage import (
    Budget,
    Ledger,
    MemoryLedger,
    Meter,
    Usage,
    day_of,
    until_tomorrow,
)

__all__ = ["LocalExecutor"]

logger = logging.getLogger("longterm.reflect")


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """One submit on its way."""

    id: str
    thread: str | None
    payload: Any
    config: RunnableConfig
    store: BaseStore | None
    future: Future[Any] = field(default_factory=Future[Any])
    attempt: int = 1

    @property
    def key(self) -> Hashable:
        """By thread; a task without one shares its key with nobody."""
        return ("thread", self.thread) if self.thread else ("task", self.id)


@dataclass(frozen=True, slots=True)
class _Later:
    """The outcome of a run that must wait and come back."""

    due: float
    task: _Task


class LocalExecutor(Reflecting):
    """Reflects on threads of this process; see `longterm.reflect.ReflectionExecutor`."""

    #: How many failures are remembered for `failed` and `retry`.
    KEPT_FAILURES = 1000

    def __init__(
        self,
        reflector: Runnable[Any, Any],
        *,
        store: BaseStore | None = None,
        max_workers: int = 8,
        retry: Retry | None = None,
        budget: Budget | None = None,
        max_wait_seconds: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(reflector, store)
        if max_workers < 1:
            raise ConfigurationError("A local executor needs max_workers of at least 1.")
        self._max_workers = max_workers
        self._retry = retry or ONCE
        self._budget = budget or Budget()
        self._max_wait = math.inf if max_wait_seconds is None else max_wait_seconds
        self._clock: Clock = clock or SystemClock()
        self._failures: OrderedDict[str, tuple[Failure, _Task]] = OrderedDict()
        self._closed = False
        self._dropping = False
        self.begin()
        _executors.add(self)

    def begin(self) -> None:
        """Begin with nothing waiting and nobody working, as after a fork in the child process."""
        self._ledger: Ledger = MemoryLedger()
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
            self._changed.notify_all()
        for task in dropped:
            _discard(task.future, "The executor was shut down.")
        if wait:
            self._wait()

    @override
    def failed(self) -> list[Failure]:
        with self._changed:
            return [failure for failure, _ in self._failures.values()]

    @override
    def retry(self, failure_id: str) -> Future[Any]:
        with self._changed:
            if failure_id not in self._failures:
                raise ConfigurationError(f"No failed reflection {failure_id!r}: see failed().")
            _, task = self._failures.pop(failure_id)
        return self._take_on(replace(task, future=Future(), attempt=1), self._clock.now())

    @override
    def usage(self, day: date | None = None) -> Mapping[Namespace, Usage]:
        return self._ledger.on(day or day_of(self._clock.wall()))

    @override
    def _accept(
        self, payload: Any, config: RunnableConfig, thread: str | None, delay: float
    ) -> Future[Any]:
        store = lend_store(self.reflector, self.store)
        task = _Task(uuid4().hex, thread, payload, config, store)
        return self._take_on(task, self._clock.now() + delay)

    def _take_on(self, task: _Task, due: float) -> Future[Any]:
        with self._changed:
            if self._closed:
                raise closed()
            replaced = self._enqueue(task, due, self._clock.now())
        task.future.add_done_callback(lambda future: self._forget(task, future))
        if replaced is not None:
            _discard(replaced.future, "A newer submit for the same thread took its place.")
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
            _start(self._schedule, "longterm-reflect")
            self._scheduling = True
        return replaced

    def _forget(self, task: _Task, future: Future[Any]) -> None:
        """Free the place of a task that its owner cancelled."""
        if future.cancelled():
            with self._changed:
                if self._queue.drop(task.key, task):
                    self._changed.notify_all()

    def _schedule(self) -> None:
        """Hand out what is due until nothing waits any more."""
        with self._changed:
            while len(self._queue):
                if not self._hand_out():
                    self._clock.wait(self._changed, self._next_chance())
            self._scheduling = False

    def _hand_out(self) -> bool:
        """Start a worker with the next due task, if there is one and room for it."""
        if self._workers >= self._max_workers:
            return False
        now = self._clock.now()
        taken = self._queue.take(now)
        if taken is None:
            return False
        try:
            _start(self._work, "longterm-reflect-worker", taken[1])
            self._workers += 1
        except RuntimeError as error:  # the system has no thread to give
            logger.warning("A reflection must wait for a second: %s", error)
            self._settle(taken[1], _Later(now + 1, taken[1]))
        return True

    def _next_chance(self) -> float | None:
        """When something can start by itself; None where a worker must end first."""
        return None if self._workers >= self._max_workers else self._queue.next_due()

    def _work(self, task: _Task) -> None:
        """Run *task*, then whatever is due, until nothing is."""
        following: _Task | None = task
        while following is not None:
            outcome: _Later | None = None
            try:
                outcome = self._run(following)
            except BaseException:  # a callback of the future may raise anything
                logger.exception("After a reflection of thread %s", following.thread)
            with self._changed:
                replaced = self._settle(following, outcome)
                following = self._next()
            if replaced is not None:
                _discard(replaced.future, "A newer submit for the same thread took its place.")

    def _next(self) -> _Task | None:
        """Take what this worker does next; None where it ends."""
        taken = self._queue.take(self._clock.now())
        if taken is None:
            self._workers -= 1
        self._changed.notify_all()
        return None if taken is None else taken[1]

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
        try:
            if (due := self._affordable_at(task)) is not None:
                return _Later(due, task)
            if task.attempt == 1 and not task.future.set_running_or_notify_cancel():
                return None
            result = self._reflect(task)
        except BaseException as error:  # noqa: BLE001 - the future carries it to whoever asks
            return self._failed(task, error)
        task.future.set_result(result)
        return None

    def _affordable_at(self, task: _Task) -> float | None:
        """When the namespace of *task* may spend again; None if it may now."""
        if self._budget == Budget():
            return None
        now, wall = self._clock.now(), self._clock.wall()
        try:
            namespace = namespace_of(self.reflector, task.config)
        except ConfigurationError:
            return None  # the reflection itself will say so
        if not self._budget.spent(self._ledger.spent(day_of(wall), namespace)):
            return None
        logger.info("The budget of %s is spent: its reflections wait for the next day", namespace)
        return now + until_tomorrow(wall)

    def _reflect(self, task: _Task) -> Any:
        meter = Meter(self._ledger, self._clock, namespace_of(self.reflector, task.config))
        config = metered(task.config, meter)
        # A context of its own: what one reflection sets, the next on this thread never sees.
        return copy_context().run(perform, self.reflector, task.payload, config, task.store)

    def _failed(self, task: _Task, error: BaseException) -> _Later | None:
        seconds = self._retry.wait(error, task.attempt)
        if seconds is not None:
            logger.warning(
                "Reflection of thread %s failed, next try in %gs",
                task.thread,
                seconds,
                exc_info=error,
            )
            return _Later(self._clock.now() + seconds, replace(task, attempt=task.attempt + 1))
        logger.error("Reflection of thread %s failed", task.thread, exc_info=error)
        self._remember(task, error)
        task.future.set_exception(error)
        return None

    def _remember(self, task: _Task, error: BaseException) -> None:
        failure = Failure(
            id=task.id,
            thread_id=task.thread,
            error=words_of(error),
            attempts=task.attempt,
            at=datetime.fromtimestamp(self._clock.wall(), UTC),
        )
        with self._changed:
            self._failures[task.id] = (failure, task)
            while len(self._failures) > self.KEPT_FAILURES:
                self._failures.popitem(last=False)

    def _wait(self) -> None:
        """Wait until nothing waits and nothing runs."""
        with self._changed:
            if len(self._queue):
                logger.info("Waiting for %d pending reflections", len(self._queue))
            while len(self._queue) or self._workers:
                self._changed.wait()


#: Of this process, for `_after_fork`.
_executors: WeakSet[LocalExecutor] = WeakSet()


def _after_fork() -> None:
    """Leave what is pending to the parent process: the child has none of its threads."""
    for executor in list(_executors):
        executor.begin()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


def _start(work: Callable[..., None], name: str, *args: object) -> None:
    threading.Thread(target=work, args=args, name=name, daemon=True).start()


def _discard(future: Future[Any], why: str) -> None:
    """Cancel *future*; one that ran before, and waits for another try, can only fail."""
    if not future.cancel():
        future.set_exception(CancelledError(why))
