"""What a worker does with one job: claim it, reflect, and say what came of it.

Each of the three is a step that DBOS records, so that after a crash what was done is not done
again: a reflection that has ended, well or badly, is never repeated for the sake of the book-
keeping behind it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from langchain_core.runnables import Runnable
from langgraph.store.base import BaseStore
from sqlalchemy.exc import DBAPIError

from longterm.effects.clock import Clock
from longterm.errors import ConfigurationError, InvalidInputError, ReflectionError
from longterm.memory.model import JOB_ID
from longterm.reflect.durable.codec import encode
from longterm.reflect.durable.jobs import Jobs
from longterm.reflect.durable.ledger import TableLedger
from longterm.reflect.durable.outcome import Done, Job, Moved, Outcome, Replaced, judge
from longterm.reflect.durable.process import step
from longterm.reflect.job import metered, namespace_of, perform, words_of
from longterm.reflect.retry import Retry
from longterm.reflect.usage import Budget, Meter, day_of, until_tomorrow

__all__ = ["Work"]

logger = logging.getLogger("longterm.reflect")

#: Seconds after which a job that waits behind a running one of its thread looks again.
_BEHIND = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How the jobs of one executor are done."""

    reflector: Runnable[Any, Any]
    store: BaseStore | None
    jobs: Jobs
    ledger: TableLedger
    retry: Retry
    budget: Budget
    clock: Clock
    #: Told of each error that ends a job, before the job has ended.
    on_failure: Callable[[Job, BaseException], None]

    def do(self, job: Job, workflow: str) -> Outcome:
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

    def _claim(self, job: Job, workflow: str) -> dict[str, Any]:
        """Decide whether *job* may start now, and end what it outdates."""
        others = self.jobs.others(job, workflow) if job.thread is not None else []
        verdict = judge(job, others)
        if verdict.replaced:
            return {"replaced": True, "wait": None}
        if verdict.outdated:
            self.jobs.cancel(verdict.outdated)
        return {"replaced": False, "wait": _BEHIND if verdict.wait else self._affordable_in(job)}

    def _affordable_in(self, job: Job) -> float | None:
        """Seconds until the namespace of *job* may spend again; None if it may now."""
        if self.budget == Budget():
            return None
        wall = self.clock.wall()
        try:
            namespace = namespace_of(self.reflector, job.content()[1])
            spent = self.ledger.spent(day_of(wall), namespace)
        except (ConfigurationError, DBAPIError):
            return None  # a wrong config the reflection itself will tell of
        if not self.budget.spent(spent):
            return None
        logger.info("The budget of %s is spent: its reflections wait for the next day", namespace)
        return until_tomorrow(wall)

    def _move(self, job: Job, workflow: str, seconds: float) -> Outcome:
        """Let *job* wait again as another workflow, unless something newer waits already."""
        # An id that does not depend on chance: repeated after a crash, it is the same workflow.
        successor = f"{workflow.partition('+')[0]}+{uuid5(NAMESPACE_URL, workflow).hex}"
        moved = step("move", lambda: self.jobs.enqueue(job, seconds, successor))
        return Replaced(job.id) if moved is None else Moved(job.id, moved)

    def _reflect(self, job: Job) -> dict[str, Any]:
        """Reflect, and report; never raises, so that DBOS records it as done."""
        try:
            result = copy_context().run(self._perform, job)
        except BaseException as error:  # noqa: BLE001 - a worker survives what a reflector raises
            return self._failed(job, error)
        return {"result": _encoded(result), "error": None, "retry": None}

    def _perform(self, job: Job) -> Any:
        payload, config = job.content()
        config.setdefault("configurable", {})[JOB_ID] = job.id
        meter = Meter(self.ledger, self.clock, namespace_of(self.reflector, config))
        store = None if getattr(self.reflector, "store", None) is not None else self.store
        return perform(self.reflector, payload, metered(config, meter), store)

    def _failed(self, job: Job, error: BaseException) -> dict[str, Any]:
        seconds = self.retry.wait(error, job.attempt)
        if seconds is None:
            logger.error("Reflection of thread %s failed", job.thread, exc_info=error)
            self.on_failure(job, error)
        else:
            message = "Reflection of thread %s failed, next try in %gs"
            logger.warning(message, job.thread, seconds, exc_info=error)
        return {"result": None, "error": words_of(error), "retry": seconds}


def _encoded(result: Any) -> str:
    """Return *result* as JSON; what cannot be stored, as it prints."""
    try:
        return encode(result)
    except InvalidInputError:
        return encode(repr(result))
