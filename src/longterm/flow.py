"""The only bridge between what a job needs and who can get it.

A job is written once, as a coroutine that awaits *steps*: frozen values that say "ask this
model", "search the store", "do these side by side". The coroutine itself does no I/O. Two
drivers perform the steps, `run` with blocking calls and `arun` with awaited ones, so that
sync and async behaviour cannot drift apart and a test can answer the steps by hand::

    flow = job()
    step = flow.send(None)      # -> Ask(model, messages)
    flow.send(AIMessage("hi"))  # answer it and go on

Rule 1: a model or a store is called in this file and nowhere else.
Rule 2: a flow awaits steps and other flows, never anything else; both drivers refuse the rest.
Rule 3: reads and writes never share a batch, because some stores run the reads first.
"""

from __future__ import annotations

import asyncio
import sys
from abc import abstractmethod
from collections.abc import Coroutine, Generator, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypedDict, TypeVar, cast, runtime_checkable

from langchain_core.callbacks import (
    AsyncCallbackManagerForChainRun,
    CallbackManagerForChainRun,
)
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import get_executor_for_config
from langgraph.store.base import BaseStore, GetOp, Item, Op, PutOp, SearchItem, SearchOp
from typing_extensions import override

from longterm.errors import NoStoreError
from longterm.memory.namespace import Namespace
from longterm.memory.operations import in_batches, settled

__all__ = [
    "Ask",
    "Batch",
    "Compress",
    "Flow",
    "FlowRunnable",
    "Hit",
    "Look",
    "Replace",
    "Sealed",
    "Step",
    "Together",
    "arun",
    "ask",
    "context_store",
    "fetch",
    "in_graph",
    "read",
    "replace",
    "run",
    "search",
    "together",
    "write",
]

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")

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
class Together(Step[list[Any]]):
    """Run *flows* side by side; the first error cancels the rest."""

    flows: tuple[Flow[Any], ...]


@runtime_checkable
class Sealed(Hashable, Protocol):
    """An item that is not decoded yet; equal ones hold equal items."""

    def opened(self) -> Item:
        """Decode it, anew each time."""
        ...


class Hit(Protocol):
    """An item that a look found, and its cosine, None where vectors cannot say."""

    @property
    def sealed(self) -> Sealed | Item:
        """The item, decoded already or not."""
        ...

    @property
    def cosine(self) -> float | None:
        """How near it is to what was looked for."""
        ...


@dataclass(frozen=True, slots=True)
class Look(Step[list[Hit]]):
    """Find what full text or vectors bring below *namespaces*, *limit* each.

    Full text looks for *words*, vectors for *meaning*; "" leaves vectors out. A store that can
    brings with the best hits what was written *around* them, and everything of a namespace
    that holds no more than *whole* items, and leaves out what lies below where *exact*. Other
    stores search for the one or the other, at and below the namespaces.
    """

    namespaces: tuple[tuple[str, ...], ...]
    words: str
    meaning: str
    limit: int
    around: int = 0
    whole: int = 0
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


def run(
    flow: Flow[T], config: RunnableConfig | None = None, *, store: BaseStore | None = None
) -> T:
    """Perform the steps of *flow* with blocking calls and return its result."""
    edge = _Edge(config, store)
    position = _advance(flow)
    while isinstance(position, _Waiting):
        try:
            answer = _perform(position.step, edge)
        except BaseException as error:  # noqa: BLE001 - the flow decides what an error means
            position = _fail(flow, error)
        else:
            position = _advance(flow, answer)
    return position.result


async def arun(
    flow: Flow[T], config: RunnableConfig | None = None, *, store: BaseStore | None = None
) -> T:
    """Perform the steps of *flow* on the running event loop and return its result."""
    edge = _Edge(config, store)
    position = _advance(flow)
    while isinstance(position, _Waiting):
        try:
            answer = await _aperform(position.step, edge)
        except BaseException as error:  # noqa: BLE001 - the flow decides what an error means
            position = _fail(flow, error)
        else:
            position = _advance(flow, answer)
    return position.result


@dataclass(frozen=True, slots=True)
class _Waiting:
    step: object


@dataclass(frozen=True, slots=True)
class _Finished(Generic[T]):
    result: T


def _advance(flow: Flow[T], answer: object = None) -> _Waiting | _Finished[T]:
    """Let *flow* go on with *answer* to its next step, or to its result."""
    try:
        return _Waiting(flow.send(answer))
    except StopIteration as stop:
        return _Finished(cast("T", stop.value))


def _fail(flow: Flow[T], error: BaseException) -> _Waiting | _Finished[T]:
    """Raise *error* where *flow* waits; unless it knows better, it comes out again as it is."""
    try:
        return _Waiting(flow.throw(error))
    except StopIteration as stop:
        return _Finished(cast("T", stop.value))


@dataclass(frozen=True, slots=True)
class _Edge:
    """Where the steps of one run are performed: its config and its store."""

    config: RunnableConfig | None
    given: BaseStore | None

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
    from langgraph.config import get_store  # noqa: PLC0415 - see above

    try:
        return True, get_store()
    except (RuntimeError, KeyError):  # not inside a graph: LangGraph has no gentler answer
        return False, None


def _perform(step: object, edge: _Edge) -> Any:
    match step:
        case Ask(model, messages):
            return model.invoke(list(messages), edge.config)
        case Batch(ops):
            store = edge.store
            return [answer for part in in_batches(ops, store) for answer in store.batch(part)]
        case Replace(ops, seen):
            store = edge.store
            if isinstance(store, _Compares):
                return store.put_all_if(_settled(ops, store), seen)
            return _perform(Batch(ops), edge)
        case Look():
            return _look(step, edge.store)
        case Compress(compressor, documents, query):
            return list(compressor.compress_documents(documents, query))
        case Together(flows):
            return _side_by_side(flows, edge)
        case _:
            raise _foreign(step)


