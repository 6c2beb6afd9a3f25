"""LangMem's path to background reflection; the code lives in `longterm.reflect`."""

from longterm.reflect import ReflectionExecutor

__all__ = ["ReflectionExecutor"]
