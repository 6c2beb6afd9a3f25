"""A job of the store as steps, and the two drivers that take them.

A job is a generator, written once, that yields what it needs: work on the file, or vectors
from the embedding model. `run` gets them by plain calls; `arun` works on the file in a thread
and awaits the model, so that the event loop is never blocked.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.embeddings import Embeddings

__all__ = ["EmbedQueries", "EmbedTexts", "Job", "Step", "Work", "arun", "run"]

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
            return await asyncio.to_thread(do)
        case EmbedTexts(model, texts):
            return await model.aembed_documents(list(texts))
        case EmbedQueries(model, texts):
            return await asyncio.gather(*(model.aembed_query(text) for text in texts))
