"""Futures of reflections that may run anywhere: a thread looks up which have ended.

Several submits may share one workflow, because a newer one replaces the payload of the one
that is pending. When the workflow ends, the submit whose payload ran gets the result and the
others are cancelled. The thread exists while a future waits, sleeps until the first of them is
due, and asks only for those that are.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from longterm.effects.observe import error_text
from longterm.errors import InvalidInputError, ReflectionError
from longterm.reflect.durable.codec import decode_payload
from longterm.reflect.durable.dbos_client import ENDED, WAITING, DbosClient, Status
from longterm.reflect.durable.outcome import Done, Job, Moved, Outcome, Replaced, read_outcome
from longterm.reflect.threads import start

__all__ = ["Futures", "Tracker"]

logger = logging.getLogger("longterm.reflect")

#: Seconds between looks at what is due, and the longest sleep before.
_POLL = 0.1
_SLEEP = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Unsettled:
    job: Job
    due: float
    #: When it is due however often newer ones put it off.
    latest: float
    future: Future[Any]


class Tracker:
    """Futures by workflow, and workflows by job. Thread-safe."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Unsettled]] = {}
        self._workflows: dict[str, str] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(
        self,
        job: Job,
        workflow: str,
        due: float,
        *,
        latest: float = math.inf,
        future: Future[Any] | None = None,
    ) -> Future[Any]:
        """Return the *future* of *job*; older ones that wait for *workflow* are cancelled."""
        future = future or Future()
        with self._lock:
            here = self._waiting.pop(workflow, [])
            replaced = [other for other in here if other.job.submitted < job.submitted]
            latest = min([latest, *(other.latest for other in replaced)])
            entry = _Unsettled(job, min(due, latest), latest, future)
            self._place(workflow, [other for other in here if other not in replaced] + [entry])
            self._forget(replaced)
        _cancel(replaced)
        return future

    def workflow_of(self, job: Job) -> str | None:
        """Return the workflow that *job* waits for."""
        return self._workflows.get(job.id)

    def due(self, now: float) -> list[str]:
        """Return the workflows that may have ended."""
        with self._lock:
            return [
                workflow
                for workflow, entries in self._waiting.items()
                if any(entry.due <= now for entry in entries)
            ]

    def next_due(self) -> float | None:
        """When the next workflow may start; None if nothing waits."""
        with self._lock:
            dues = (entry.due for entries in self._waiting.values() for entry in entries)
            return min(dues, default=None)

    def move(self, workflow: str, to: str) -> None:
        """Let those who wait for *workflow* wait for *to*."""
        with self._lock:
            self._place(to, self._waiting.pop(workflow, []))

    def hurry(self) -> None:
        """Take everything for due."""
        with self._lock:
            for workflow, entries in self._waiting.items():
                self._waiting[workflow] = [replace(entry, due=0.0) for entry in entries]

    def end(
        self, workflow: str, job: str | None, settle: Callable[[Future[Any]], None] | None = None
    ) -> None:
        """Settle the future of *job*, whose payload ran, and cancel others of *workflow*.

        Where it is not known which payload that was, *job* is None, and all are settled; with
        nothing to *settle* all are cancelled.
        """
        ended = self._take(workflow)
        mine = [entry for entry in ended if settle and job in (None, entry.job.id)]
        for entry in mine:
            if settle and entry.future.set_running_or_notify_cancel():
                settle(entry.future)
        _cancel(entry for entry in ended if entry not in mine)

    def drop(self, job: Job) -> None:
        """Forget *job*."""
        with self._lock:
            workflow = self._workflows.pop(job.id, None)
            if workflow is not None:
                left = [e for e in self._waiting.pop(workflow) if e.job.id != job.id]
                self._place(workflow, left)

    def release(self) -> None:
        """Forget and cancel everything."""
        for workflow in list(self._waiting):
            _cancel(self._take(workflow))

    def _take(self, workflow: str) -> list[_Unsettled]:
        with self._lock:
            entries = self._waiting.pop(workflow, [])
            self._forget(entries)
        return entries

    def _place(self, workflow: str, entries: list[_Unsettled]) -> None:
        if entries:
            self._waiting[workflow] = self._waiting.get(workflow, []) + entries
            self._workflows.update((entry.job.id, workflow) for entry in entries)

    def _forget(self, entries: Iterable[_Unsettled]) -> None:
        for entry in entries:
            self._workflows.pop(entry.job.id, None)


def _cancel(entries: Iterable[_Unsettled]) -> None:
    for entry in entries:
        Future[Any].cancel(entry.future)  # that of the base class: the database is not asked


class _OfJob(Future[Any]):
    """A future that asks before it is cancelled: the job may run by now, on another worker."""

    def __init__(self, give_up: Callable[[], bool]) -> None:
        super().__init__()
        self._give_up = give_up

    @override
    def cancel(self) -> bool:
        return (self.done() or self._give_up()) and super().cancel()


