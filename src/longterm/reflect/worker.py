"""A process that does nothing but reflect: what ``longterm worker --db …`` runs."""

from __future__ import annotations

import importlib
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from longterm.errors import ConfigurationError
from longterm.reflect import ReflectionExecutor
from longterm.reflect.reflector import Reflector, checked_reflector

__all__ = ["load_reflector", "run_worker"]

logger = logging.getLogger("longterm.reflect")


def run_worker(
    reflector: Reflector | str,
    db: str,
    *,
    until: threading.Event | None = None,
    started: Callable[[str], object] | None = None,
    **options: Any,
) -> None:
    """Do the reflections in the database *db* until stopped, then finish what runs.

    *reflector* is a Runnable or, as ``package.module:name``, where to find one. *options* are
    those of `ReflectionExecutor`: name, store, max_workers, retry, budget, timeout, keep.
    SIGTERM and SIGINT stop it, and so does *until*. Once it works, *started* is called with a
    line that says on what.
    """
    if options.get("max_workers") == 0:
        raise ConfigurationError("A worker needs max_workers of at least 1.")
    if isinstance(reflector, str):
        reflector = load_reflector(reflector)
    stop = until or threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is threading.main_thread():  # elsewhere none can be caught
        signal.signal(signal.SIGTERM, on_signal)
        signal.signal(signal.SIGINT, on_signal)
    executor = ReflectionExecutor(reflector, durable=db, **options)
    begun = _begun(db, **options)
    logger.info("%s", begun)
    if started is not None:
        started(begun)
    stop.wait()
    logger.info("Stopping: what runs is finished, what is pending is kept")
    executor.shutdown(wait=True)


def _begun(db: str, *, name: str = "default", max_workers: int = 8, **_options: Any) -> str:
    from longterm.reflect.durable.database import masked  # needs [durable], as the executor does

    return (
        f"Reflecting: up to {max_workers} at a time of what is submitted as {name!r} to "
        f"{masked(db)}. SIGTERM or Ctrl-C finishes what runs and keeps what is pending."
    )


def load_reflector(where: str) -> Reflector:
    """Import the Runnable at *where*, written ``package.module:name``."""
    module, _, name = where.partition(":")
    try:
        found = getattr(importlib.import_module(module), name or "reflector")
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"There is no reflector at {where!r} ({error}). Write package.module:name, where name "
            "is a memory manager or any other Runnable."
        ) from error
    return checked_reflector(found, f"What is at {where!r}")
