"""A process that does nothing but reflect: what ``longterm worker --db …`` runs."""

from __future__ import annotations

import importlib
import logging
import signal
import threading
from types import FrameType
from typing import Any, cast

from langchain_core.runnables import Runnable

from longterm.errors import ConfigurationError
from longterm.reflect import ReflectionExecutor

__all__ = ["load_reflector", "run_worker"]

logger = logging.getLogger("longterm.reflect")


def run_worker(
    reflector: Runnable[Any, Any] | str,
    db: str,
    *,
    until: threading.Event | None = None,
    **options: Any,
) -> None:
    """Do the reflections in the database *db* until told to stop, then finish what runs.

    *reflector* is a Runnable or, as ``package.module:name``, where to find one. *options* are
    those of `ReflectionExecutor`: name, store, max_workers, retry, budget, keep. SIGTERM and
    SIGINT stop it, and so does *until*.
    """
    if options.get("max_workers") == 0:
        raise ConfigurationError("A worker needs max_workers of at least 1.")
    if isinstance(reflector, str):
        reflector = load_reflector(reflector)
    stop = _on_signals(until or threading.Event())
    executor = ReflectionExecutor(reflector, durable=db, **options)
    logger.info("Reflecting")
    stop.wait()
    logger.info("Stopping: what runs is finished, what is pending is kept")
    executor.shutdown(wait=True)


def load_reflector(where: str) -> Runnable[Any, Any]:
    """Import the Runnable at *where*, written ``package.module:name``."""
    module, _, name = where.partition(":")
    try:
        found = getattr(importlib.import_module(module), name or "reflector")
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"There is no reflector at {where!r} ({error}). Write package.module:name, where name "
            "is a memory manager or any other Runnable."
        ) from error
    if not isinstance(found, Runnable):
        raise ConfigurationError(f"{where!r} is a {type(found).__name__}, which is no Runnable.")
    return cast("Runnable[Any, Any]", found)


def _on_signals(stop: threading.Event) -> threading.Event:
    """Set *stop* on SIGTERM and SIGINT, where signals can be caught: on the main thread."""

    def set_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, set_stop)
        signal.signal(signal.SIGINT, set_stop)
    return stop
