"""What every executor offers, and the search that those with a store at hand share."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self, cast

from langchain_core.runnables import RunnableConfig, ensure_config
from langgraph.store.base import BaseStore, SearchOp
from typing_extensions import override

from longterm.effects.drivers import arun, context_store, run
from longterm.effects.runnable import given_store
from longterm.effects.steps import Reach, search_within
from longterm.effects.warn import warn_caller
from longterm.errors import ClosedError, ConfigurationError, InvalidInputError, NoStoreError
from longterm.memory.namespace import Namespace, NamespaceTemplate, unescape_label
from longterm.reflect.job import (
    CONFIGURED,
    Configured,
    ThreadId,
    calling_config,
    namespace_of,
    snapshot,
    thread_key,
)
from longterm.reflect.reflector import Reflector, checked_reflector, loop_of
from longterm.reflect.usage import Usage

__all__ = [
    "ERASE_WAITS",
    "Executor",
    "Failure",
    "LocalReflectionExecutor",
    "MemoryItem",
    "Queued",
    "checked_seconds",
    "closed_error",
]

#: The longest delay, in seconds: more does not fit into a database's date.
_LONGEST = 100 * 365 * 86_400.0
#: Seconds that an erase waits for reflections that run.
ERASE_WAITS = 60.0

#: One stored memory as a dict: namespace, key, value, created_at, updated_at, score.
MemoryItem = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A reflection that was given up."""

    #: What `retry` takes.
    id: str
    thread_id: str | None
    #: Whose memories it was to make; () for a reflector that has no namespace.
    namespace: Namespace
    error: str
    #: How often it was tried.
    attempts: int
    at: datetime

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data; the namespace has its labels as they were given."""
        return {
            "id": self.id,
            "namespace": [*map(unescape_label, self.namespace)],
            "thread": self.thread_id,
            "error": self.error,
            "attempts": self.attempts,
            "at": self.at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A reflection that waits for its time, or runs."""

    id: str
    thread_id: str | None
    #: Whose memories it makes; () for a reflector that has no namespace.
    namespace: Namespace
    running: bool
    #: Which try it is, from 1.
    attempt: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data; the namespace has its labels as they were given."""
        return {
            "id": self.id,
            "namespace": [*map(unescape_label, self.namespace)],
            "thread": self.thread_id,
            "running": self.running,
            "attempt": self.attempt,
        }


class Executor(ABC):
    """Reflects in the background. Leaving its ``with`` block waits for what is pending."""

    def submit(
        self,
        payload: Any,
        /,
        config: RunnableConfig | None = None,
        *,
        after_seconds: float = 0,
        thread_id: ThreadId | Configured | None = CONFIGURED,
    ) -> Future[Any]:
        """Reflect on *payload* after a delay, unless a newer submit for its thread comes first.

        *config* is the running graph's where none is given, and *thread_id* that of the
        config; tasks without one replace nothing. The future holds the reflector's result; it
        is cancelled when a newer submit takes its place.
        """
        if not after_seconds <= _LONGEST:  # a NaN is not either
            raise InvalidInputError(
                f"after_seconds is {after_seconds!r}: pass seconds from now, at most a century."
            )
        mine = calling_config(config)
        thread = thread_key(thread_id, mine)
        return self._accept(snapshot(payload), mine, thread, max(0.0, after_seconds))

    async def asubmit(
        self, payload: Any, /, config: RunnableConfig | None = None, **options: Any
    ) -> Future[Any]:
        """`submit`, with the same options, without blocking the event loop."""
        return await asyncio.to_thread(self.submit, payload, config, **options)

    def search(
        self,
        query: str | None = None,
        *,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        namespace: str | tuple[str, ...] | None = None,
    ) -> list[MemoryItem]:
        """Search the memories in *namespace* and below it, the reflector's where none is given."""
        return self._found(SearchOp(self._labels(namespace), filter, limit, offset, query))

    async def asearch(
        self, query: str | None = None, *, namespace: str | tuple[str, ...] | None = None, **op: Any
    ) -> list[MemoryItem]:
        """`search`, with the same options, without blocking the event loop."""
        return await self._afound(SearchOp(self._labels(namespace), query=query, **op))

    @abstractmethod
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as in concurrent.futures
        """Accept nothing more.

        *wait* until all that was accepted has run, each at its time; with *cancel_futures* only
        what runs already is finished.
        """

    async def ashutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as in concurrent.futures
        """`shutdown`, without blocking the event loop."""
        await asyncio.to_thread(self.shutdown, wait, cancel_futures=cancel_futures)

    def __enter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.ashutdown()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown(wait=True)

    @abstractmethod
    def _accept(
        self, payload: Any, config: RunnableConfig, thread: str | None, delay: float
    ) -> Future[Any]:
        """Take on what was submitted, or raise `ClosedError` after shutdown."""

    @abstractmethod
    def _own_namespace(self, config: RunnableConfig) -> Namespace:
        """Return the namespace to search where none is given; () if there is none."""

    @abstractmethod
    def _found(self, op: SearchOp) -> list[MemoryItem]:
        """Return what *op* finds."""

    @abstractmethod
    async def _afound(self, op: SearchOp) -> list[MemoryItem]:
        """Return what *op* finds, without blocking the event loop."""

    def _labels(self, given: str | tuple[str, ...] | None) -> Namespace:
        config = ensure_config()
        if given is not None:
            return NamespaceTemplate(given).location(config)
        if namespace := self._own_namespace(config):
            return namespace
        raise ConfigurationError(
            "This reflector has no namespace of its own: pass namespace=… to search."
        )


