"""Threads that never keep a program alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

__all__ = ["aside", "start"]


def start(work: Callable[[], None], name: str) -> threading.Thread:
    """Start *work* on a thread called after *name*."""
    thread = threading.Thread(target=work, name=f"longterm-reflect-{name}", daemon=True)
    thread.start()
    return thread


def aside(work: Callable[[], None]) -> None:
    """Do *work* on another thread and wait for it, as where an event loop runs on this one."""
    done: Future[None] = Future()

    def do() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised by the caller, below
            done.set_exception(error)

    start(do, "aside")
    done.result()
