"""Steps: what a job says it needs, as frozen values.

A job is written once, as a coroutine that awaits steps: "ask this model", "search the store",
"do these side by side". The coroutine itself does no I/O, so a test can answer by hand::

    flow = job()
    step = flow.send(None)      # -> Ask(model, messages)
    flow.send(AIMessage("hi"))  # answer it and go on

Rule 1: a flow awaits steps and other flows, never anything else; both drivers refuse the rest.
Rule 2: reads and writes never share a batch, because some stores run the reads first.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable
from langgraph.store.base import GetOp, Item, Op, PutOp, SearchItem, SearchOp

from longterm.effects.capabilities import Keep, RevisionNote, SearchHit

__all__ = [
    "Ask",
    "Batch",
    "Compress",
    "Embed",
    "Exclusive",
    "Flow",
    "Has",
    "HybridQuery",
    "Noted",
    "Replace",
    "Step",
    "StoreCall",
    "Together",
    "ask",
    "fetch",
    "read",
    "replace",
    "search",
    "together",
    "write",
]

T = TypeVar("T")
#: A job: awaits steps, returns a *T*.
Flow = Coroutine[Any, Any, T]


class Step(Generic[T]):
    """One thing a flow needs; awaiting it yields the answer."""

    def __await__(self) -> Generator[Step[T], T, T]:
        return (yield self)


@dataclass(frozen=True, slots=True)
class Ask(Step[Any]):
    """Ask *model*, any Runnable, with *messages*."""

    model: Runnable[Any, Any]
    messages: Sequence[BaseMessage]


@dataclass(frozen=True, slots=True)
class Batch(Step[list[Any]]):
    """Run *ops* on the store in one batch; all of them read, or all of them write."""

    ops: tuple[Op, ...]


@dataclass(frozen=True, slots=True)
class Replace(Step[None]):
    """Write *ops* in one batch, if each item is still as it was *seen* (None: not there).

    Raises `ConflictError` where one is not, and a store that cannot tell writes anyhow.
    """

    ops: tuple[PutOp, ...]
    #: When each was last written, as its `updated_at` said.
    seen: tuple[datetime | None, ...]


@dataclass(frozen=True, slots=True)
class Has(Step[bool]):
    """Tell whether the store has *capability*, one of the protocols of `capabilities`."""

    capability: type[Any]


@dataclass(frozen=True, slots=True)
class StoreCall(Step[Any]):
    """Call a *method* of a capability of the store; the awaited form has an ``a`` before it."""

    method: str
    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Embed(Step[list[list[float]] | None]):
    """Return the vectors of *texts* by the store's own embeddings; None where it has none."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Noted(Step[list[Any]]):
    """Do what `Replace` does, on a store with `Revisions`: a note comes with each operation."""

    ops: tuple[PutOp, ...]
    seen: tuple[datetime | None, ...]
    notes: tuple[RevisionNote, ...]
    keep: Keep


@dataclass(frozen=True, slots=True)
class Exclusive(Step[Any]):
    """Run *flow*, which reads and then writes *namespaces*, while no other such flow does.

    Holds within this process. A store that compares and sets needs no lock, and gets none.
    """

    namespaces: frozenset[tuple[str, ...]]
    flow: Flow[Any]


@dataclass(frozen=True, slots=True)
class Together(Step[list[Any]]):
    """Run *flows* side by side; the first error cancels the rest."""

    flows: tuple[Flow[Any], ...]


@dataclass(frozen=True, slots=True)
class HybridQuery(Step[list[SearchHit]]):
    """Find what full text or vectors bring below *namespaces*, *limit* each.

    Full text looks for *text_query*, vectors for *vector_query*; "" leaves vectors out. A store
    that can (`HybridSearch`) brings with the best hits their *neighbors*, and everything of a
    namespace that holds at most *full_scan_limit* items, and leaves out what lies below where
    *exact*. Other stores search for the one or the other, at and below the namespaces.
    """

    namespaces: tuple[tuple[str, ...], ...]
    text_query: str
    vector_query: str
    limit: int
    neighbors: int = 0
    full_scan_limit: int = 0
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Compress(Step[list[Document]]):
    """Have *compressor*, LangChain's form of a reranker, choose among *documents*."""

    compressor: BaseDocumentCompressor
    documents: tuple[Document, ...]
    query: str


async def ask(model: Runnable[Any, Any], messages: Sequence[BaseMessage]) -> Any:
    """Answer of *model* to *messages*: a message, or what its structured output gives."""
    return await Ask(model, messages)


async def read(ops: Sequence[GetOp | SearchOp]) -> list[Any]:
    """Answer of the store to each of *ops*, in their order, by one batch (none for no ops)."""
    return await Batch(tuple(ops)) if ops else []


async def search(ops: Sequence[SearchOp]) -> list[list[SearchItem]]:
    """Items found by each of *ops*, in their order, by one batch (none for no ops)."""
    return await read(ops)


async def fetch(ops: Sequence[GetOp]) -> list[Item | None]:
    """Items read by each of *ops*, in their order, by one batch (none for no ops)."""
    return await read(ops)


async def write(ops: Sequence[PutOp]) -> None:
    """Put or delete all of *ops* by one batch (none for no ops)."""
    if ops:
        await Batch(tuple(ops))


async def replace(ops: Sequence[PutOp], seen: Sequence[datetime | None]) -> None:
    """Put or delete all of *ops* by one batch, unless an item has changed since it was *seen*.

    Raises `ConflictError` where one has, and the store can tell: then nothing is written.
    """
    if ops:
        await Replace(tuple(ops), tuple(seen))


async def together(flows: Sequence[Flow[T]]) -> list[T]:
    """Results of *flows*, run side by side, in their order."""
    return await Together(tuple(flows)) if flows else []
