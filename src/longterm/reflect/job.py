"""One reflection: what to reflect on, for whom, and by which rules.

`calling_config` takes from the config of the calling graph what concerns the user and leaves
what belongs to the graph's own run, which is over by the time a reflection starts. `Rules` say
within what time, at what cost and how often it is done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig, ensure_config
from langgraph.store.base import BaseStore

from longterm.effects.clock import Clock
from longterm.effects.drivers import context_store
from longterm.effects.observe import error_text
from longterm.effects.runnable import given_store
from longterm.errors import NoStoreError, ReflectionTimeoutError
from longterm.memory.model import JOB_ID
from longterm.memory.namespace import Namespace, NamespaceTemplate, context_values
from longterm.reflect.reflector import Reflector, perform
from longterm.reflect.retry import Retry
from longterm.reflect.usage import Budget, Ledger, Meter, day_of, until_tomorrow

__all__ = [
    "CONFIGURED",
    "Configured",
    "Rules",
    "ThreadId",
    "calling_config",
    "lend_store",
    "namespace_of",
    "snapshot",
    "thread_key",
]

logger = logging.getLogger("longterm.reflect")

#: A thread id as callers have it.
ThreadId = str | UUID | int


@dataclass(frozen=True, slots=True)
class Configured:
    """Stands for "the thread id of the config", where None says "no thread"."""


CONFIGURED = Configured()

#: Parts of a run's own position, which would make a later run look like a part of it.
_POSITION = ("checkpoint_ns", "checkpoint_id", "checkpoint_map", JOB_ID)
_POSITION_NAMES = tuple(
    f"langgraph_{name}" for name in ("step", "node", "triggers", "path", "checkpoint_ns")
)


def calling_config(config: RunnableConfig | None) -> RunnableConfig:
    """Copy *config*, or the running graph's, without what ends with the run of that graph.

    What the graph was given as its ``context=`` is kept beside the configurable values: a
    namespace is filled from either, and the reflection runs when that context is gone.
    """
    found = ensure_config(config)
    configurable = found.get("configurable") or {}
    return RunnableConfig(
        tags=list(found.get("tags") or ()),
        metadata=_without(found.get("metadata") or {}, _POSITION_NAMES),
        configurable=context_values(found) | _without(configurable, _POSITION),
        callbacks=_handlers(found.get("callbacks")),
        recursion_limit=found.get("recursion_limit", 25),
        max_concurrency=found.get("max_concurrency"),
    )


def _without(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Copy *values* without *names* and without LangGraph's own (which begin with ``__``)."""
    hidden = set(names)
    return {k: snapshot(v) for k, v in values.items() if k not in hidden and not k.startswith("__")}


def _handlers(
    callbacks: list[BaseCallbackHandler] | BaseCallbackManager | None,
) -> list[BaseCallbackHandler]:
    """Return the handlers in *callbacks* that outlive a run.

    LangGraph's own would stream the tokens of a reflection into the user's conversation.
    """
    if isinstance(callbacks, BaseCallbackManager):
        callbacks = callbacks.inheritable_handlers
    return [
        handler
        for handler in callbacks or ()
        if not type(handler).__module__.startswith(("langgraph.", "langgraph_"))
    ]


def snapshot(value: Any, copies: dict[int, Any] | None = None) -> Any:
    """Copy the dicts, lists and messages in *value*; what is done to them later is not seen.

    Everything else is handed on as it is: it may be anything, a connection too. *copies* are
    those made so far, by the ids of what they are copies of.
    """
    copies = {} if copies is None else copies
    if (place := id(value)) in copies:
        return copies[place]
    match value:
        case BaseMessage():
            return value.model_copy()
        case _ if type(value) is dict:
            fields: dict[Any, Any] = {}
            copies[place] = fields
            old = cast("dict[Any, Any]", value)
            fields.update((k, snapshot(v, copies)) for k, v in old.items())
            return fields
        case _ if type(value) is list:
            items: list[Any] = []
            copies[place] = items
            items.extend(snapshot(v, copies) for v in cast("list[Any]", value))
            return items
        case _:
            return value


