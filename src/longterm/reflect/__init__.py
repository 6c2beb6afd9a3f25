"""Background reflection: memories are made after a conversation has calmed down.

`ReflectionExecutor` chooses where: in this process (the default), durably in a database that
survives crashes and is shared by workers, or on a LangGraph server.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, overload

from langchain_core.runnables import Runnable
from langgraph.store.base import BaseStore

from longterm.effects.clock import Clock, ManualClock, SystemClock
from longterm.errors import ConfigurationError, MissingExtraError
from longterm.reflect.executor import Executor, Failure, Reflecting, checked_wait
from longterm.reflect.local import LocalExecutor
from longterm.reflect.retry import Retry
from longterm.reflect.usage import Budget, Usage

if TYPE_CHECKING:
    from langgraph_sdk.client import LangGraphClient, SyncLangGraphClient

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


@overload
def ReflectionExecutor(
    reflector: str,
    namespace: str | tuple[str, ...],
    /,
    *,
    url: str | None = None,
    client: LangGraphClient | None = None,
    sync_client: SyncLangGraphClient | None = None,
) -> Executor: ...


@overload
def ReflectionExecutor(
    reflector: Runnable[Any, Any],
    /,
    *,
    store: BaseStore | None = None,
    durable: str | None = None,
    name: str = "default",
    max_workers: int = 8,
    retry: Retry | None = None,
    budget: Budget | None = None,
    max_wait_seconds: float | None = None,
    keep: timedelta = timedelta(days=7),
    clock: Clock | None = None,
) -> Reflecting: ...


def ReflectionExecutor(  # noqa: N802 - LangMem's users know it by this name
    reflector: Runnable[Any, Any] | str,
    namespace: str | tuple[str, ...] | None = None,
    /,
    *,
    url: str | None = None,
    client: LangGraphClient | None = None,
    sync_client: SyncLangGraphClient | None = None,
    store: BaseStore | None = None,
    durable: str | None = None,
    name: str = "default",
    max_workers: int = 8,
    retry: Retry | None = None,
    budget: Budget | None = None,
    max_wait_seconds: float | None = None,
    keep: timedelta = timedelta(days=7),
    clock: Clock | None = None,
) -> Executor:
    """Create an executor that reflects in the background.

    *reflector* is a memory manager or any other Runnable. It runs in this process, on the store
    and config of the graph that submits, or on *store*. With *durable*, the URL of a SQLite or
    PostgreSQL database, what is pending survives crashes and is shared by all processes that
    have an executor of the same *name* on it; *max_workers* of 0 only submits.

    At most *max_workers* reflections run at a time. *retry* says which failures are tried again
    (by default none in memory, those that pass when durable), *budget* what a namespace may use
    in a day, *max_wait_seconds* how long newer submits can put off the reflection of a thread
    (by default for ever), *keep* how long a database keeps finished ones, *clock* what time it is.

    Where *reflector* is a string, it names a graph on the LangGraph server at *url*, or of the
    clients given, and *namespace* says where its memories are.
    """
    if isinstance(reflector, str):
        return _remote(reflector, namespace, url=url, client=client, sync_client=sync_client)
    options: dict[str, Any] = {
        "store": store,
        "max_workers": max_workers,
        "retry": retry,
        "budget": budget,
        "max_wait_seconds": checked_wait(max_wait_seconds),
        "clock": clock,
    }
    if durable is None:
        return LocalExecutor(reflector, **options)
    return _durable(reflector, durable, name=name, keep=keep, **options)


def _remote(graph: str, namespace: str | tuple[str, ...] | None, **options: Any) -> Executor:
    if namespace is None:
        raise ConfigurationError(
            f"Where are the memories of the graph {graph!r}? Pass the namespace second: "
            f"ReflectionExecutor({graph!r}, ('memories', '{{user_id}}'), url=…)."
        )
    from longterm.reflect.remote import RemoteExecutor  # noqa: PLC0415 - slow to import

    return RemoteExecutor(graph, namespace, **options)


def _durable(reflector: Runnable[Any, Any], url: str, **options: Any) -> Reflecting:
    try:
        from longterm.reflect.durable import DurableExecutor  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("Durable reflection", "durable") from error
    return DurableExecutor(reflector, url, **options)
