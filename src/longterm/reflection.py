"""LangMem's path to background reflection; the code lives in `longterm.reflect`."""

from typing import TYPE_CHECKING, Any

from longterm.reflect import ReflectionExecutor
from longterm.reflect.executor import Executor, LocalReflectionExecutor, MemoryItem

if TYPE_CHECKING:
    from longterm.reflect.remote import RemoteReflectionExecutor

__all__ = [
    "Executor",
    "LocalReflectionExecutor",
    "MemoryItem",
    "ReflectionExecutor",
    "RemoteReflectionExecutor",
]


def __getattr__(name: str) -> Any:
    if name != "RemoteReflectionExecutor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from longterm.reflect.remote import RemoteReflectionExecutor  # LangGraph's client is slow

    return RemoteReflectionExecutor
