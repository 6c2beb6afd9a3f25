"""Reflections as DBOS workflows in a database: submit, look up, delete. Nothing runs here.

Each thread has at most one workflow that is delayed, and DBOS's debouncing keeps it so. The id
of a workflow begins with its reflection and its thread, so that all of one thread are found.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid4, uuid5

import sqlalchemy as sa
from dbos import (
    DBOS,
    DBOSClient,
    DBOSPortableJSONSerializer,
    DebouncerClient,
    EnqueueOptions,
    WorkflowStatus,
    error as dbos_error,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from longterm.errors import ConfigurationError, StoreError
from longterm.reflect.durable.ledger import create_tables
from longterm.reflect.durable.outcome import Job, Other

__all__ = [
    "ACTIVE",
    "APPLICATION",
    "ENDED",
    "FAILED",
    "MAX_DISPATCHES",
    "SCHEMA",
    "VERSION",
    "WAITING",
    "WORKFLOW",
    "Jobs",
    "Status",
    "prepared",
]

WORKFLOW = "longterm.reflect"
APPLICATION = "longterm-reflection"
#: Part of the stored data: raise it only together with a migration of pending jobs.
VERSION = "longterm-1"
#: Tables of our own, apart from those of an application that uses DBOS in the same database.
SCHEMA = "longterm_reflection"
WAITING = ["DELAYED", "ENQUEUED"]
ACTIVE = [*WAITING, "PENDING"]
FAILED = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
ENDED = [*FAILED, "SUCCESS", "CANCELLED"]
#: A job that ends its worker this often is given up.
MAX_DISPATCHES = 25


class Status:
    """What DBOS knows of one workflow; `job` and `output` only where content was asked for."""

    __slots__ = ("_status", "state", "workflow")

    def __init__(self, status: WorkflowStatus) -> None:
        self._status = status
        self.workflow: str = status.workflow_id
        self.state: str = status.status

    @property
    def job(self) -> Job:
        """The job to do."""
        return Job.read(cast("dict[str, Any]", self._status.input)["args"][1])

    @property
    def output(self) -> str:
        """What the workflow returned."""
        return cast("str", self._status.output)

    @property
    def error(self) -> str:
        """Why the workflow failed."""
        if self.state == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
            return f"It ended its worker {MAX_DISPATCHES} times."
        return str(self._status.error)

    @property
    def ended(self) -> float:
        """When the workflow ended, in seconds since 1970."""
        return (self._status.completed_at or self._status.updated_at or 0) / 1000

    def is_due(self, wall: float) -> bool:
        """Whether the workflow runs, or could."""
        if self.state == "DELAYED":
            return (self._status.delay_until_epoch_ms or 0) <= wall * 1000
        return self.state in ACTIVE


class Jobs:
    """The reflections called *name* in the database at *url*, which is `prepared`.

    Newer ones put a thread off no longer than *max_wait* seconds. While the database is away, a
    *patient* one waits and others raise.
    """

    def __init__(
        self, url: sa.URL, name: str, *, patient: bool, max_wait: float | None = None
    ) -> None:
        self.url = url
        self.name = name
        self.max_wait = max_wait
        self.queue = f"{WORKFLOW}.{name}"
        self._root = f"{uuid5(NAMESPACE_URL, name).hex[:12]}-"
        self.engine = sa.create_engine(url, pool_pre_ping=True)
        self._client = DBOSClient(
            system_database_url=self.url.render_as_string(hide_password=False),
            dbos_system_schema=SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            retry_connection_errors=patient,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.destroy()
        self.engine.dispose()

    def debounce(self, job: Job, seconds: float) -> str:
        """Let *job* wait, in place of what waits for its thread; return the workflow."""
        options = self._options(self._new_workflow(job))
        debouncer = DebouncerClient(
            self._client, options, queue=self.queue, debounce_timeout_sec=self.max_wait
        )
        return debouncer.debounce(job.key, seconds, self.name, job.text).get_workflow_id()

    def enqueue(self, job: Job, seconds: float, workflow: str | None = None) -> str | None:
        """Let *job* wait, unless something newer waits for its thread; return the workflow."""
        options = self._options(workflow or self._new_workflow(job))
        options["deduplication_id"] = f"{WORKFLOW}-{job.key}"
        options["delay_seconds"] = seconds
        try:
            # Private, because DBOS has no public way to debounce without replacing.
            enqueue = self._client._enqueue_debounced  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            return enqueue(options, self._deadline(seconds), self.name, job.text)
        except dbos_error.DBOSQueueDeduplicatedError:
            return None

    def _deadline(self, seconds: float) -> int | None:
        """Until when newer submits may put off what is due in so many *seconds*, as DBOS has it."""
        if self.max_wait is None:
            return None
        return int((time.time() + seconds + self.max_wait) * 1000)

    def find(self, workflows: list[str], *, content: bool = False) -> list[Status]:
        """Return the status of each of *workflows* that is known."""
        if not workflows:
            return []
        return self._listed(content=content, workflow_ids=workflows)

    def others(self, job: Job, workflow: str) -> list[Other]:
        """Return the unfinished reflections of the thread of *job*, except *workflow*."""
        found = self._listed(content=True, workflow_id_prefix=self._prefix(job), status=ACTIVE)
        return [
            Other(status.workflow, status.state == "PENDING", status.job)
            for status in found
            if status.workflow != workflow
        ]

    def listed(self, states: list[str], *, content: bool = False, **more: Any) -> list[Status]:
        """Return the reflections in *states*, oldest first."""
        return self._listed(content=content, workflow_id_prefix=self._root, status=states, **more)

    def _listed(self, *, content: bool, **which: Any) -> list[Status]:
        found = self._client.list_workflows(load_input=content, load_output=content, **which)
        return [Status(status) for status in found]

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

    def _new_workflow(self, job: Job) -> str:
        return f"{self._prefix(job)}{uuid4().hex}"

    def _prefix(self, job: Job) -> str:
        """Return what the ids of all workflows of a thread begin with."""
        return f"{self._root}{uuid5(NAMESPACE_URL, job.key).hex}-"


def prepared(url: str) -> sa.URL:
    """Create or update the tables at *url*, and return it as it is used here."""
    normal = _normal(url)
    try:
        _prepare(normal)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise StoreError(f"Reflections cannot be kept in {_masked(url)!r}: {error}") from error
    return normal


def _normal(url: str) -> sa.URL:
    """Return *url* with the driver that DBOS brings along, and a file's whole path."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise _refusal(url) from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database not in (None, "", ":memory:"):
            # A program may change its directory while it runs.
            return parsed.set(database=str(Path(parsed.database).absolute()))
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case _:
            raise _refusal(url)


def _refusal(url: str) -> ConfigurationError:
    return ConfigurationError(
        f"Reflections cannot be kept in {_masked(url)!r}. Pass durable='sqlite:///file.db' for one "
        "machine, or durable='postgresql://user:password@host/database' for several."
    )


def _masked(url: str) -> str:
    """Return *url* without the user and password in it."""
    shown = re.sub("(password=)[^&]*", r"\1***", url)
    return re.sub("^([^@]*://)?.*@", r"\1***@", shown)


def _prepare(url: sa.URL) -> None:
    """Create or update the tables of DBOS, without its telling about each."""
    if (talk := logging.getLogger("dbos")).level == logging.NOTSET:
        talk.setLevel(logging.WARNING)
    if url.get_backend_name() == "sqlite":
        _prepare_file(Path(cast("str", url.database)))
    DBOS.migrate(url.render_as_string(hide_password=False), schema=SCHEMA)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    create_tables(engine)


def _prepare_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        # Stays with the file; four times the throughput of DBOS's default.
        connection.execute("PRAGMA journal_mode=WAL")
