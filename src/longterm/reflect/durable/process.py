"""The one DBOS of this process: started with the first executor, stopped with the last.

It runs the jobs of the executors that have joined, takes over from workers that died and
deletes what finished long ago. Closed executors stay until the last one is: DBOS goes on
handing out their jobs, and somebody has to do them.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast
from uuid import uuid4

from dbos import (
    DBOS,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    _dbos as dbos_state,  # pyright: ignore[reportPrivateUsage] - to see a host's DBOS
)

from longterm.errors import ConfigurationError, ReflectionError
from longterm.reflect.durable.jobs import (
    APPLICATION,
    ENDED,
    MAX_DISPATCHES,
    SCHEMA,
    VERSION,
    WORKFLOW,
    Jobs,
)
from longterm.reflect.durable.lease import FileLeases, Leases, PostgresLeases, Watch
from longterm.reflect.durable.outcome import Job, Outcome, write

__all__ = ["Worker", "aside", "process", "start", "step"]

T = TypeVar("T")

logger = logging.getLogger("longterm.reflect")

#: The longest wait for running reflections at the end of a worker, in seconds.
_FINISH = 600


class Worker(Protocol):
    """What takes part: an executor."""

    name: str
    jobs: Jobs
    max_workers: int
    keep: timedelta

    def work(self, job: Job, workflow: str) -> Outcome:
        """Do *job*, inside the workflow of that id."""
        ...


def step(name: str, do: Callable[[], T]) -> T:
    """Do it once per workflow: after a crash, what was recorded is returned instead."""
    return DBOS.run_step({"name": name}, do)


def start(work: Callable[[], None], name: str) -> threading.Thread:
    """Start a thread that never keeps a program alive."""
    thread = threading.Thread(target=work, name=f"longterm-reflect-{name}", daemon=True)
    thread.start()
    return thread


def aside(work: Callable[[], None]) -> None:
    """Do it on another thread and wait: DBOS refuses to start where an event loop runs."""
    done: Future[None] = Future()

    def do() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised by the caller, below
            done.set_exception(error)

    start(do, "aside")
    done.result()


def _run(name: str, text: str) -> str:
    """Do one job: the DBOS workflow."""
    return write(process.worker(name).work(Job.read(text), cast("str", DBOS.workflow_id)))


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
        self._tending: threading.Thread | None = None
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
        """Note that *worker* is closed, and stop DBOS after the last one."""
        with self._lock:
            if self._workers.get(worker.name) is worker:
                self._closed.add(worker.name)
            if self._closed == set(self._workers):
                self._end()

    def _check(self, worker: Worker) -> None:
        if worker.name in self._workers and worker.name not in self._closed:
            raise ConfigurationError(
                f"There is a ReflectionExecutor named {worker.name!r} in this process already. "
                "Give each a name of its own: ReflectionExecutor(…, name='episodes')."
            )
        if any(other.jobs.url != worker.jobs.url for other in self._workers.values()):
            raise ConfigurationError(
                "All durable ReflectionExecutors of one process share one database. Use the same "
                "durable=… for all, or max_workers=0 here and a worker elsewhere."
            )
        if not self._workers and dbos_state._dbos_global_instance is not None:  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
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
            _listening_queues().append(worker.jobs.queue)
        DBOS.register_queue(
            worker.jobs.queue,
            worker_concurrency=worker.max_workers,
            polling_interval_sec=0.2,
            on_conflict="always_update",
        )

    def _begin(self, worker: Worker) -> None:
        executor_id = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:12]}"
        leases = self._leases = _leases(worker.jobs, executor_id)
        leases.hold()
        if not self._registered:
            DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MAX_DISPATCHES)(_run)
            self._registered = True
        try:
            self._launch(worker.jobs, executor_id)
        except BaseException:
            DBOS.destroy()
            leases.close()
            raise
        stop = self._stop = threading.Event()
        self._tending = start(lambda: self._tend(leases, stop), "tend")

    def _launch(self, jobs: Jobs, executor_id: str) -> None:
        DBOS(config=_config(jobs, executor_id))
        DBOS.listen_queues([jobs.queue])
        DBOS.launch()
        logging.getLogger("dbos").addFilter(_is_news)

    def _end(self) -> None:
        """Finish what runs and take nothing new."""
        self._stop.set()
        if self._tending is not None:
            self._tending.join()
        DBOS.destroy(workflow_completion_timeout_sec=_FINISH if _is_busy() else 0)
        if self._leases is not None:
            self._leases.close()
        for worker in self._workers.values():
            worker.jobs.close()
        self._workers.clear()
        self._closed.clear()

    def _tend(self, leases: Leases, stop: threading.Event) -> None:
        """Take over from the dead, and clean up, until told to stop or the program ends."""
        cleaned, watch = 0.0, Watch(leases)
        while not stop.wait(self.LOOK) and threading.main_thread().is_alive():
            try:
                leases.hold()
                self._take_over(watch)
                if time.monotonic() - cleaned > self.CLEAN:
                    cleaned = time.monotonic()
                    self.clean()
            except Exception as error:  # noqa: BLE001 - the database may be back the next time
                logger.warning("Cannot look after the reflections, trying again: %s", error)
        if not stop.is_set():
            _take_nothing_new()  # the program ends, and waits for what runs

    def _take_over(self, watch: Watch) -> None:
        jobs = next(worker.jobs for worker in self._workers.values())
        if dead := watch.dead(jobs.owners()):
            logger.warning("Taking over from workers that died: %s", dead)
            # Private, because the public way is a paid service.
            DBOS._recover_pending_workflows(dead)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    def clean(self) -> None:
        """Delete what finished longer ago than its worker wants to keep."""
        for worker in list(self._workers.values()):
            before = (datetime.now(UTC) - worker.keep).isoformat()
            full = True
            while full and not self._stop.is_set():
                old = worker.jobs.listed(ENDED, completed_before=before, limit=self.CLEANED)
                worker.jobs.delete(status.workflow for status in old)
                full = len(old) == self.CLEANED


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a message of DBOS says more than that a reflection failed, which we said."""
    return not (record.exc_info and isinstance(record.exc_info[1], ReflectionError))


def _config(jobs: Jobs, executor_id: str) -> DBOSConfig:
    return DBOSConfig(
        name=APPLICATION,
        system_database_url=jobs.url.render_as_string(hide_password=False),
        dbos_system_schema=SCHEMA,
        application_version=VERSION,
        executor_id=executor_id,
        serializer=DBOSPortableJSONSerializer(),
        log_level="WARNING",
    )


def _leases(jobs: Jobs, executor_id: str) -> Leases:
    if jobs.url.get_backend_name() == "sqlite":
        return FileLeases(Path(f"{jobs.url.database}-workers"), executor_id)
    return PostgresLeases(jobs.engine, executor_id)


def _dbos() -> Any:
    """Return the running DBOS, with the parts that are not public."""
    return cast("Any", dbos_state)._get_dbos_instance()  # noqa: SLF001


def _listening_queues() -> list[str]:
    return _dbos()._listening_queues  # noqa: SLF001


def _take_nothing_new() -> None:
    for event in _dbos().background_thread_stop_events:
        event.set()


def _is_busy() -> bool:
    return bool(_dbos()._active_workflows_set.activeList())  # noqa: SLF001


process = _Process()
