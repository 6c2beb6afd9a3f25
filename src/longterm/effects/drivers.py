"""The drivers: the only place where a model is asked or a store is called.

`run` performs the steps of a flow with blocking calls, `arun` with awaited ones, so that sync
and async behaviour cannot drift apart. An `OwnStep` brings its own two ways of being done: work on
a thread, vectors, a room's own. The threads are ours because those of an event loop may all be
busy with a slow model.
"""

from __future__ import annotations

import asyncio
import os
import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from math import nan
from typing import Any, TypedDict, TypeVar, cast

from langchain_core.embeddings import Embeddings
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import get_executor_for_config, merge_configs
from langgraph.store.base import BaseStore, Item, Op, PutOp, SearchItem, SearchOp
from typing_extensions import get_protocol_members, is_protocol, override

from longterm.effects.capabilities import (
    ColumnSearch,
    CompareAndSet,
    Embedding,
    EncodedItem,
    HybridSearch,
    Revisions,
    SearchColumns,
    SearchHit,
)
from longterm.effects.locks import aexclusively, exclusively
from longterm.effects.readable import readable
from longterm.effects.steps import (
    Ask,
    Batch,
    Compress,
    Embed,
    Exclusive,
    Flow,
    Has,
    HybridQuery,
    Noted,
    Replace,
    Step,
    StoreCall,
    Together,
    in_batches,
    settled,
    with_zones,
)
from longterm.effects.streamed import StreamedCalls
from longterm.errors import NoStoreError

__all__ = [
    "UNSEEN",
    "EmbedQueries",
    "EmbedTexts",
    "OwnStep",
    "Work",
    "arun",
    "context_store",
    "in_graph",
    "run",
]

T = TypeVar("T")

#: LangGraph leaves the words of models with this tag out of what it streams.
UNSEEN: RunnableConfig = {"tags": ["nostream"]}


def run(
    flow: Flow[T], config: RunnableConfig | None = None, *, store: BaseStore | None = None
) -> T:
    """Perform the steps of *flow* with blocking calls and return its result."""
    edge, answer = _Edge(config, store), None
    error: BaseException | None = None
    try:
        while True:
            step = flow.send(answer) if error is None else flow.throw(error)
            try:
                answer, error = _perform(step, edge), None
            except BaseException as raised:  # noqa: BLE001 - the flow decides what an error means
                error = raised
    except StopIteration as stop:
        return cast("T", stop.value)
    finally:
        # This frame stands in the error's traceback: a circle would keep alive, and what they
        # hold locked, the frames below it.
        del error


async def arun(
    flow: Flow[T], config: RunnableConfig | None = None, *, store: BaseStore | None = None
) -> T:
    """Perform the steps of *flow* on the running event loop and return its result."""
    edge, answer = _Edge(config, store), None
    error: BaseException | None = None
    try:
        while True:
            step = flow.send(answer) if error is None else flow.throw(error)
            try:
                answer, error = await _aperform(step, edge), None
            except BaseException as raised:  # noqa: BLE001 - the flow decides what an error means
                error = raised
    except StopIteration as stop:
        return cast("T", stop.value)
    finally:
        del error  # as in `run`


@dataclass(frozen=True, slots=True)
class _Edge:
    """Where the steps of one run are performed: its config and its store."""

    config: RunnableConfig | None
    given: BaseStore | None

    @property
    def unseen(self) -> RunnableConfig | None:
        """The config for models: what they say is no part of what LangGraph streams to users."""
        return merge_configs(self.config, UNSEEN) if in_graph() else self.config

    @property
    def store(self) -> BaseStore:
        """The store of this very call: never kept, so that no graph gets another one's."""
        store = context_store() if self.given is None else self.given
        if store is None:
            raise NoStoreError
        return store


def context_store() -> BaseStore | None:
    """Store of the LangGraph graph that is running here, if any."""
    return _graph_store()[1]


def in_graph() -> bool:
    """Tell whether a LangGraph graph is running here, with a store or without."""
    return _graph_store()[0]


def _graph_store() -> tuple[bool, BaseStore | None]:
    if "langgraph.pregel" not in sys.modules:
        return False, None  # no graph can be running, and loading LangGraph takes most of a second
    from langgraph.config import get_store

    try:
        return True, get_store()
    except (RuntimeError, KeyError):  # not inside a graph: LangGraph has no gentler answer
        return False, None


