"""One reflection: what to reflect on, for whom, and how to run it where no graph runs any more.

`calling_config` takes from the config of the calling graph what concerns the user and leaves
what belongs to the graph's own run, which is over by the time a reflection starts. `perform`
then makes a reflector feel as if it were called from that graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config
from langgraph.store.base import BaseStore

from longterm.effects.drivers import context_store
from longterm.errors import NoStoreError
from longterm.memory.model import JOB_ID
from longterm.memory.namespace import Namespace

__all__ = [
    "CONFIGURED",
    "Configured",
    "ThreadId",
    "calling_config",
    "lend_store",
    "metered",
    "namespace_of",
    "perform",
    "snapshot",
    "thread_key",
    "words_of",
]

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
    """Copy *config*, or the running graph's, without what ends with the run of that graph."""
    found = ensure_config(config)
    return RunnableConfig(
        tags=list(found.get("tags") or ()),
        metadata=_without(found.get("metadata") or {}, _POSITION_NAMES),
        configurable=_without(found.get("configurable") or {}, _POSITION),
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


def metered(config: RunnableConfig, meter: BaseCallbackHandler) -> RunnableConfig:
    """Copy *config* with *meter* among its handlers."""
    metered = config.copy()
    metered["callbacks"] = [*_handlers(config.get("callbacks")), meter]
    return metered


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


def lend_store(reflector: Runnable[Any, Any], given: BaseStore | None) -> BaseStore | None:
    """Return the store that *reflector* must be lent: *given*, or the running graph's.

    None where it has its own. One that has a namespace writes memories, so that having none
    at all is an error now rather than in the background.
    """
    if getattr(reflector, "store", None) is not None:
        return None
    store = context_store() if given is None else given
    if store is None and getattr(reflector, "namespace", None) is not None:
        raise NoStoreError
    return store


def namespace_of(reflector: Runnable[Any, Any], config: RunnableConfig) -> Namespace:
    """Return the namespace *reflector* writes to under *config*; () where it has none."""
    namespace = getattr(reflector, "namespace", None)
    return cast("Namespace", namespace(config)) if callable(namespace) else ()


def perform(
    reflector: Runnable[Any, Any],
    payload: Any,
    config: RunnableConfig,
    store: BaseStore | None,
) -> Any:
    """Call *reflector* as the graph did that had *store*, and return its result."""
    if store is None:
        return reflector.invoke(payload, config)
    # Imported here because it loads most of LangGraph.
    from langgraph.func import entrypoint  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]

    def reflection(payload: Any) -> Any:  # the config comes from the context, as in any graph
        return reflector.invoke(payload)

    graph = cast("Runnable[Any, Any]", entrypoint(store=store)(reflection))
    return graph.invoke(payload, config)


def words_of(error: BaseException) -> str:
    """Return what *error* says, in a form that any database takes; some cannot say anything."""
    name = type(error).__name__
    try:
        words = f"{name}: {error}"
    except Exception:  # noqa: BLE001 - raised by the error's own __str__
        return name
    return words.encode("utf-8", "backslashreplace").decode()
