"""LangMem's path to background reflection; the code lives in `longterm.reflect`."""

from longterm.reflect import ReflectionExecutor
from longterm.reflect.executor import Executor, LocalReflectionExecutor, MemoryItem

__all__ = ["Executor", "LocalReflectionExecutor", "MemoryItem", "ReflectionExecutor"]