def _perform(step: object, edge: _Edge) -> Any:
    match step:
        case OwnStep():
            return cast("Any", step.perform())
        case Ask(model, messages):
            streamed = StreamedCalls()
            config = streamed.listening(edge.unseen)
            with readable():
                return streamed.checked(model.invoke(list(messages), config))
        case Batch(ops):
            store = edge.store
            return with_zones(
                answer for part in in_batches(ops, store) for answer in store.batch(part)
            )
        case Replace(ops, seen):
            store = edge.store
            if _has(store, CompareAndSet):
                return cast("CompareAndSet", store).put_all_if(_settled(ops, store), seen)
            return _perform(Batch(ops), edge)
        case Embed(texts):
            embeddings = _embeddings_of(edge.store)
            return embeddings and embeddings.embed_documents(list(texts))
        case HybridQuery() | Has() | StoreCall() | Noted():
            return _on_store(step, edge.store)
        case Compress(compressor, documents, query):
            return list(compressor.compress_documents(documents, query))
        case Together(flows):
            return _side_by_side(flows, edge)
        case Exclusive(namespaces, flow):
            with closing(flow):
                store = edge.store
                compares = _has(store, CompareAndSet)
                with nullcontext() if compares else exclusively(store, namespaces):
                    return run(flow, edge.config, store=edge.given)
        case _:
            raise _foreign(step)


async def _aperform(step: object, edge: _Edge) -> Any:
    match step:
        case OwnStep():
            return cast("Any", await step.aperform())
        case Ask(model, messages):
            streamed = StreamedCalls()
            config = streamed.listening(edge.unseen)
            with readable():
                return streamed.checked(await model.ainvoke(list(messages), config))
        case Batch(ops):
            store = edge.store
            parts = [await _abatch(store, part) for part in in_batches(ops, store)]
            return with_zones(answer for part in parts for answer in part)
        case Replace(ops, seen):
            store = edge.store
            if _has(store, CompareAndSet):
                return await cast("CompareAndSet", store).aput_all_if(_settled(ops, store), seen)
            return await _aperform(Batch(ops), edge)
        case Embed(texts):
            embeddings = _embeddings_of(edge.store)
            return embeddings and await embeddings.aembed_documents(list(texts))
        case HybridQuery() | Has() | StoreCall() | Noted():
            return await _aon_store(step, edge.store)
        case Compress(compressor, documents, query):
            return list(await compressor.acompress_documents(documents, query))
        case Together(flows):
            return await _aside_by_side(flows, edge)
        case Exclusive(namespaces, flow):
            with closing(flow):
                store = edge.store
                compares = _has(store, CompareAndSet)
                async with nullcontext() if compares else aexclusively(store, namespaces):
                    return await arun(flow, edge.config, store=edge.given)
        case _:
            raise _foreign(step)


def _embeddings_of(store: BaseStore) -> Embeddings | None:
    return store.embeddings if isinstance(store, Embedding) else None


def _has(store: BaseStore, capability: type[Any]) -> bool:
    """Tell whether *store* has *capability*, a protocol or a class of ours."""
    if not is_protocol(capability):
        return isinstance(store, capability)
    return all(hasattr(store, name) for name in _members(capability))


#: Of a protocol, asked for once: ``isinstance`` gathers them anew each time.
_members = cache(get_protocol_members)


def _on_store(step: HybridQuery | Has | StoreCall | Noted, store: BaseStore) -> Any:
    """Use what a store can do beyond LangGraph's interface."""
    match step:
        case HybridQuery():
            return _look(step, store)
        case Has(capability):
            return _has(store, capability)
        case StoreCall(method, args, options):
            return getattr(store, method)(*args, **options)
        case Noted(ops, seen, notes, keep):
            own = cast("Revisions", store)
            return own.put_all_noted(_settled(ops, store), seen, notes, keep=keep)


async def _aon_store(step: HybridQuery | Has | StoreCall | Noted, store: BaseStore) -> Any:
    match step:
        case HybridQuery():
            return await _alook(step, store)
        case Has(capability):
            return _has(store, capability)
        case StoreCall(method, args, options):
            return await getattr(store, f"a{method}")(*args, **options)
        case Noted(ops, seen, notes, keep):
            own = cast("Revisions", store)
            return await own.aput_all_noted(_settled(ops, store), seen, notes, keep=keep)


