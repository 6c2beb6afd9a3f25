"""Locks on namespaces of a store, for threads and event loops of one process.

Stores that cannot compare and set lose a change where two writers read the same item. Within
one process they take turns here: first come, first served, and no event loop is ever blocked.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterable
from concurrent.futures import Future
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

from langgraph.store.base import BaseStore

__all__ = ["aexclusively", "exclusively"]

_Namespace = tuple[str, ...]
_Place = tuple[int, _Namespace]


class _Held:
    """A place that is taken: the event loop of its holder, if any, and who waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.loop = loop
        self.waiting = deque[tuple[Future[None], asyncio.AbstractEventLoop | None]]()


#: Only places that are taken right now, so nothing stays of the labels.
held_places: dict[_Place, _Held] = {}
_table = threading.Lock()


def _forget_in_child() -> None:
    """Free every place: the threads that held them do not exist in a forked process."""
    global _table  # noqa: PLW0603 - the parent's may have been taken during the fork
    _table = threading.Lock()
    held_places.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_forget_in_child)


@contextmanager
def exclusively(store: BaseStore, namespaces: Iterable[_Namespace]) -> Generator[None]:
    """Hold *namespaces* of *store*, blocking until they are free.

    A blocking call inside a running event loop goes before those who wait, and does not wait
    for a holder on the same loop: that one could never finish.
    """
    with ExitStack() as held:
        for place in _places(store, namespaces):
            loop = _running_loop()
            turn = _queue_up(place, loop, first=loop is not None)
            if turn is not None:
                try:
                    turn.result()
                except BaseException:
                    _give_up(place, turn)
                    raise
                held.callback(_leave, place)
        yield


@asynccontextmanager
async def aexclusively(store: BaseStore, namespaces: Iterable[_Namespace]) -> AsyncGenerator[None]:
    """Hold *namespaces* of *store*, awaiting until they are free."""
    async with AsyncExitStack() as held:
        for place in _places(store, namespaces):
            turn = _queue_up(place, asyncio.get_running_loop())
            if turn is not None:
                try:
                    await asyncio.wrap_future(turn)
                except BaseException:
                    _give_up(place, turn)
                    raise
                held.callback(_leave, place)
        yield


def _places(store: BaseStore, namespaces: Iterable[_Namespace]) -> list[_Place]:
    """Return the places in the one order in which everybody takes them: no two wait crosswise."""
    return sorted({(id(store), tuple(namespace)) for namespace in namespaces})


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _queue_up(
    place: _Place, loop: asyncio.AbstractEventLoop | None, *, first: bool = False
) -> Future[None] | None:
    """Return what is done when *place* is ours; None where a blocked loop would wait for itself."""
    turn = Future[None]()
    with _table:
        held = held_places.get(place)
        if held is None:
            held_places[place] = _Held(loop)
            turn.set_result(None)
        elif not first:
            held.waiting.append((turn, loop))
        elif held.loop is loop:
            return None
        else:
            held.waiting.appendleft((turn, loop))
    return turn


def _leave(place: _Place) -> None:
    """Hand *place* to the next who still waits for it."""
    with _table:
        held = held_places[place]
        while held.waiting:
            turn, held.loop = held.waiting.popleft()
            alive = held.loop is None or not held.loop.is_closed()
            if alive and turn.set_running_or_notify_cancel():
                break
        else:
            del held_places[place]
            return
    turn.set_result(None)


def _give_up(place: _Place, turn: Future[None]) -> None:
    """Stop waiting; what was handed over just now is handed on."""
    if not turn.cancel():
        _leave(place)
