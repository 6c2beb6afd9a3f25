"""Futures of reflections that may run anywhere: a thread looks up which have ended.

The thread exists while somebody waits, sleeps until the first of them is due, and asks only
for those that are.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

from longterm.errors import ReflectionError
from longterm.reflect.durable.codec import decode
from longterm.reflect.durable.jobs import ENDED, WAITING, Jobs, Status
from longterm.reflect.durable.outcome import Done, Job, Moved, Replaced, read
from longterm.reflect.durable.process import start
from longterm.reflect.durable.tracker import Tracker

__all__ = ["Futures"]

logger = logging.getLogger("longterm.reflect")

#: Seconds between looks at what is due, and the longest sleep before.
_POLL = 0.2
_SLEEP = 5.0
#: Workflows asked for at once.
_CHUNK = 500


class Futures:
    """The futures of what this process submitted."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._tracker = Tracker()
        self._errors: dict[str, BaseException] = {}
        self._changed = threading.Condition()
        self._polling = False

    def follow(self, job: Job, workflow: str, delay: float) -> Future[Any]:
        """Return a future for *job* that is settled when the workflow has ended."""
        future = self._tracker.add(job, workflow, time.monotonic() + delay)
        future.add_done_callback(lambda future: self._cancelled(job, future))
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
        """Cancel the workflows that nobody has started, in the database too."""
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

    def _cancelled(self, job: Job, future: Future[Any]) -> None:
        """Cancel the workflow of a job whose owner cancelled the future."""
        workflow = self._tracker.drop(job) if future.cancelled() else None
        if workflow is not None:
            found = self._jobs.find([workflow], content=True)
            mine = [s.workflow for s in found if s.state in WAITING and s.job.id == job.id]
            self._jobs.cancel(mine)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
            if not self._polling:
                start(self._poll, "futures")
                self._polling = True

    def _poll(self) -> None:
        """Settle futures until nobody waits any more."""
        while self._await_next_due():
            try:
                self._settle_ended()
            except Exception as error:  # noqa: BLE001 - the database may be back the next time
                logger.warning("Cannot look up reflections, trying again: %s", error)
            time.sleep(_POLL)

    def _await_next_due(self) -> bool:
        """Sleep while no workflow can have ended; whether anybody waits."""
        with self._changed:
            while (due := self._tracker.next_due()) is not None:
                seconds = due - time.monotonic()
                if seconds <= 0:
                    return True
                self._changed.wait(min(seconds, _SLEEP))
            self._polling = False
            self._changed.notify_all()
            return False

    def _look(self) -> Iterator[Status]:
        """Find the workflows that are due, without their content."""
        due = self._tracker.due(time.monotonic())
        for first in range(0, len(due), _CHUNK):
            yield from self._jobs.find(due[first : first + _CHUNK])

    def _settle_ended(self) -> None:
        ended = [status.workflow for status in self._look() if status.state in ENDED]
        for first in range(0, len(ended), _CHUNK):
            for status in self._jobs.find(ended[first : first + _CHUNK], content=True):
                self._settle(status)

    def _settle(self, status: Status) -> None:
        workflow, job = status.workflow, status.job.id
        match read(status.output) if status.state == "SUCCESS" else status.state:
            case Done(result=result):
                self._tracker.end(workflow, job, lambda future: future.set_result(decode(result)))
            case Moved(to=to):
                self._tracker.move(workflow, to)
            case Replaced() | "CANCELLED":
                self._tracker.end(workflow, None)
            case _:
                error = self._errors.pop(job, None) or ReflectionError(status.error)
                self._tracker.end(workflow, job, lambda future: future.set_exception(error))
