"""The durable executor: the promises of `Executor`, kept by jobs in a database.

What a worker does with one job has three steps, which DBOS records: claim it, reflect, say what
came of it. After a crash what was done is not done again: a reflection that has ended, well or
badly, is never repeated for the sake of the bookkeeping behind it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Generator, Mapping
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import sqlalchemy as sa
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore
from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from longterm.effects.clock import Clock, MonotonicTimestamps, SystemClock
from longterm.effects.observe import error_text
from longterm.effects.runnable import given_store
from longterm.errors import ConfigurationError, InvalidInputError, ReflectionError
from longterm.memory.model import JOB_ID
from longterm.memory.namespace import Namespace
from longterm.reflect.durable.codec import encode_payload, portable_config
from longterm.reflect.durable.database import TableLedger, database_url, in_our_words, queues
from longterm.reflect.durable.dbos_client import (
    ACTIVE,
    ENDED,
    FAILED,
    WAITING,
    WORKFLOW,
    DbosClient,
    Status,
    prepare,
    process,
    step,
)
from longterm.reflect.durable.futures import Futures
from longterm.reflect.durable.outcome import Done, Job, Moved, Outcome, Replaced, judge
from longterm.reflect.executor import (
    ERASE_WAITS,
    Failure,
    LocalReflectionExecutor,
    Queued,
    closed_error,
)
from longterm.reflect.job import Rules, namespace_of
from longterm.reflect.reflector import Reflector
from longterm.reflect.retry import Retry
from longterm.reflect.threads import aside, start
from longterm.reflect.usage import Budget, Ledger, Usage, day_of

__all__ = ["DurableExecutor", "erase_in", "executors_in"]

logger = logging.getLogger("longterm.reflect")

#: Seconds after which a job that waits behind a running one of its thread looks again.
_BEHIND = 1.0
#: Seconds between looks at what an erase waits for.
_ERASE_LOOKS = 0.1
#: Of submits, by which all processes agree which of two payloads is newer.
_timestamps = MonotonicTimestamps()


class DurableExecutor(LocalReflectionExecutor):
    """Reflects on every worker of a database; see `longterm.reflect.ReflectionExecutor`.

    With `max_workers` of 0 this process only submits.
    """

    def __init__(
        self,
        reflector: Reflector,
        url: str,
        *,
        name: str = "default",
        store: BaseStore | None = None,
        max_workers: int = 8,
        retry: Retry | None = None,
        budget: Budget | None = None,
        timeout: float | None = None,
        max_wait_seconds: float | None = None,
        keep: timedelta = timedelta(days=7),
        secrets: Collection[str] = (),
        clock: Clock | None = None,
    ) -> None:
        super().__init__(reflector, store)
        self._own_store = given_store(reflector)
        writes = getattr(reflector, "namespace", None) is not None
        if writes and store is None and self._own_store is None:
            raise ConfigurationError(
                "A durable reflection may run in another process, where the store of the calling "
                "graph is not at hand. Pass store=… to the ReflectionExecutor or to the manager."
            )
        if max_workers < 0:
            raise ConfigurationError("max_workers is 0, to submit only, or more.")
        self.name = name
        self.max_workers = max_workers
        self.keep = keep
        self.url = database_url(url)
        self._secrets = frozenset(secrets)
        self._engine = prepare(self.url)
        self.jobs = DbosClient(self._engine, name, patient=True, max_wait=max_wait_seconds)
        # A submit says at once that the database is away; a worker waits for it.
        self._desk = DbosClient(self._engine, name, max_wait=max_wait_seconds)
        self._futures = Futures(self._desk)
        self._rules = Rules(
            retry=retry or Retry(),
            budget=budget or Budget(),
            timeout=timeout,
            clock=clock or SystemClock(),
            ledger=TableLedger(self._engine, name),
        )
        self._closed = False
        self._process = os.getpid()
        self._missed: set[str] = set()
        if max_workers:
            try:
                process.join(self)
            except BaseException:
                self._close()
                raise

    @override
    def flush(self) -> None:
        with in_our_words(self.url):
            for status in self._desk.listed(["DELAYED"]):
                self._desk.hurry(status.workflow)
        self._futures.hurry()
        process.nudge()

    @override
    def queue(self) -> list[Queued]:
        # By one look: what begins to run between two would be in neither.
        found = self._desk.listed(ACTIVE, content=True)
        return [
            Queued(
                id=status.workflow,
                thread_id=None if status.job is None else status.job.thread,
                namespace=() if status.job is None else status.job.namespace,
                running=status.state == "PENDING",
                attempt=1 if status.job is None else status.job.attempt,
            )
            for status in sorted(found, key=lambda one: one.state != "PENDING")
        ]

    @override
    def failed(self) -> list[Failure]:
        with in_our_words(self.url):
            found = self._desk.listed(FAILED, content=True)
        return [
            Failure(
                id=status.workflow,
                thread_id=None if status.job is None else status.job.thread,
                namespace=() if status.job is None else status.job.namespace,
                error=status.error,
                attempts=1 if status.job is None else status.job.attempt,
                at=datetime.fromtimestamp(status.ended, UTC),
            )
            for status in found
        ]

    @override
    def retry(self, failure_id: str) -> Future[Any]:
        self._check_open()
        with in_our_words(self.url):
            found = next(self._desk.find([failure_id], content=True), None)
        if found is None or found.state not in FAILED:
            raise ConfigurationError(f"No failed reflection {failure_id!r}: see failed().")
        if found.job is None:
            raise ConfigurationError(f"Reflection {failure_id!r} is damaged and cannot be read.")
        job = found.job.first()
        with in_our_words(self.url):
            workflow = self._desk.enqueue(job, 0)
        if workflow is None:
            raise ConfigurationError("Something newer of this thread is pending: wait for that.")
        with in_our_words(self.url):
            self._desk.delete([failure_id])
        process.nudge()
        return self._futures.follow(job, workflow, 0)

    @override
    def erase(self, namespace: Namespace) -> dict[str, int]:
        with in_our_words(self.url):
            return _erased(self._engine, self._desk, self._rules.ledger, namespace)

    @override
    def usage(self, day: date | None = None) -> Mapping[Namespace, Usage]:
        with in_our_words(self.url):
            return self._rules.ledger.on(day or day_of(self._rules.clock.wall()))

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept nothing more and stop working; what is pending stays in the database.

        *wait* until what is due or running has ended. With *cancel_futures*, what this process
        submitted and no worker has started is cancelled in the database too.
        """
        if self._closed or self._process != os.getpid():
            return
        self._closed = True
        try:
            if cancel_futures:
                with in_our_words(self.url):
                    self._futures.cancel_waiting()
        finally:
            if wait and self._may_wait():
                with in_our_words(self.url):
                    aside(self._leave)
            else:
                start(self._leave, "leave")

    def work(self, job: Job, workflow: str) -> Outcome:
        """Do *job*, inside the workflow of that id; raises `ReflectionError` if it failed."""
        claim = step("claim", lambda: self._claim(job, workflow))
        if claim["replaced"]:
            return Replaced(job.id)
        if claim["wait"] is not None:
            return self._move(job, workflow, claim["wait"])
        report = step("reflect", lambda: self._reflect(job))
        if report["retry"] is not None:
            return self._move(job.again(), workflow, report["retry"])
        if report["error"] is not None:
            raise ReflectionError(report["error"])
        return Done(job.id, report["result"])

    @override
    def _accept(
        self, payload: Any, config: RunnableConfig, thread: str | None, delay: float
    ) -> Future[Any]:
        self._check_open()
        namespace = self._namespace_for(config)
        needed = getattr(getattr(self.reflector, "namespace", None), "placeholders", ())
        stored, missing = portable_config(
            config, needed=("thread_id", *needed), secrets=self._secrets
        )
        if new := [name for name in missing if name not in self._missed]:
            self._missed.update(new)
            logger.warning("Not stored with reflections, as secret or no plain data: %s", new)
        job = Job(
            id=uuid4().hex,
            thread=thread,
            submitted=_timestamps.next(),
            payload=encode_payload(payload),
            config=encode_payload(stored),
            namespace=namespace,
        )
        with in_our_words(self.url):
            workflow = self._desk.debounce(job, delay)
        process.nudge()
        return self._futures.follow(job, workflow, delay)

    def _claim(self, job: Job, workflow: str) -> dict[str, Any]:
        """Decide whether *job* may start now, and end what it outdates."""
        others = self.jobs.others(job, workflow) if job.thread is not None else []
        verdict = judge(job, others)
        if verdict.replaced:
            return {"replaced": True, "wait": None}
        if verdict.outdated:
            self.jobs.cancel(verdict.outdated)
        try:
            seconds = _BEHIND if verdict.wait else self._rules.affordable_in(job.namespace)
        except DBAPIError:
            seconds = None  # no sum to be had: the reflection goes first
        return {"replaced": False, "wait": seconds}

    def _move(self, job: Job, workflow: str, seconds: float) -> Outcome:
        """Let *job* wait again as another workflow, unless something newer waits already."""
        # An id that does not depend on chance: repeated after a crash, it is the same workflow.
        successor = f"{workflow.partition('+')[0]}+{uuid5(NAMESPACE_URL, workflow).hex}"
        moved = step("move", lambda: self.jobs.enqueue(job, seconds, successor))
        return Replaced(job.id) if moved is None else Moved(job.id, moved)

    def _reflect(self, job: Job) -> dict[str, Any]:
        """Reflect, and report; never raises, so that DBOS records it as done."""
        try:
            payload, config = job.content()
            config.setdefault("configurable", {})[JOB_ID] = job.id
            namespace = namespace_of(self.reflector, config)
            store = self.store if self._own_store is None else None
            result = self._rules.perform(self.reflector, payload, config, namespace, store)
        except BaseException as error:  # noqa: BLE001 - a worker survives what a reflector raises
            seconds = self._rules.next_try(error, job.attempt, job.thread)
            if seconds is None:
                self._futures.failed(job, error)
            return {"result": None, "error": error_text(error), "retry": seconds}
        try:
            text = encode_payload(result)
        except InvalidInputError:
            text = encode_payload(repr(result))
        return {"result": text, "error": None, "retry": None}

    def _check_open(self) -> None:
        if self._closed:
            raise closed_error()
        if self._process != os.getpid():
            raise ConfigurationError(
                "This ReflectionExecutor was made before its process was forked, and its "
                "connections belong to the parent: create one in each process."
            )

    def _leave(self) -> None:
        """Finish what is due or running, and let go of the rest, whatever the database says."""
        try:
            if self.max_workers:
                self._futures.await_due()
        finally:
            self._futures.release()
            if self.max_workers:
                process.leave(self)
            self._close()

    def _close(self) -> None:
        self._desk.close()
        self.jobs.close()
        self._engine.dispose()