class Futures:
    """The futures of what this process submitted."""

    def __init__(self, jobs: DbosClient) -> None:
        self._jobs = jobs
        self._tracker = Tracker()
        self._errors: dict[str, BaseException] = {}
        self._changed = threading.Condition()
        self._polling = False

    def follow(self, job: Job, workflow: str, delay: float) -> Future[Any]:
        """Return a future for *job* that is settled when the workflow has ended."""
        now = time.monotonic()
        longest = math.inf if self._jobs.max_wait is None else self._jobs.max_wait
        future = _OfJob(lambda: self._give_up(job))
        self._tracker.add(job, workflow, now + delay, latest=now + longest, future=future)
        future.add_done_callback(lambda _: self._tracker.drop(job))
        self._wake()
        return future

    def failed(self, job: Job, error: BaseException) -> None:
        """Remember *error*, which ends *job* here, so that its future has the original."""
        if self._tracker.workflow_of(job) is not None:
            self._errors[job.id] = error

    def hurry(self) -> None:
        """Look at everything from now on: it was made due earlier."""
        self._tracker.hurry()
        self._wake()

    def await_due(self) -> None:
        """Wait until nothing that was submitted here is due or running, and settle it."""
        while any(status.is_due(time.time()) for status in self._look()):
            time.sleep(_POLL)
        self._settle_ended()

    def cancel_waiting(self) -> None:
        """Cancel the workflows that no worker has started, in the database too."""
        self._tracker.hurry()
        waiting = [status.workflow for status in self._look() if status.state in WAITING]
        self._jobs.cancel(waiting)

    def release(self) -> None:
        """Cancel all futures, and end the thread that looks them up; the workflows stay."""
        self._tracker.release()
        with self._changed:
            self._changed.notify_all()
            while self._polling:
                self._changed.wait(_SLEEP)

    def _give_up(self, job: Job) -> bool:
        """Cancel the workflow of *job* for its owner; False where it runs or may run."""
        try:
            while (workflow := self._tracker.workflow_of(job)) is not None:
                status = next(self._jobs.find([workflow], content=True), None)
                if status is None or status.job is None or status.job.id != job.id:
                    return True  # another payload took its place
                if status.state in WAITING:
                    self._jobs.cancel([workflow])
                    return True
                match _outcome_of(status):
                    case Moved(to=to):
                        self._tracker.move(workflow, to)
                    case _:
                        return False
        except DBAPIError as error:
            logger.warning("Cannot cancel a reflection: %s", error_text(error))
            return False
        return True

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
            if not self._polling:
                start(self._poll, "futures")
                self._polling = True

    def _poll(self) -> None:
        """Settle futures until none waits any more."""
        while self._await_next_due():
            try:
                self._settle_ended()
            except Exception as error:  # noqa: BLE001 - the database may be back the next time
                logger.warning("Cannot look up reflections, trying again: %s", error_text(error))
            time.sleep(_POLL)

    def _await_next_due(self) -> bool:
        """Sleep while no workflow can have ended; whether any future waits."""
        with self._changed:
            while (due := self._tracker.next_due()) is not None:
                seconds = due - time.monotonic()
                if seconds <= 0:
                    return True
                self._changed.wait(min(seconds, _SLEEP))
            self._polling = False
            self._changed.notify_all()
            return False

    def _look(self) -> Iterable[Status]:
        """Find the workflows that are due, without their content."""
        return self._jobs.find(self._tracker.due(time.monotonic()))

    def _settle_ended(self) -> None:
        ended = [status.workflow for status in self._look() if status.state in ENDED]
        for status in self._jobs.find(ended, content=True):
            self._settle(status)

    def _settle(self, status: Status) -> None:
        workflow, job = status.workflow, None if status.job is None else status.job.id
        try:
            outcome = _outcome_of(status)
            result = decode_payload(outcome.result) if isinstance(outcome, Done) else None
        except (InvalidInputError, ValueError, LookupError, TypeError) as unread:
            error = ReflectionError(f"What came of it cannot be read ({type(unread).__name__}).")
            self._tracker.end(workflow, job, lambda future: future.set_exception(error))
            return
        match outcome:
            case Done():
                self._tracker.end(workflow, job, lambda future: future.set_result(result))
            case Moved(to=to):
                self._tracker.move(workflow, to)
            case Replaced() | "CANCELLED":
                self._tracker.end(workflow, None)
            case _:
                known = None if job is None else self._errors.pop(job, None)
                error = known or ReflectionError(status.error)
                self._tracker.end(workflow, job, lambda future: future.set_exception(error))


def _outcome_of(status: Status) -> Outcome | str:
    """Return what came of a workflow; its state where nothing did."""
    return read_outcome(status.output or "") if status.state == "SUCCESS" else status.state