async def _aperform(step: object, edge: _Edge) -> Any:
    match step:
        case Ask(model, messages):
            return await model.ainvoke(list(messages), edge.config)
        case Batch(ops):
            store = edge.store
            parts = [await _abatch(store, part) for part in in_batches(ops, store)]
            return [answer for part in parts for answer in part]
        case Replace(ops, seen):
            store = edge.store
            if isinstance(store, _Compares):
                return await store.aput_all_if(_settled(ops, store), seen)
            return await _aperform(Batch(ops), edge)
        case Look():
            return await _alook(step, edge.store)
        case Compress(compressor, documents, query):
            return list(await compressor.acompress_documents(documents, query))
        case Together(flows):
            return await _aside_by_side(flows, edge)
        case _:
            raise _foreign(step)


def _settled(ops: Sequence[PutOp], store: BaseStore) -> list[PutOp]:
    return [cast("PutOp", settled(op, store)) for op in ops]


async def _abatch(store: BaseStore, ops: list[Op]) -> list[Any]:
    """Batch on *store*; on a thread where it has no async side (LangGraph's SqliteStore)."""
    try:
        return await store.abatch(ops)
    except NotImplementedError:
        return await asyncio.to_thread(store.batch, ops)


@runtime_checkable
class _Compares(Protocol):
    """A store that writes only what nobody has changed since."""

    def put_all_if(
        self, ops: Sequence[PutOp], expected_updated_at: Sequence[datetime | None]
    ) -> None: ...

    async def aput_all_if(
        self, ops: Sequence[PutOp], expected_updated_at: Sequence[datetime | None]
    ) -> None: ...


@runtime_checkable
class _HasArms(Protocol):
    """A store that tells what full text and what vectors say, each by itself."""

    def arms(
        self,
        namespace_prefix: Namespace,
        query: str,
        *,
        limit: int,
        meaning: str,
        around: int,
        whole: int,
        exact: bool,
    ) -> Sequence[Hit]: ...

    async def aarms(
        self,
        namespace_prefix: Namespace,
        query: str,
        *,
        limit: int,
        meaning: str,
        around: int,
        whole: int,
        exact: bool,
    ) -> Sequence[Hit]: ...


class _Options(TypedDict):
    limit: int
    meaning: str
    around: int
    whole: int
    exact: bool


@dataclass(frozen=True, slots=True)
class _SearchHit:
    """What a plain search found."""

    sealed: Item
    cosine: float | None


def _look(step: Look, store: BaseStore) -> list[Hit]:
    if isinstance(store, _HasArms):
        found = [store.arms(place, step.words, **_options(step)) for place in step.namespaces]
        return [hit for hits in found for hit in hits]
    return _as_hits(store.batch(_searches(step)))


async def _alook(step: Look, store: BaseStore) -> list[Hit]:
    if isinstance(store, _HasArms):
        arms, options = store.aarms, _options(step)
        found = [await arms(place, step.words, **options) for place in step.namespaces]
        return [hit for hits in found for hit in hits]
    return _as_hits(await _abatch(store, _searches(step)))


def _options(step: Look) -> _Options:
    return _Options(
        limit=step.limit,
        meaning=step.meaning,
        around=step.around,
        whole=step.whole,
        exact=step.exact,
    )


def _searches(step: Look) -> list[Op]:
    query, limit = step.meaning or step.words, max(step.limit, step.whole)
    return [
        SearchOp(place, query=query, limit=limit, refresh_ttl=False) for place in step.namespaces
    ]


def _as_hits(answers: Sequence[Any]) -> list[Hit]:
    found = (item for items in answers for item in cast("list[SearchItem]", items))
    return [_SearchHit(item, item.score) for item in found]


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
        f"A flow awaited {step!r}, which is not a step. "
        "Flows await only what longterm.flow offers, and other flows."
    )


class FlowRunnable(Runnable[In, Out]):
    """A LangChain Runnable whose work is one flow.

    Subclasses write `flow`; `invoke`, `ainvoke`, `batch`, `abatch`, config, callbacks and
    tracing come from here. `store` is the one given at construction, or None to take the
    one of the running graph, anew in each call.
    """

    store: BaseStore | None = None

    @abstractmethod
    def flow(self, input: In, config: RunnableConfig) -> Flow[Out]:
        """Return the job to do for *input*."""

    @override
    def invoke(self, input: In, config: RunnableConfig | None = None, **kwargs: Any) -> Out:
        return self._call_with_config(self._run, input, config, store=self.store_here())

    @override
    async def ainvoke(self, input: In, config: RunnableConfig | None = None, **kwargs: Any) -> Out:
        return await self._acall_with_config(self._arun, input, config, store=self.store_here())

    def store_here(self) -> BaseStore | None:
        """Return the store given, or the caller's graph's, which an explicit config would hide."""
        return context_store() if self.store is None else self.store

    def _run(
        self,
        input: In,
        run_manager: CallbackManagerForChainRun,  # noqa: ARG002 - LangChain calls by these names
        config: RunnableConfig,
        store: BaseStore | None = None,
    ) -> Out:
        return run(self.flow(input, config), config, store=store)

    async def _arun(
        self,
        input: In,
        run_manager: AsyncCallbackManagerForChainRun,  # noqa: ARG002 - LangChain calls by these names
        config: RunnableConfig,
        store: BaseStore | None = None,
    ) -> Out:
        return await arun(self.flow(input, config), config, store=store)