def thread_key(thread_id: ThreadId | Configured | None, config: RunnableConfig) -> str | None:
    """Return the thread id to debounce by: the one given, or that of *config*."""
    if isinstance(thread_id, Configured):
        thread_id = cast("ThreadId | None", config.get("configurable", {}).get("thread_id"))
    return None if thread_id in (None, "") else str(thread_id)


def lend_store(reflector: Reflector, given: BaseStore | None) -> BaseStore | None:
    """Return the store that *reflector* must be lent: *given*, or the running graph's.

    None where it has its own. One that has a namespace writes memories, so that having none
    at all is an error now rather than in the background.
    """
    if given_store(reflector) is not None:
        return None
    store = context_store() if given is None else given
    if store is None and getattr(reflector, "namespace", None) is not None:
        raise NoStoreError
    return store


def namespace_of(reflector: Reflector, config: RunnableConfig) -> Namespace:
    """Return the namespace *reflector* writes to under *config*; () where it has none."""
    namespace = getattr(reflector, "namespace", None)
    match namespace:
        case NamespaceTemplate():
            return namespace.location(config)
        case _:
            return cast("Namespace", namespace(config)) if callable(namespace) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Within what time, at what cost and how often an executor reflects."""

    retry: Retry
    budget: Budget
    #: Seconds for one reflection; None for any time.
    timeout: float | None
    clock: Clock
    ledger: Ledger

    def affordable_in(self, namespace: Namespace) -> float | None:
        """Seconds until *namespace* may spend again; None if it may now."""
        wall = self.clock.wall()
        if self.budget == Budget() or not self.budget.spent(
            self.ledger.spent(day_of(wall), namespace)
        ):
            return None
        logger.info("The budget of %s is spent: its reflections wait for the next day", namespace)
        return until_tomorrow(wall)

    def perform(
        self,
        reflector: Reflector,
        payload: Any,
        config: RunnableConfig,
        namespace: Namespace,
        store: BaseStore | None,
    ) -> Any:
        """Reflect in a context of its own, booking what it costs for *namespace*.

        Raises `ReflectionTimeoutError` when the time is over. A thread cannot be stopped: what
        the reflector still does then has no effect any more, its result is dropped.
        """
        metered = config.copy()
        meter = Meter(self.ledger, self.clock, namespace)
        metered["callbacks"] = [*_handlers(config.get("callbacks")), meter]
        # A context of its own: what one reflection sets, the next on this thread never sees.
        context = copy_context()
        if self.timeout is None:
            return context.run(perform, reflector, payload, metered, store)
        ended, outcome = threading.Condition(), list[tuple[Any, BaseException | None]]()

        def attempt() -> None:
            try:
                result = context.run(perform, reflector, payload, metered, store), None
            except BaseException as error:  # noqa: BLE001 - raised by who waits, below
                result = None, error
            with ended:
                outcome.append(result)
                ended.notify_all()

        until = self.clock.now() + self.timeout
        threading.Thread(target=attempt, name="longterm-reflection", daemon=True).start()
        with ended:
            while not outcome and self.clock.now() < until:
                self.clock.wait(ended, until)
        if not outcome:
            raise ReflectionTimeoutError(self.timeout)
        [(result, error)] = outcome
        if error is not None:
            raise error
        return result

    def next_try(self, error: BaseException, attempt: int, thread: str | None) -> float | None:
        """Seconds until another try after *error* in try number *attempt*; None to give up."""
        seconds = self.retry.wait(error, attempt)
        if seconds is None:
            logger.error("Reflection of thread %s failed: %s", thread, error_text(error))
        else:
            message = "Reflection of thread %s failed, next try in %gs: %s"
            logger.warning(message, thread, seconds, error_text(error))
        return seconds