def _settled(ops: Sequence[PutOp], store: BaseStore) -> list[PutOp]:
    return [cast("PutOp", settled(op, store)) for op in ops]


async def _abatch(store: BaseStore, ops: list[Op]) -> list[Any]:
    """Batch on *store*; on a thread where it has no async side (LangGraph's SqliteStore)."""
    try:
        return await store.abatch(ops)
    except NotImplementedError:
        return await asyncio.to_thread(store.batch, ops)


class _LookOptions(TypedDict):
    limit: int
    vector_query: str
    neighbors: int
    full_scan_limit: int
    exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """What a store found that knows no columns, best first."""

    encoded: Sequence[EncodedItem | Item]
    cosines: Sequence[float]

    @classmethod
    def of_hits(cls, hits: Sequence[SearchHit]) -> SearchColumns:
        """Lay hits of a `HybridSearch` side by side."""
        return cls(
            [hit.encoded for hit in hits],
            [nan if hit.cosine is None else hit.cosine for hit in hits],
        )

    @classmethod
    def of_items(cls, items: Sequence[SearchItem]) -> SearchColumns:
        """Lay what a plain search found side by side; its scores are taken for cosines."""
        return cls(items, [nan if item.score is None else item.score for item in items])

    def best_first(self) -> Sequence[int]:
        """Return the places as they are."""
        return range(len(self.encoded))


def _look(step: HybridQuery, store: BaseStore) -> list[SearchColumns]:
    options = _options(step)
    if _has(store, ColumnSearch):
        find = cast("ColumnSearch", store).hybrid_columns
        return [find(place, step.text_query, **options) for place in step.namespaces]
    if isinstance(store, HybridSearch):
        find = store.hybrid_search
        found = [find(place, step.text_query, **options) for place in step.namespaces]
        return [*map(_Columns.of_hits, found)]
    return [*map(_Columns.of_items, with_zones(store.batch(_searches(step))))]


async def _alook(step: HybridQuery, store: BaseStore) -> list[SearchColumns]:
    options = _options(step)
    if _has(store, ColumnSearch):
        find = cast("ColumnSearch", store).ahybrid_columns
        return [await find(place, step.text_query, **options) for place in step.namespaces]
    if isinstance(store, HybridSearch):
        find = store.ahybrid_search
        found = [await find(place, step.text_query, **options) for place in step.namespaces]
        return [*map(_Columns.of_hits, found)]
    return [*map(_Columns.of_items, with_zones(await _abatch(store, _searches(step))))]


def _options(step: HybridQuery) -> _LookOptions:
    return _LookOptions(
        limit=step.limit,
        vector_query=step.vector_query,
        neighbors=step.neighbors,
        full_scan_limit=step.full_scan_limit,
        exact=step.exact,
    )


def _searches(step: HybridQuery) -> list[Op]:
    query, limit = step.vector_query or step.text_query, max(step.limit, step.full_scan_limit)
    return [
        SearchOp(place, query=query, limit=limit, refresh_ttl=False) for place in step.namespaces
    ]


def _side_by_side(flows: tuple[Flow[Any], ...], edge: _Edge) -> list[Any]:
    try:
        with get_executor_for_config(edge.config) as executor:
            futures = [executor.submit(run, flow, edge.config, store=edge.given) for flow in flows]
            return _first_error_cancels(futures)
    finally:
        _close(flows)


def _first_error_cancels(futures: Sequence[Future[Any]]) -> list[Any]:
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()


async def _aside_by_side(flows: tuple[Flow[Any], ...], edge: _Edge) -> list[Any]:
    tasks = [asyncio.ensure_future(arun(flow, edge.config, store=edge.given)) for flow in flows]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _close(flows)


def _close(flows: Sequence[Flow[Any]]) -> None:
    """End flows that were cancelled before they began; for the others this does nothing."""
    for flow in flows:
        flow.close()


def _foreign(step: object) -> TypeError:
    return TypeError(
        f"A flow awaited {type(step).__name__}, which is not a step. "
        "Flows await only what longterm.effects offers, and other flows."
    )


_THREADS = 16


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
