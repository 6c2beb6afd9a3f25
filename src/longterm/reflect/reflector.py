"""What reflects, and how it is called: as it blocks where it can, else as it is awaited.

What can only be awaited runs on the event loop of its store, or on one of ours that lasts as
long as the process: clients keep their connections with the loop they were made on.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping
from typing import Any, Protocol, cast

from langchain_core.runnables import Runnable, RunnableConfig, ensure_config
from langgraph.store.base import BaseStore

from longterm.effects.runnable import given_store
from longterm.errors import ConfigurationError

__all__ = ["AwaitedReflector", "Reflector", "checked_reflector", "loop_of", "perform"]


class AwaitedReflector(Protocol):
    """A reflector that can only be awaited."""

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None) -> Any:
        """Reflect on *input*."""
        ...


Reflector = Runnable[Any, Any] | AwaitedReflector


def checked_reflector(given: Any, what: str = "The reflector") -> Reflector:
    """Return *given*, which has `invoke` or `ainvoke`; else raises `ConfigurationError`."""
    calls = (getattr(given, name, None) for name in ("invoke", "ainvoke"))
    if not isinstance(given, type) and any(map(callable, calls)):
        return given
    raise ConfigurationError(
        f"{what} is a {type(given).__name__}, which has neither invoke nor ainvoke: pass a memory "
        "manager, a graph or any other Runnable (RunnableLambda(f) makes one of a function)."
    )


def loop_of(store: BaseStore | None) -> asyncio.AbstractEventLoop | None:
    """Return the event loop that *store* does its work on, as LangGraph's async stores do."""
    for name in ("loop", "_loop"):
        if isinstance(loop := getattr(store, name, None), asyncio.AbstractEventLoop):
            return loop
    return None


def perform(
    reflector: Reflector, payload: Any, config: RunnableConfig, store: BaseStore | None
) -> Any:
    """Call *reflector* as the graph did that had *store*, and return its result."""
    if not _must_be_awaited(reflector):
        try:
            return _call(cast("Runnable[Any, Any]", reflector), payload, config, store)
        except NotImplementedError:  # LangChain's word for what has no blocking form
            if not callable(getattr(reflector, "ainvoke", None)):
                raise
    loop = loop_of(given_store(reflector) if store is None else store)
    if loop is None or not loop.is_running():
        loop = _own_loop.running()
    return asyncio.run_coroutine_threadsafe(
        _acall(reflector, payload, config, store), loop
    ).result()


def _call(
    reflector: Runnable[Any, Any], payload: Any, config: RunnableConfig, store: BaseStore | None
) -> Any:
    if store is None:
        return reflector.invoke(payload, config)

    def reflection(payload: Any) -> Any:  # the config comes from the context, as in any graph
        return reflector.invoke(payload)

    return _graph(reflection, store).invoke(payload, config)


async def _acall(
    reflector: Reflector, payload: Any, config: RunnableConfig, store: BaseStore | None
) -> Any:
    if store is None:
        return await reflector.ainvoke(payload, config)

    async def reflection(payload: Any) -> Any:  # not every reflector looks into the context
        return await reflector.ainvoke(payload, ensure_config())

    return await _graph(reflection, store).ainvoke(payload, config)


def _graph(reflection: Any, store: BaseStore) -> Runnable[Any, Any]:
    # Imported here because it loads most of LangGraph.
    from langgraph.func import entrypoint

    return cast("Runnable[Any, Any]", entrypoint(store=store)(reflection))


def _must_be_awaited(reflector: Any) -> bool:
    """Whether *reflector*, or a part of it, has no blocking form.

    Looked up before anything runs: a graph would fail half-way, at its first such node.
    """
    parts, seen = [reflector], set[int]()
    while parts:
        part = parts.pop()
        if id(part) in seen or not callable(getattr(part, "ainvoke", None)):
            continue
        seen.add(id(part))
        if not callable(getattr(part, "invoke", None)):
            return True
        awaits = getattr(part, "afunc", None) or getattr(part, "coroutine", None)
        if awaits and not getattr(part, "func", None):
            return True  # what LangChain and LangGraph make of an async function
        parts.append(getattr(part, "bound", None))
        for inner in (getattr(part, name, None) for name in ("nodes", "steps", "steps__")):
            if isinstance(inner, Mapping):
                parts.extend(cast("Mapping[str, Any]", inner).values())
            elif isinstance(inner, list):
                parts.extend(cast("list[Any]", inner))
    return False


class _OwnLoop:
    """An event loop on a thread that never keeps a program alive, begun by its first use."""

    def __init__(self) -> None:
        self._beginning = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def running(self) -> asyncio.AbstractEventLoop:
        with self._beginning:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._loop.run_forever, name="longterm-reflect-loop", daemon=True
                ).start()
            return self._loop


_own_loop = _OwnLoop()


def _after_fork() -> None:
    """Begin another loop in the child process, which has no thread that would run this one."""
    _own_loop.__init__()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
