"""The durable executor: the promises of `Executor`, kept by jobs in a database."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.store.base import BaseStore
from typing_extensions import override

from longterm.effects.clock import Clock, SystemClock
from longterm.errors import ConfigurationError
from longterm.memory.namespace import Namespace
from longterm.reflect.durable.codec import portable_config
from longterm.reflect.durable.futures import Futures
from longterm.reflect.durable.jobs import FAILED, Jobs, Status, prepared
from longterm.reflect.durable.ledger import TableLedger
from longterm.reflect.durable.moment import Moments
from longterm.reflect.durable.outcome import Job, Outcome
from longterm.reflect.durable.process import aside, process, start
from longterm.reflect.durable.work import Work
from longterm.reflect.executor import Failure, Reflecting, closed
from longterm.reflect.retry import Retry
from longterm.reflect.usage import Budget, Usage, day_of

__all__ = ["DurableExecutor"]

logger = logging.getLogger("longterm.reflect")

_moments = Moments()


class DurableExecutor(Reflecting):
    """Reflects on every worker of a database; see `longterm.reflect.ReflectionExecutor`.

    With `max_workers` of 0 this process only submits.
    """

    def __init__(
        self,
        reflector: Runnable[Any, Any],
        url: str,
        *,
        name: str = "default",
        store: BaseStore | None = None,
        max_workers: int = 8,
        retry: Retry | None = None,
        budget: Budget | None = None,
        max_wait_seconds: float | None = None,
        keep: timedelta = timedelta(days=7),
        clock: Clock | None = None,
    ) -> None:
        super().__init__(reflector, store)
        _check_store(reflector, store)
        if max_workers < 0:
            raise ConfigurationError("max_workers is 0, to submit only, or more.")
        self.name = name
        self.max_workers = max_workers
        self.keep = keep
        self.url = prepared(url)
        self.jobs = Jobs(self.url, name, patient=True, max_wait=max_wait_seconds)
        self._closed = False
        self._process = os.getpid()
        self._missed: set[str] = set()
        self._clock: Clock = clock or SystemClock()
        # Whoever submits is told at once that the database is away; a worker waits for it.
        self._desk = Jobs(self.url, name, patient=False, max_wait=max_wait_seconds)
        self._futures = Futures(self._desk)
        self._ledger = TableLedger(self.jobs.engine, name)
        self._work = self._how_to_work(retry or Retry(), budget or Budget())
        self._join()

    @override
    def flush(self) -> None:
        for status in self._desk.listed(["DELAYED"]):
            self._desk.hurry(status.workflow)
        self._futures.hurry()

    @override
    def failed(self) -> list[Failure]:
        return [_failure(status) for status in self._desk.listed(FAILED, content=True)]

    @override
    def retry(self, failure_id: str) -> Future[Any]:
        self._check_open()
        found = [s for s in self._desk.find([failure_id], content=True) if s.state in FAILED]
        if not found:
            raise ConfigurationError(f"No failed reflection {failure_id!r}: see failed().")
        job = found[0].job.first()
        workflow = self._desk.enqueue(job, 0)
        if workflow is None:
            raise ConfigurationError("Something newer of this thread is pending: wait for that.")
        self._desk.delete([failure_id])
        return self._futures.follow(job, workflow, 0)

    @override
    def usage(self, day: date | None = None) -> Mapping[Namespace, Usage]:
        return self._ledger.on(day or day_of(self._clock.wall()))

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept nothing more and stop working; what is pending stays in the database.

        *wait* until what is due or running has ended. With *cancel_futures*, what this process
        submitted and nobody has started is cancelled in the database too.
        """
        if self._closed or self._is_forked():
            return
        self._closed = True
        try:
            if cancel_futures:
                self._futures.cancel_waiting()
        finally:
            if wait:
                aside(self._leave)
            else:
                start(self._leave, "leave")

    def work(self, job: Job, workflow: str) -> Outcome:
        """Do *job*, inside the workflow of that id."""
        return self._work.do(job, workflow)

    @override
    def _accept(
        self, payload: Any, config: RunnableConfig, thread: str | None, delay: float
    ) -> Future[Any]:
        self._check_open()
        stored, missing = portable_config(config)
        self._tell_of(missing)
        job = Job.of(uuid4().hex, thread, _moments.next(), payload, stored)
        return self._futures.follow(job, self._desk.debounce(job, delay), delay)

    def _tell_of(self, missing: list[str]) -> None:
        """Log what of a config is not stored, once for each name."""
        if new := [name for name in missing if name not in self._missed]:
            self._missed.update(new)
            logger.warning("Not stored with reflections, being no plain data: %s", new)

    def _how_to_work(self, retry: Retry, budget: Budget) -> Work:
        return Work(
            reflector=self.reflector,
            store=self.store,
            jobs=self.jobs,
            ledger=self._ledger,
            retry=retry,
            budget=budget,
            clock=self._clock,
            on_failure=self._futures.failed,
        )

    def _join(self) -> None:
        if self.max_workers:
            try:
                process.join(self)
            except BaseException:
                self.jobs.close()
                self._desk.close()
                raise

    def _check_open(self) -> None:
        if self._closed:
            raise closed()
        if self._is_forked():
            raise ConfigurationError(
                "This ReflectionExecutor was made before its process was forked, and its "
                "connections belong to the parent: create one in each process."
            )

    def _is_forked(self) -> bool:
        return self._process != os.getpid()

    def _leave(self) -> None:
        """Finish what is due or running, and let go of the rest, whatever the database says."""
        try:
            if self.max_workers:
                self._futures.await_due()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._futures.release()
        if self.max_workers:
            process.leave(self)
        else:
            self.jobs.close()
        self._desk.close()


def _check_store(reflector: Runnable[Any, Any], store: BaseStore | None) -> None:
    writes = getattr(reflector, "namespace", None) is not None
    if writes and store is None and getattr(reflector, "store", None) is None:
        raise ConfigurationError(
            "A durable reflection may run in another process, where the store of the calling "
            "graph is not at hand. Pass store=… to the ReflectionExecutor or to the manager."
        )


def _failure(status: Status) -> Failure:
    return Failure(
        id=status.workflow,
        thread_id=status.job.thread,
        error=status.error,
        attempts=status.job.attempt,
        at=datetime.fromtimestamp(status.ended, UTC),
    )
