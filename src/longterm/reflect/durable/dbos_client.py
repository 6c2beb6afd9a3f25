"""All that is known here of DBOS: jobs as its workflows, and the one DBOS of this process.

A `DbosClient` submits, looks up and deletes, and runs nothing. Each thread has at most one
workflow that is delayed, and DBOS's debouncing keeps it so. The id of a workflow begins with
its reflection and its thread, so that all of one thread are found.

`process` runs the jobs of the executors that have joined, from the first to the last. It takes
over from workers that died, hands out what is due without DBOS's delay of a second, and deletes
what finished long ago. Closed executors stay until the last one is: DBOS goes on handing out
their jobs, which others have to do.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Protocol, TypeVar, cast
from uuid import NAMESPACE_URL, uuid4, uuid5

import sqlalchemy as sa
from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    DebouncerClient,
    EnqueueOptions,
    WorkflowStatus,
    _dbos as dbos_state,  # pyright: ignore[reportPrivateUsage] - to see a host's DBOS
    error as dbos_error,
)

from longterm.effects.observe import error_text
from longterm.errors import ConfigurationError, InvalidInputError, StoreError
from longterm.reflect.durable.database import (
    SCHEMA,
    create_tables,
    earliest_due,
    in_our_words,
    is_sqlite,
    open_engine,
    unquoted,
)
from longterm.reflect.durable.lease import Leases, Watch, leases_on
from longterm.reflect.durable.outcome import Job, Other, Outcome, judge, write_outcome
from longterm.reflect.threads import aside, start

__all__ = [
    "ACTIVE",
    "ENDED",
    "FAILED",
    "WAITING",
    "DbosClient",
    "Status",
    "Worker",
    "prepare",
    "process",
    "step",
]

T = TypeVar("T")

logger = logging.getLogger("longterm.reflect")

#: The versions that the tests have run with; others are tried, with a warning.
TESTED = ("3.4",)
WORKFLOW = "longterm.reflect"
APPLICATION = "longterm-reflection"
#: Part of the stored data: raise it only together with a migration of pending jobs.
VERSION = "longterm-1"
WAITING = ["DELAYED", "ENQUEUED"]
ACTIVE = [*WAITING, "PENDING"]
FAILED = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
ENDED = [*FAILED, "SUCCESS", "CANCELLED"]
#: A job that ends its worker this often is given up.
MAX_DISPATCHES = 25
#: The longest wait for running reflections at the end of a worker, in seconds.
_FINISH = 600
#: Seconds between looks at the queue, and at what other processes made due: DBOS looks for the
#: latter once a second. Both together take some five per cent of a core while nothing happens.
_QUEUE_POLL = 0.06
_DUE_POLL = 0.1
#: Rows that are read at once.
_PAGE = 500
#: What is used here and not promised by DBOS, by where it is.
_PRIVATE: tuple[tuple[object, str], ...] = (
    (DBOSClient, "_enqueue_debounced"),
    (DBOS, "_recover_pending_workflows"),
    (DBOS, "_sys_db"),
    (dbos_state, "_get_dbos_instance"),
    (dbos_state, "_dbos_global_instance"),
)


@dataclass(frozen=True, slots=True)
class Status:
    """What DBOS knows of one workflow.

    `job` and `output` are None where no content was asked for, and where it cannot be read.
    """

    workflow: str
    state: str
    job: Job | None
    output: str | None
    error: str
    #: When it ended, in seconds since 1970.
    ended: float
    #: Until when it waits, in seconds since 1970.
    delayed_until: float

    @classmethod
    def of(cls, status: WorkflowStatus) -> Status:
        """Read what DBOS found; what is not ours in a row is None here, never an error."""
        job = None
        with suppress(InvalidInputError, TypeError, LookupError):
            job = Job.read(cast("Any", status.input)["args"][1])
        error = status.error
        if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
            error = f"It ended its worker {MAX_DISPATCHES} times."
        return cls(
            workflow=status.workflow_id,
            state=status.status,
            job=job,
            output=status.output if isinstance(status.output, str) else None,
            error=str(error),
            ended=(status.completed_at or status.updated_at or 0) / 1000,
            delayed_until=(status.delay_until_epoch_ms or 0) / 1000,
        )

    def is_due(self, wall: float) -> bool:
        """Whether the workflow runs, or could."""
        return self.state in ACTIVE and (self.state != "DELAYED" or self.delayed_until <= wall)


class DbosClient:
    """The reflections called *name* in a database; all of them where that is None.

    Newer ones put a thread off no longer than *max_wait* seconds. While the database is away, a
    *patient* one waits and others raise.
    """

    def __init__(
        self,
        engine: sa.Engine,
        name: str | None,
        *,
        patient: bool = False,
        max_wait: float | None = None,
    ) -> None:
        self.name = name
        self.max_wait = max_wait
        self.queue = f"{WORKFLOW}.{name}"
        self._root = "" if name is None else f"{uuid5(NAMESPACE_URL, name).hex[:12]}-"
        self._client = DBOSClient(
            system_database_engine=engine,
            dbos_system_schema=SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            retry_connection_errors=patient,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.destroy()

    def debounce(self, job: Job, seconds: float) -> str:
        """Let *job* wait, in place of what waits for its thread; return the workflow."""
        options = self._options(f"{self._prefix(job)}{uuid4().hex}")
        debouncer = DebouncerClient(
            self._client, options, queue=self.queue, debounce_timeout_sec=self.max_wait
        )
        return debouncer.debounce(job.key, seconds, self.name, job.text).get_workflow_id()

    def enqueue(self, job: Job, seconds: float, workflow: str | None = None) -> str | None:
        """Let *job* wait in place of what is older, and return the workflow.

        None where something newer waits for its thread.
        """
        workflow = workflow or f"{self._prefix(job)}{uuid4().hex}"
        options = self._options(workflow)
        options.update(deduplication_id=f"{WORKFLOW}-{job.key}", delay_seconds=seconds)
        deadline = None
        if self.max_wait is not None:  # until when newer submits may put it off
            deadline = int((time.time() + seconds + self.max_wait) * 1000)
        # Private, because DBOS has no public way to debounce without replacing.
        enqueue = self._client._enqueue_debounced  # pyright: ignore[reportPrivateUsage]
        for _ in range(10):  # others of the thread come and go; one that is damaged stays
            try:
                return enqueue(options, deadline, self.name, job.text)
            except dbos_error.DBOSQueueDeduplicatedError:
                verdict = judge(job, self.others(job, workflow))
                if verdict.replaced:
                    return None
                self.cancel(verdict.outdated)
        return None

    def find(self, workflows: list[str], *, content: bool = False) -> Iterator[Status]:
        """Find the status of each of *workflows* that is known."""
        for first in range(0, len(workflows), _PAGE):
            page = workflows[first : first + _PAGE]
            yield from self._listed(content=content, workflow_ids=page)

    def others(self, job: Job, workflow: str) -> list[Other]:
        """Return the unfinished reflections of the thread of *job*, except *workflow*."""
        found = self._listed(content=True, workflow_id_prefix=self._prefix(job), status=ACTIVE)
        return [
            Other(status.workflow, status.state == "PENDING", status.job)
            for status in found
            if status.workflow != workflow and status.job is not None
        ]

    def listed(self, states: list[str], *, content: bool = False, **more: Any) -> list[Status]:
        """Return the reflections in *states*, oldest first."""
        if self._root:
            more["workflow_id_prefix"] = self._root
        return list(self._listed(content=content, status=states, **more))

    def _listed(self, *, content: bool, **which: Any) -> Iterator[Status]:
        found = self._client.list_workflows(load_input=content, load_output=content, **which)
        return map(Status.of, found)

    def owners(self) -> set[str]:
        """Return the ids of all workers that have started something and not ended it."""
        started = self._client.list_workflows(
            name=WORKFLOW, status="PENDING", load_input=False, load_output=False
        )
        return {status.executor_id for status in started if status.executor_id}

    def cancel(self, workflows: Iterable[str]) -> None:
        """Cancel *workflows*; the finished ones stay as they are."""
        if chosen := list(workflows):
            self._client.cancel_workflows(chosen)

    def delete(self, workflows: Iterable[str]) -> None:
        """Delete *workflows* with all that is stored of them."""
        if chosen := list(workflows):
            self._client.delete_workflows(chosen)

    def hurry(self, workflow: str) -> None:
        """Make *workflow* due now, if it is delayed."""
        self._client.set_workflow_delay(workflow, delay_seconds=0)

    def _options(self, workflow: str) -> EnqueueOptions:
        return EnqueueOptions(
            workflow_name=WORKFLOW,
            queue_name=self.queue,
            workflow_id=workflow,
            app_version=VERSION,
        )

    def _prefix(self, job: Job) -> str:
        """Return what the ids of all workflows of a thread begin with."""
        return f"{self._root}{job.key}-"


def prepare(url: sa.URL) -> sa.Engine:
    """Create or update the tables at *url*, and return an engine for them.

    Raises `ConfigurationError` where the DBOS that is installed has not what is used here, and
    `StoreError` where the database is away or unfit.
    """
    installed = version("dbos")
    if missing := [name for owner, name in _PRIVATE if not hasattr(owner, name)]:
        raise ConfigurationError(
            f"DBOS {installed} has no {missing}, which durable reflection needs. Install a version "
            f'that is tested: pip install "dbos=={TESTED[-1]}.*"'
        )
    if not installed.startswith(TESTED):
        logger.warning("DBOS %s is not tested with durable reflection, %s is", installed, TESTED)
    talk = logging.getLogger("dbos")
    talk.addFilter(unquoted)
    if talk.level == logging.NOTSET:
        talk.setLevel(logging.WARNING)
    engine = None
    try:
        with in_our_words(url):
            engine = open_engine(url)
            if is_sqlite(url):  # through our own connections: see `database`
                client = DBOSClient(system_database_engine=engine)
                client._sys_db.run_migrations()  # pyright: ignore[reportPrivateUsage]
            else:
                DBOS.migrate(url.render_as_string(hide_password=False), schema=SCHEMA)
            create_tables(engine)
    except StoreError:
        if engine is not None:
            engine.dispose()
        raise
    return engine


class Worker(Protocol):
    """What takes part: an executor."""

    name: str
    url: sa.URL
    jobs: DbosClient
    max_workers: int
    keep: timedelta

    def work(self, job: Job, workflow: str) -> Outcome:
        """Do *job*, inside the workflow of that id."""
        ...


def step(name: str, do: Callable[[], T]) -> T:
    """Do it once per workflow: after a crash, what was recorded is returned instead."""
    return DBOS.run_step({"name": name}, do)


def _run(name: str, text: str) -> str:
    """Do one job: the DBOS workflow."""
    return write_outcome(process.worker(name).work(Job.read(text), cast("str", DBOS.workflow_id)))


class _Process:
    """See the head of this file."""

    #: Seconds between looks for dead workers, and for finished jobs to delete.
    LOOK = 1.0
    CLEAN = 60.0
    #: How many finished jobs are deleted at once.
    CLEANED = 500

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: dict[str, Worker] = {}
        self._closed: set[str] = set()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._nudged = threading.Event()
        self._engine: sa.Engine | None = None
        self._leases: Leases | None = None
        self._registered = False

    def worker(self, name: str) -> Worker:
        """Return who does the reflections called *name*."""
        return self._workers[name]

    def join(self, worker: Worker) -> None:
        """Let *worker* work, and start DBOS for the first one."""
        with self._lock:
            self._check(worker)
            first = not self._workers
            self._workers[worker.name] = worker
            self._closed.discard(worker.name)
            try:
                aside(lambda: self._listen(worker, first=first))
            except BaseException:
                del self._workers[worker.name]
                raise

    def leave(self, worker: Worker) -> None:
        """Note that *worker* is closed; after the last one, finish what runs and stop DBOS."""
        with self._lock:
            if self._workers.get(worker.name) is worker:
                self._closed.add(worker.name)
            if self._closed != set(self._workers):
                return
            self._stop.set()
            self._nudged.set()
            for thread in self._threads:
                thread.join()
            busy = bool(_dbos()._active_workflows_set.activeList())
            DBOS.destroy(workflow_completion_timeout_sec=_FINISH if busy else 0)
            if self._leases is not None:
                self._leases.close()
            for left in self._workers.values():
                left.jobs.close()
            if self._engine is not None:
                self._engine.dispose()
            self._workers.clear()
            self._closed.clear()

    def nudge(self) -> None:
        """Look for what is due now rather than soon: something was submitted here."""
        self._nudged.set()

    def _check(self, worker: Worker) -> None:
        if worker.name in self._workers and worker.name not in self._closed:
            raise ConfigurationError(
                f"There is a ReflectionExecutor named {worker.name!r} in this process already. "
                "Give each a name of its own: ReflectionExecutor(…, name='episodes')."
            )
        if any(other.url != worker.url for other in self._workers.values()):
            raise ConfigurationError(
                "All durable ReflectionExecutors of one process share one database. Use the same "
                "durable=… for all, or max_workers=0 here and a worker elsewhere."
            )
        if not self._workers and dbos_state._dbos_global_instance is not None:  # pyright: ignore[reportPrivateUsage]
            raise ConfigurationError(
                "This program runs DBOS already, and a process has only one, with settings that "
                "reflections cannot share (pickled payloads, versions that change with the code). "
                "Pass max_workers=0 to submit from here, and let a process of their own run the "
                "reflections: longterm worker --db …"
            )

    def _listen(self, worker: Worker, *, first: bool) -> None:
        if first:
            self._begin(worker)
        else:
            # Private: the public call is refused once DBOS runs, though DBOS looks again and again.
            _dbos()._listening_queues.append(worker.jobs.queue)
        DBOS.register_queue(
            worker.jobs.queue,
            worker_concurrency=worker.max_workers,
            polling_interval_sec=_QUEUE_POLL,
            on_conflict="always_update",
        )

    def _begin(self, worker: Worker) -> None:
        executor_id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:12]}"
        engine = self._engine = open_engine(worker.url)
        leases = self._leases = leases_on(engine, executor_id)
        leases.hold()
        if not self._registered:
            DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MAX_DISPATCHES)(_run)
            self._registered = True
        try:
            config = DBOSConfig(
                name=APPLICATION,
                system_database_engine=engine,
                dbos_system_schema=SCHEMA,
                application_version=VERSION,
                executor_id=executor_id,
                serializer=DBOSPortableJSONSerializer(),
                log_level="WARNING",
            )
            DBOS(config=config)
            DBOS.listen_queues([worker.jobs.queue])
            DBOS.launch()
        except BaseException:
            DBOS.destroy()
            leases.close()
            engine.dispose()
            raise
        stop = self._stop = threading.Event()
        self._threads = [
            start(lambda: self._tend(leases, stop), "tend"),
            start(lambda: self._hand_out(engine, stop), "due"),
        ]

    def _hand_out(self, engine: sa.Engine, stop: threading.Event) -> None:
        """Queue what is due as soon as it is."""
        while not stop.is_set():
            self._nudged.wait(_DUE_POLL)
            self._nudged.clear()
            try:
                due = earliest_due(engine)
                if due is not None and due <= time.time() and not stop.is_set():
                    _dbos()._sys_db.transition_delayed_workflows()
            except Exception as error:  # noqa: BLE001 - DBOS itself looks once a second
                logger.warning("Cannot look for what is due, trying again: %s", error_text(error))
                stop.wait(self.LOOK)

    def _tend(self, leases: Leases, stop: threading.Event) -> None:
        """Take over from the dead, and clean up, until it is stopped or the program ends."""
        cleaned, watch = 0.0, Watch(leases)
        while not stop.wait(self.LOOK) and threading.main_thread().is_alive():
            try:
                leases.hold()
                jobs = next(worker.jobs for worker in self._workers.values())
                if dead := watch.dead(jobs.owners()):
                    logger.warning("Taking over from workers that died: %s", dead)
                    # Private, because the public way is a paid service.
                    DBOS._recover_pending_workflows(dead)  # pyright: ignore[reportPrivateUsage]
                if time.monotonic() - cleaned > self.CLEAN:
                    cleaned = time.monotonic()
                    self.clean()
            except Exception as error:  # noqa: BLE001 - the database may be back the next time
                logger.warning("Cannot look after reflections, trying again: %s", error_text(error))
        if not stop.is_set():  # the program ends, and waits for what runs: take nothing new
            for event in _dbos().background_thread_stop_events:
                event.set()

    def clean(self) -> None:
        """Delete what finished longer ago than its worker wants to keep."""
        for worker in list(self._workers.values()):
            before = (datetime.now(UTC) - worker.keep).isoformat()
            full = True
            while full and not self._stop.is_set():
                old = worker.jobs.listed(ENDED, completed_before=before, limit=self.CLEANED)
                worker.jobs.delete(status.workflow for status in old)
                full = len(old) == self.CLEANED


def _dbos() -> Any:
    """Return the running DBOS, with the parts that are not public."""
    return cast("Any", dbos_state)._get_dbos_instance()


process = _Process()
