"""Background reflection: memories are made after a conversation has calmed down.

`ReflectionExecutor` chooses where: in this process (the default), durably in a database that
survives crashes and is shared by workers, or on a LangGraph server.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any, overload

from langchain_core.runnables import Runnable
from langgraph.store.base import BaseStore

from longterm.effects.clock import Clock, ManualClock, SystemClock
from longterm.errors import ConfigurationError, MissingExtraError
from longterm.reflect.executor import (
    Executor,
    Failure,
    LocalReflectionExecutor,
    Queued,
    checked_seconds,
)
from longterm.reflect.local import InMemoryExecutor
from longterm.reflect.reflector import AwaitedReflector, Reflector
from longterm.reflect.retry import Retry
from longterm.reflect.usage import Budget, Usage

if TYPE_CHECKING:
    from langgraph_sdk.client import LangGraphClient, SyncLangGraphClient

__all__ = [
    "Budget",
    "Clock",
    "Executor",
    "Failure",
    "LocalReflectionExecutor",
    "ManualClock",
    "Queued",
    "ReflectionExecutor",
    "Retry",
    "SystemClock",
    "Usage",
    "erase_reflections",
    "reflection_names",
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
    timeout: float | None = None,
    max_wait_seconds: float | None = None,
    keep: timedelta = timedelta(days=7),
    secrets: Collection[str] = (),
    clock: Clock | None = None,
) -> LocalReflectionExecutor: ...


# Of a union of both, checkers would not know what a RunnableLambda is of.
@overload
def ReflectionExecutor(
    reflector: AwaitedReflector,
    /,
    *,
    store: BaseStore | None = None,
    durable: str | None = None,
    name: str = "default",
    max_workers: int = 8,
    retry: Retry | None = None,
    budget: Budget | None = None,
    timeout: float | None = None,
    max_wait_seconds: float | None = None,
    keep: timedelta = timedelta(days=7),
    secrets: Collection[str] = (),
    clock: Clock | None = None,
) -> LocalReflectionExecutor: ...


def ReflectionExecutor(  # noqa: N802 - LangMem's users know it by this name
    reflector: Reflector | str,
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
    timeout: float | None = None,
    max_wait_seconds: float | None = None,
    keep: timedelta = timedelta(days=7),
    secrets: Collection[str] = (),
    clock: Clock | None = None,
) -> Executor:
    """Create an executor that reflects in the background.

    *reflector* is a memory manager or any other Runnable; one that can only be awaited runs on the
    event loop of its store, or on one of the executor's. It runs in this process, on the store and
    config of the graph that submits, or on *store*. With *durable*, the URL of a SQLite or
    PostgreSQL database, what is pending survives crashes and is shared by all processes that
    have an executor of the same *name* on it; *max_workers* of 0 only submits.

    At most *max_workers* reflections run at a time. *retry* says which failures are tried again
    (by default none in memory, those that pass when durable), *budget* what a namespace may use
    in a day, *timeout* how many seconds one reflection may take before it counts as failed (by
    default any), *max_wait_seconds* how long newer submits can put off the reflection of a
    thread (by default for ever), *clock* what time it is. A database keeps finished ones for
    *keep*; of a config it never gets what is called like a key, token, secret, password or
    cookie, nor what *secrets* names.

    Where *reflector* is a string, it names a graph on the LangGraph server at *url*, or of the
    clients given, and *namespace* says where its memories are.
    """
    if isinstance(reflector, str):
        if namespace is None:
            raise ConfigurationError(
                f"Where are the memories of the graph {reflector!r}? Pass the namespace second: "
                f"ReflectionExecutor({reflector!r}, ('memories', '{{user_id}}'), url=…)."
            )
        from longterm.reflect.remote import (
            RemoteReflectionExecutor,
        )

        return RemoteReflectionExecutor(
            reflector, namespace, url=url, client=client, sync_client=sync_client
        )
    expected: dict[str, tuple[object, type[Any]]] = {
        "store": (store, BaseStore),
        "retry": (retry, Retry),
        "budget": (budget, Budget),
    }
    for option, (given, kind) in expected.items():
        if not (given is None or isinstance(given, kind)):
            raise ConfigurationError(f"{option} is a {kind.__name__}, or None, not {given!r}.")
    options: dict[str, Any] = {
        "store": store,
        "max_workers": max_workers,
        "retry": retry,
        "budget": budget,
        "timeout": checked_seconds("timeout", timeout),
        "max_wait_seconds": checked_seconds("max_wait_seconds", max_wait_seconds),
        "clock": clock,
    }
    if durable is None:
        return InMemoryExecutor(reflector, **options)
    return _durable().DurableExecutor(
        reflector, durable, name=name, keep=keep, secrets=secrets, **options
    )


def erase_reflections(durable: str, namespace: tuple[str, ...]) -> dict[str, int]:
    """Remove all reflections for *namespace* and below from the database at *durable*.

    For programs that have no executor on it; see `LocalReflectionExecutor.erase`.
    """
    return _durable().erase_in(durable, namespace)


def reflection_names(durable: str) -> list[str]:
    """Return the names of all executors of which something waits, runs or was given up.

    Sorted; *durable* is their database.
    """
    return _durable().executors_in(durable)


def _durable() -> Any:
    try:
        from longterm.reflect import durable
    except ImportError as error:
        raise MissingExtraError("Durable reflection", "durable") from error
    return durable


def __getattr__(name: str) -> Any:
    if name == "Reflecting":
        message = "longterm.reflect.Reflecting is now called LocalReflectionExecutor."
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        return LocalReflectionExecutor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
