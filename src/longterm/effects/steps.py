"""Steps: what a job says it needs, as frozen values, and the operations on stores they carry.

A job is written once, as a coroutine that awaits steps: "ask this model", "search the store",
"do these side by side". The coroutine itself does no I/O, so a test can answer by hand::

    flow = job()
    step = flow.send(None)      # -> Ask(model, messages)
    flow.send(AIMessage("hi"))  # answer it and go on

Rule 1: a flow awaits steps and other flows, never anything else; both drivers refuse the rest.
Rule 2: reads and writes never share a batch, because some stores run the reads first.
Rule 3: LangGraph's `BaseStore` fills in its own TTL rules in `get`, `search` and `put`, but not in
`batch`. Operations built here leave those rules open; `settled` closes them for a store.
Rule 4: what lies in a namespace is found, and what lies below it, unless *exact*. Nothing beside it
ever is, whatever else a store finds: "ann" does not reach "anna".
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar, cast

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable
from langgraph.store.base import (
    NOT_PROVIDED,
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    NotProvided,
    Op,
    PutOp,
    SearchItem,
    SearchOp,
    get_text_at_path,
)
from langgraph.store.memory import InMemoryStore

from longterm.effects.capabilities import Keep, RevisionNote, SearchColumns

__all__ = [
    "PAGE",
    "Ask",
    "Batch",
    "Compress",
    "Embed",
    "Exclusive",
    "Flow",
    "Has",
    "HybridQuery",
    "Index",
    "Noted",
    "Reach",
    "Replace",
    "Step",
    "StoreCall",
    "Together",
    "Ttl",
    "ask",
    "best_of_each",
    "fetch",
    "get_op",
    "in_batches",
    "namespaces_below",
    "place_of",
    "put_op",
    "replace",
    "score_of",
    "search",
    "search_exactly",
    "search_op",
    "search_within",
    "settled",
    "together",
    "with_zones",
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
class HybridQuery(Step[list[SearchColumns]]):
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


async def search(ops: Sequence[SearchOp]) -> list[list[SearchItem]]:
    """Items found by each of *ops*, in their order, by one batch (none for no ops)."""
    return await Batch(tuple(ops)) if ops else []


async def fetch(ops: Sequence[GetOp]) -> list[Item | None]:
    """Items read by each of *ops*, in their order, by one batch (none for no ops)."""
    return await Batch(tuple(ops)) if ops else []


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


Index = Literal[False] | list[str] | None
#: Minutes; None for ever; NOT_PROVIDED for the store's default.
Ttl = float | NotProvided | None


def get_op(namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None) -> GetOp:
    """Read *key*; None lets the store decide whether that renews its time to live."""
    return GetOp(namespace, key, cast("bool", refresh_ttl))


def search_op(
    namespace: tuple[str, ...],
    query: str | None = None,
    *,
    filter: dict[str, Any] | None = None,
    limit: int = 10,
    offset: int = 0,
    refresh_ttl: bool | None = None,
) -> SearchOp:
    """Search below *namespace*."""
    return SearchOp(namespace, filter, limit, offset, query, cast("bool", refresh_ttl))


def put_op(
    namespace: tuple[str, ...],
    key: str,
    value: dict[str, Any] | None,
    *,
    index: Index = None,
    ttl: Ttl = NOT_PROVIDED,
) -> PutOp:
    """Store *value* under *key*; None deletes."""
    return PutOp(namespace, key, value, index, cast("float | None", ttl))


def settled(op: Op, store: BaseStore) -> Op:
    """Return *op* with the rules of *store* where it left them open.

    Raises `NotImplementedError`, as the store would, for a time to live it cannot keep.
    """
    rules: Any = store.ttl_config or {}
    open_op: Any = op  # what is left open is outside the declared types
    match open_op:
        case PutOp(ttl=ttl) if isinstance(ttl, NotProvided):
            return open_op._replace(ttl=rules.get("default_ttl"))
        case PutOp(ttl=float() | int()) if not store.supports_ttl:
            raise NotImplementedError(f"{type(store).__name__} keeps no time to live; leave ttl.")
        case GetOp(refresh_ttl=None) | SearchOp(refresh_ttl=None):
            return open_op._replace(refresh_ttl=rules.get("refresh_on_read", True))
        case _:
            return op


def in_batches(ops: Sequence[Op], store: BaseStore) -> list[list[Op]]:
    """Return *ops*, settled, in as few batches as *store* can take: one, for most.

    LangGraph's InMemoryStore refuses a batch in which two memories have the same text to embed.
    """
    if not isinstance(store, InMemoryStore):
        return [[settled(op, store) for op in ops]]
    batches: list[list[Op]] = [[]]
    taken: set[str] = set()
    for op in ops:
        texts = set(_embedded_texts(op, store))
        if texts & taken:
            batches.append([])
            taken.clear()
        batches[-1].append(settled(op, store))
        taken |= texts
    return batches


def _embedded_texts(op: Op, store: InMemoryStore) -> Iterator[str]:
    """Yield the texts of *op* that *store* embeds."""
    index: Any = store.index_config
    if index and isinstance(op, PutOp) and op.value is not None and op.index is not False:
        for path in op.index or index.get("fields") or ["$"]:
            yield from get_text_at_path(op.value, path)


def with_zones(answers: Iterable[Any]) -> list[Any]:
    """Return what a store answered, with UTC where it leaves the zone of its times out."""
    found = list(answers)
    for answer in found:
        for item in cast("list[Any]", answer) if isinstance(answer, list) else (answer,):
            if isinstance(item, Item) and item.updated_at.tzinfo is None:
                item.created_at = item.created_at.replace(tzinfo=UTC)
                item.updated_at = item.updated_at.replace(tzinfo=UTC)
    return found


#: Items that are asked for at once where many are wanted.
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Reach:
    """Where is searched: in *namespace* and, unless *exact*, in what lies below it."""

    namespace: tuple[str, ...]
    exact: bool = False

    def holds(self, namespace: tuple[str, ...]) -> bool:
        """Whether what lies in *namespace* is found."""
        depth = len(self.namespace)
        return namespace[:depth] == self.namespace and not (self.exact and namespace[depth:])


def place_of(item: Item) -> tuple[str, ...]:
    """Return where *item* lies: the labels of its namespace, and its key."""
    return (*item.namespace, item.key)


def score_of(item: SearchItem) -> float:
    """Return the score of *item*, less than any other where the store gives none."""
    return float("-inf") if item.score is None else item.score


def best_of_each(found: Iterable[SearchItem]) -> list[SearchItem]:
    """Return what several searches *found* once each, with its best score; of equals the first."""
    items: dict[tuple[str, ...], SearchItem] = {}
    for item in found:
        place = place_of(item)
        items[place] = max(items.get(place, item), item, key=score_of)
    return list(items.values())


async def search_exactly(
    namespace: tuple[str, ...],
    query: str | None = None,
    *,
    filter: Mapping[str, Any] | None = None,
    limit: int | None = None,
    offset: int = 0,
    refresh_ttl: bool | None = None,
) -> list[SearchItem]:
    """Return the items of *namespace* alone that match; see `search_within`."""
    return await search_within(
        Reach(namespace, exact=True),
        query,
        filter=filter,
        limit=limit,
        offset=offset,
        refresh_ttl=refresh_ttl,
    )


async def search_within(
    reach: Reach,
    query: str | None = None,
    *,
    filter: Mapping[str, Any] | None = None,
    limit: int | None = None,
    offset: int = 0,
    refresh_ttl: bool | None = None,
) -> list[SearchItem]:
    """Return the items of *reach* that match, whatever else the store finds.

    None for *limit* returns all, a blank *query* is none. The store is asked again only
    where something else took places.
    """
    query = query if query and query.strip() else None
    wanted = None if limit is None else offset + limit
    found: dict[tuple[str, ...], SearchItem] = {}
    start, size = 0, PAGE if wanted is None else wanted
    while True:
        op = search_op(
            reach.namespace,
            query,
            filter=dict(filter) if filter else None,
            limit=size,
            offset=start,
            refresh_ttl=refresh_ttl,
        )
        [items] = await search([op])
        found |= {place_of(item): item for item in items if reach.holds(tuple(item.namespace))}
        if len(items) < size or (wanted is not None and len(found) >= wanted):
            return list(found.values())[offset:wanted]
        start, size = start + size, PAGE


async def namespaces_below(
    prefix: tuple[str, ...], max_depth: int | None = None
) -> list[tuple[str, ...]]:
    """Return all namespaces at and below *prefix*, whatever else the store finds; a flow."""
    below: list[tuple[str, ...]] = []
    start = 0
    while True:
        op = ListNamespacesOp((MatchCondition("prefix", prefix),), max_depth, PAGE, start)
        (found,) = await Batch((op,))
        below += [one for one in found if one[: len(prefix)] == prefix]
        start += PAGE
        if len(found) < PAGE:
            return below
