"""Futures of reflections that may run anywhere: a thread looks up which have ended.

The thread exists while somebody waits, sleeps until the first of them is due, and asks only
for those that are.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from longterm.errors import ReflectionError
from longterm.reflect.durable.codec import decode
from longterm.reflect.durable.jobs import ENDED, WAITING, Jobs, Status
from longterm.reflect.durable.outcome import Done, Job, Moved, Outcome, Replaced, read
from longterm.reflect.durable.process import start
from longterm.reflect.durable.tracker import Tracker

__all__ = ["Futures"]

logger = logging.getLogger("longterm.reflect")

#: Seconds between looks at what is due, and the longest sleep before.
_POLL = 0.2
_SLEEP = 5.0
#: Workflows asked for at once.
_CHUNK = 500


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

    def __init__(self, jobs: Jobs) -> None:
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

    def _give_up(self, job: Job) -> bool:
        """Cancel the workflow of *job* for its owner; False where it runs, or nobody can tell."""
        try:
            return self._cancel(job)
        except DBAPIError as error:
            logger.warning("Cannot cancel a reflection: %s", error)
            return False

    def _cancel(self, job: Job) -> bool:
        while (workflow := self._tracker.workflow_of(job)) is not None:
            found = self._jobs.find([workflow], content=True)
            if not found or found[0].job.id != job.id:
                return True  # somebody else's took its place
            if found[0].state in WAITING:
                self._jobs.cancel([workflow])
                return True
            match _outcome(found[0]):
                case Moved(to=to):
                    self._tracker.move(workflow, to)
                case _:
                    return False
        return True

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
        match _outcome(status):
            case Done(result=result):
                self._tracker.end(workflow, job, lambda future: future.set_result(decode(result)))
            case Moved(to=to):
                self._tracker.move(workflow, to)
            case Replaced() | "CANCELLED":
                self._tracker.end(workflow, None)
            case _:
                error = self._errors.pop(job, None) or ReflectionError(status.error)
                self._tracker.end(workflow, job, lambda future: future.set_exception(error))


def _outcome(status: Status) -> Outcome | str:
    """Return what came of a workflow; its state where nothing did."""
    return read(status.output) if status.state == "SUCCESS" else status.state
