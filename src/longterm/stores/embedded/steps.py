"""A job of the store as steps, and the two drivers that take them.

A job is a generator, written once, that yields what it needs: work on the file, or vectors
from the embedding model. `run` gets them by plain calls; `arun` works on the file in a thread
and awaits the model, so that the event loop is never blocked. The threads are ours: those of
the loop may all be busy with a slow model.
"""

import asyncio
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.embeddings import Embeddings

__all__ = ["EmbedQueries", "EmbedTexts", "Job", "Step", "Work", "arun", "run"]

_THREADS = 16

T = TypeVar("T")
Vectors = list[list[float]]


@dataclass(frozen=True, slots=True)
class Work:
    """Something to do that may wait for the disk."""

    do: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class EmbedTexts:
    """Documents whose vectors are needed."""

    model: Embeddings
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class EmbedQueries:
    """Queries whose vectors are needed."""

    model: Embeddings
    texts: Sequence[str]


Step = Work | EmbedTexts | EmbedQueries
Job = Generator[Step, Any, T]


def run(job: Job[T]) -> T:
    """Take the steps of *job* here and now."""
    with closing(job):
        answer: Any = None
        while True:
            try:
                step = job.send(answer)
            except StopIteration as done:
                return done.value
            answer = _take(step)


async def arun(job: Job[T]) -> T:
    """Take the steps of *job* without blocking the event loop."""
    with closing(job):
        answer: Any = None
        while True:
            try:
                step = job.send(answer)
            except StopIteration as done:
                return done.value
            answer = await _atake(step)


def _take(step: Step) -> Any:
    match step:
        case Work(do):
            return do()
        case EmbedTexts(model, texts):
            return model.embed_documents(list(texts))
        case EmbedQueries(model, texts):
            return [model.embed_query(text) for text in texts]


async def _atake(step: Step) -> Any:
    match step:
        case Work(do):
            loop, context = asyncio.get_running_loop(), copy_context()
            return await loop.run_in_executor(_threads.pool, context.run, do)
        case EmbedTexts(model, texts):
            return await model.aembed_documents(list(texts))
        case EmbedQueries(model, texts):
            return await asyncio.gather(*(model.aembed_query(text) for text in texts))


class _Threads:
    """The threads that work on files; a child of this process makes its own."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        self.pool = ThreadPoolExecutor(_THREADS, "longterm-store")


_threads = _Threads()
