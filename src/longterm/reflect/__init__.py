"""Background reflection: memories are made after a conversation has calmed down.

`ReflectionExecutor` chooses where: in this process (the default), durably in a database that
survives crashes and is shared by workers, or on a LangGraph server.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from langchain_core.runnables import Runnable
from langgraph.store.base import BaseStore

from longterm.errors import MissingExtraError
from longterm.reflect.clock import Clock, ManualClock, SystemClock
from longterm.reflect.executor import Executor, Failure, Reflecting
from longterm.reflect.local import LocalExecutor
from longterm.reflect.retry import ONCE, Retry
from longterm.reflect.usage import Budget, Usage

__all__ = [
    "Budget",
    "Clock",
    "Executor",
    "Failure",
    "ManualClock",
    "Reflecting",
    "ReflectionExecutor",
    "Retry",
    "SystemClock",
    "Usage",
]


def ReflectionExecutor(  # noqa: N802 - LangMem's users know it by this name
    reflector: Runnable[Any, Any],
    /,
    *,
    store: BaseStore | None = None,
    durable: str | None = None,
    name: str = "default",
    max_workers: int = 8,
    retry: Retry | None = None,
    budget: Budget | None = None,
    keep: timedelta = timedelta(days=7),
    clock: Clock | None = None,
) -> Reflecting:
    """Create an executor."""
    if durable is not None:
        return _durable(
            reflector,
            durable,
            name=name,
            store=store,
            max_workers=max_workers,
            retry=retry,
            budget=budget,
            keep=keep,
            clock=clock,
        )
    return LocalExecutor(
        reflector,
        store=store,
        max_workers=max_workers,
        retry=retry or ONCE,
        budget=budget,
        clock=clock,
    )


def _durable(reflector: Runnable[Any, Any], url: str, **options: Any) -> Reflecting:
    try:
        from longterm.reflect.durable import DurableExecutor  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("Durable reflection", "durable") from error
    return DurableExecutor(reflector, url, **options)