def closed_error() -> ClosedError:
    """Return the error of a submit that comes after shutdown."""
    return ClosedError(
        "This ReflectionExecutor was shut down and accepts nothing more: create a new one."
    )


class LocalReflectionExecutor(Executor):
    """An executor that has its reflector here, and so the store and the costs."""

    def __init__(self, reflector: Reflector, store: BaseStore | None) -> None:
        self.reflector = checked_reflector(reflector)
        self.store = store

    @abstractmethod
    def flush(self) -> None:
        """Make everything that is pending due now."""

    @abstractmethod
    def queue(self) -> list[Queued]:
        """Return what runs and what waits, in this order."""

    @abstractmethod
    def failed(self) -> list[Failure]:
        """Return the reflections that were given up, oldest first."""

    @abstractmethod
    def retry(self, failure_id: str) -> Future[Any]:
        """Run the failed reflection *failure_id* again, now."""

    @abstractmethod
    def erase(self, namespace: Namespace) -> dict[str, int]:
        """Remove all that is kept of reflections for *namespace* and below.

        What waits is cancelled. What runs may still write a memory: it is waited for, at most
        a minute; so erase reflections first and memories after them. Returns how much was
        removed of ``pending``, ``finished`` and ``usage``, and how many are still ``running``.
        """

    @abstractmethod
    def usage(self, day: date | None = None) -> Mapping[Namespace, Usage]:
        """Return what each namespace used on *day*; today where none is given."""

    @override
    def _own_namespace(self, config: RunnableConfig) -> Namespace:
        return namespace_of(self.reflector, config)

    @override
    def _found(self, op: SearchOp) -> list[MemoryItem]:
        store = self._readable_store()
        return run(self._items(op), store=store)

    @override
    async def _afound(self, op: SearchOp) -> list[MemoryItem]:
        store = self._readable_store()
        return await arun(self._items(op), store=store)

    async def _items(self, op: SearchOp) -> list[MemoryItem]:
        """Search as far as the reflector's own searches reach."""
        exact = getattr(self.reflector, "exact", False) is True
        items = await search_within(
            Reach(op.namespace_prefix, exact),
            op.query,
            filter=op.filter,
            limit=op.limit,
            offset=op.offset,
        )
        return [cast("MemoryItem", item.dict()) for item in items]  # pyright: ignore[reportUnknownMemberType] - untyped in LangGraph

    def _namespace_for(self, config: RunnableConfig) -> Namespace:
        """Return the namespace a reflection under *config* works for, at its submit.

        One with nothing at all to fill its placeholders from is an error there; what misses a
        single value fails alone, when it runs.
        """
        try:
            return namespace_of(self.reflector, config)
        except ConfigurationError:
            if not config.get("configurable"):
                raise
            return ()

    def _may_wait(self, *stores: BaseStore | None) -> bool:
        """Whether waiting here can end; a warning where it cannot.

        A store that works on the event loop of this very thread does nothing while it waits.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return True
        own = given_store(self.reflector)
        if all(loop_of(store) is not loop for store in (own, self.store, *stores)):
            return True
        warn_caller(
            "The store of this ReflectionExecutor needs the event loop that would have to wait "
            "for it, so that nothing is waited for. Write `async with ReflectionExecutor(…)`, or "
            "`await executor.ashutdown()`.",
            RuntimeWarning,
        )
        return False

    def _readable_store(self) -> BaseStore:
        own = given_store(self.reflector)
        for store in (own, self.store, context_store()):
            if store is not None:
                return store
        raise NoStoreError


def checked_seconds(name: str, seconds: float | None) -> float | None:
    """Return *seconds* as they are; raises `ConfigurationError` for no time at all."""
    if seconds is not None and not 0 < seconds <= _LONGEST:
        raise ConfigurationError(f"{name} is {seconds!r}: pass more than 0, or None.")
    return seconds
