"""Steps that bring their own ways of being done: work on a thread, vectors, a room's own.

The threads are ours because those of an event loop may all be busy with a slow model.
"""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.embeddings import Embeddings
from typing_extensions import override

from longterm.effects.steps import Step

__all__ = ["EmbedQueries", "EmbedTexts", "OwnStep", "Work"]

_THREADS = 16

T = TypeVar("T")


class OwnStep(Step[T]):
    """A step that both drivers can do without knowing it."""

    @abstractmethod
    def perform(self) -> T:
        """Do it with blocking calls."""

    @abstractmethod
    async def aperform(self) -> T:
        """Do it without blocking the event loop."""


@dataclass(frozen=True, slots=True)
class Work(OwnStep[T]):
    """Call *do*, which may wait for the disk or compute for long."""

    do: Callable[[], T]

    @override
    def perform(self) -> T:
        return self.do()

    @override
    async def aperform(self) -> T:
        loop, context = asyncio.get_running_loop(), copy_context()
        do: Any = self.do  # the executor's types cannot say that its result is the context's
        return await loop.run_in_executor(_threads.pool, context.run, do)


@dataclass(frozen=True, slots=True)
class EmbedTexts(OwnStep[list[list[float]]]):
    """Make a vector of each of *texts*, documents to be found."""

    model: Embeddings
    texts: Sequence[str]

    @override
    def perform(self) -> list[list[float]]:
        return self.model.embed_documents(list(self.texts))

    @override
    async def aperform(self) -> list[list[float]]:
        return await self.model.aembed_documents(list(self.texts))


@dataclass(frozen=True, slots=True)
class EmbedQueries(OwnStep[list[list[float]]]):
    """Make a vector of each of *texts*, queries to find by."""

    model: Embeddings
    texts: Sequence[str]

    @override
    def perform(self) -> list[list[float]]:
        return [self.model.embed_query(text) for text in self.texts]

    @override
    async def aperform(self) -> list[list[float]]:
        return await asyncio.gather(*(self.model.aembed_query(text) for text in self.texts))


class _Threads:
    """A pool that a child of this process makes anew."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self.pool = ThreadPoolExecutor(_THREADS, "longterm-store")


_threads = _Threads()
