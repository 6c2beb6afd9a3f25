"""Warnings that point to the line of the program that called us, through runnables and drivers."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path

__all__ = ["warn_caller"]

_OURS = str(Path(__file__).parents[1])
#: Packages that stand between a program and our code.
_BETWEEN = ("/langchain_core/", "/langgraph/", "/asyncio/", "/concurrent/", "/contextvars")


def warn_caller(message: str, category: type[Warning]) -> None:
    """Warn at the nearest line outside of longterm and of what calls it on a program's behalf."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and _is_between(frame.f_code.co_filename):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_between(file: str) -> bool:
    return file.startswith(_OURS) or any(name in file.replace("\\", "/") for name in _BETWEEN)
