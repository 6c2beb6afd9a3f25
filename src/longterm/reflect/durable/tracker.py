"""The futures of durable reflections: which of them waits for which workflow. Thread-safe.

Several submits may share one workflow, because a newer one replaces the payload of the one
that is pending. When the workflow ends, the submit whose payload ran gets the result and the
others are cancelled.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from longterm.reflect.durable.outcome import Job

__all__ = ["Tracker"]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    job: Job
    due: float
    #: When it is due however often newer ones put it off.
    latest: float
    future: Future[Any]


class Tracker:
    """Futures by workflow, and workflows by job."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[_Waiting]] = {}
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
            entry = _Waiting(job, min(due, latest), latest, future)
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
        """When the next workflow may start; None if nobody waits."""
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
        self, workflow: str, job: str | None, settle: Callable[[Future[Any]], None] = lambda _: None
    ) -> None:
        """Settle the future of *job*, whose payload ran, and cancel others of *workflow*."""
        ended = self._take(workflow)
        for entry in ended:
            if entry.job.id == job and entry.future.set_running_or_notify_cancel():
                settle(entry.future)
        _cancel(entry for entry in ended if entry.job.id != job)

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

    def _take(self, workflow: str) -> list[_Waiting]:
        with self._lock:
            entries = self._waiting.pop(workflow, [])
            self._forget(entries)
        return entries

    def _place(self, workflow: str, entries: list[_Waiting]) -> None:
        if entries:
            self._waiting[workflow] = self._waiting.get(workflow, []) + entries
            self._workflows.update((entry.job.id, workflow) for entry in entries)

    def _forget(self, entries: Iterable[_Waiting]) -> None:
        for entry in entries:
            self._workflows.pop(entry.job.id, None)


def _cancel(entries: Iterable[_Waiting]) -> None:
    for entry in entries:
        Future[Any].cancel(entry.future)  # that of the base class: nobody needs to be asked