@contextmanager
def _looked_into(url: str) -> Generator[sa.Engine]:
    """Open the database at *url* for a program that has no executor on it."""
    place = database_url(url)
    engine = prepare(place)
    try:
        with in_our_words(place):
            yield engine
    finally:
        engine.dispose()


def erase_in(url: str, namespace: Namespace) -> dict[str, int]:
    """Remove the reflections for *namespace* and below from the database at *url*."""
    with _looked_into(url) as engine, closing(DbosClient(engine, None)) as jobs:
        return _erased(engine, jobs, TableLedger(engine, None), namespace)


def executors_in(url: str) -> list[str]:
    """Return the names of the executors of which the database at *url* has something to show."""
    with _looked_into(url) as engine:
        found = queues(engine, [*ACTIVE, *FAILED])
    begin = f"{WORKFLOW}."
    return [name.removeprefix(begin) for name in found if name.startswith(begin)]


def _erased(
    engine: sa.Engine, jobs: DbosClient, ledger: Ledger, namespace: Namespace
) -> dict[str, int]:
    """Delete the jobs of *namespace*: how many were pending, run on, had finished."""

    def concerned(states: list[str]) -> list[Status]:
        known = [status.workflow for status in jobs.listed(states)]
        found = jobs.find(known, content=True)
        return [s for s in found if s.job and s.job.namespace[: len(namespace)] == namespace]

    pending: set[str] = set()
    until = time.monotonic() + ERASE_WAITS
    while True:  # one that ends may have moved to another workflow, for its next try
        active = concerned(ACTIVE)
        waiting = [status.workflow for status in active if status.state in WAITING]
        jobs.cancel(waiting)
        pending.update(waiting)
        running = len(active) - len(waiting)
        if not active or (running and time.monotonic() > until):
            break
        time.sleep(_ERASE_LOOKS)
    gone = {status.workflow for status in concerned(ENDED)}
    jobs.delete(gone)
    if engine.name == "sqlite":  # what was deleted is in the log as well
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return {
        "pending": len(pending),
        "running": running,
        "finished": len(gone - pending),
        "usage": ledger.erase(namespace),
    }
