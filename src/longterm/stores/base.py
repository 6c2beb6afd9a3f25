"""`CapableStore`: what stores of ours have in common, whatever the database.

Each method says what it wants as an operation, and a batch of operations is carried out by a
flow, which a subclass writes. So sync and async methods share one body, and a batch may mix
operations of ours with LangGraph's.
"""

import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast, overload

from langchain_core.embeddings import Embeddings
from langgraph.store.base import (
    NOT_PROVIDED,
    BaseStore,
    IndexConfig,
    Item,
    NotProvided,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
)
from typing_extensions import override

from longterm.effects.capabilities import Keep, RevisionNote, RevisionRow
from longterm.effects.closing import Closing
from longterm.effects.drivers import arun, run
from longterm.effects.erasure import forget_texts, inform_of_erasures
from longterm.effects.steps import Flow
from longterm.stores.embedding import Embedder, StoreIndex
from longterm.stores.operations import (
    AddRevisions,
    Erase,
    ExplainedItem,
    ExplainOp,
    GetRevisions,
    HybridColumns,
    HybridColumnsOp,
    HybridHit,
    HybridSearchOp,
    ListRevisions,
    Operation,
    PruneRevisions,
    PutIf,
    PutNoted,
    ReplaceNotes,
    SearchAsOf,
)
from longterm.stores.reindexing import Progress
from longterm.stores.rows import WHOLE
from longterm.stores.sweeping import Sweeper
from longterm.text.tokenizer import forget_words

__all__ = ["LEFT_TO_OTHERS", "CapableStore"]

#: What no process can take from another.
LEFT_TO_OTHERS = "what other running programs have read of it, until they search there again or end"

_SWEEP_MINUTES = 5.0


class _KnownWords:
    """Words that were met, in the texts of any store: it is not known in which."""

    def forget(self, namespace: tuple[str, ...], key: str | None = None) -> None:
        del namespace, key
        forget_words()


_known_words = _KnownWords()
inform_of_erasures(_known_words)


class CapableStore(Closing, BaseStore):
    """A LangGraph store that has every capability: `ColumnSearch`, `CompareAndSet`, `Revisions`."""

    supports_ttl = True
    __slots__ = ("_sweeper", "embedder", "fields", "index_config", "ttl_config")

    def __init__(self, index: StoreIndex | IndexConfig | None, ttl: TTLConfig | None) -> None:
        self.index_config = index
        self.ttl_config = ttl
        self.embedder = None if index is None else Embedder(index)
        #: What of a value is indexed where a put does not say.
        self.fields = tuple((index or {}).get("fields") or [WHOLE])
        self._sweeper: Sweeper | None = None

    @property
    def embeddings(self) -> Embeddings | None:
        """What texts are embedded with, as LangGraph's own stores say it; None without an index."""
        return None if self.embedder is None else self.embedder.model

    @abstractmethod
    def flow(self, ops: Sequence[Operation]) -> Flow[list[Any]]:
        """Return the job that carries out *ops* in the order given, all or none of them."""

    @abstractmethod
    def renewal(self, progress: Progress | None) -> Flow[int]:
        """Return the job that makes the whole index again."""

    @abstractmethod
    def expiry(self) -> Callable[[], int]:
        """Return what deletes expired items and counts them; it must not keep the store alive."""

    @override
    @abstractmethod
    def close(self) -> None:
        """Close the store; whatever comes later is an error."""

    @override
    def batch(self, ops: Iterable[Op | Operation]) -> list[Result]:
        """Carry out operations in the order given, all or none of them."""
        return run(self.flow(list(ops)))

    @override
    async def abatch(self, ops: Iterable[Op | Operation]) -> list[Result]:
        """Carry out operations in the order given, all or none of them."""
        return await arun(self.flow(list(ops)))

    @overload
    def search(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
        explain: Literal[False] = False,
    ) -> list[SearchItem]: ...

    @overload
    def search(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
        explain: Literal[True],
    ) -> list[ExplainedItem]: ...

    @override
    def search(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
        explain: bool = False,
    ) -> list[SearchItem] | list[ExplainedItem]:
        """Search below a prefix, best first; without a query, what was written last comes first.

        With *explain* each item tells how its score came about.
        """
        configured = (self.ttl_config or {}).get("refresh_on_read", True)
        refreshes = configured if refresh_ttl is None else refresh_ttl
        op = SearchOp(namespace_prefix, filter, limit, offset, query, refreshes)
        (found,) = self.batch([ExplainOp(op) if explain else op])
        return cast("list[SearchItem]", found)

    # --- looking after it ---

    def reindex(self, progress: Progress | None = None) -> int:
        """Make all terms and vectors again, after a change of the model; how many items.

        *progress* is called with how many items are done and how many there are. Others may read
        and write meanwhile; an interrupted run goes on where it stopped.
        """
        return run(self.renewal(progress))

    async def areindex(self, progress: Progress | None = None) -> int:
        """Make all terms and vectors again, after a change of the model; how many items."""
        return await arun(self.renewal(progress))

    def sweep_ttl(self) -> int:
        """Delete what has expired; how many items."""
        return self.expiry()()

    def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> None:
        """Sweep every so often, in a thread that ends with the store."""
        configured = (self.ttl_config or {}).get("sweep_interval_minutes")
        interval = sweep_interval_minutes or configured or _SWEEP_MINUTES
        self.stop_ttl_sweeper()
        self._sweeper = Sweeper(self.expiry(), interval, type(self).__name__)
        weakref.finalize(self, self._sweeper.stop, 0)

    def stop_ttl_sweeper(self, timeout: float | None = None) -> bool:
        """Stop sweeping; whether the thread ended within *timeout* seconds."""
        sweeper, self._sweeper = self._sweeper, None
        return sweeper is None or sweeper.stop(timeout)

    # --- HybridSearch ---

    def hybrid_search(
        self,
        namespace_prefix: tuple[str, ...],
        text_query: str,
        *,
        filter: dict[str, Any] | None = None,
        limit: int = 100,
        vector_query: str | None = None,
        neighbors: int = 0,
        full_scan_limit: int = 0,
        exact: bool = False,
    ) -> list[HybridHit]:
        """Find what full text and vectors find, *limit* each, with their own raw scores.

        Only real hits are among them, best fused score first, for callers that rank themselves.
        Vectors are compared with *vector_query* instead of *text_query* where it is given; ""
        leaves them out. Two things bring more than hits: with *neighbors*, the items written up
        to so many places before and after the best of each signal come along; and where there
        are no more than *full_scan_limit* items below the prefix, all of them do. With *exact*
        the prefix is the whole namespace.
        """
        op = HybridSearchOp(namespace_prefix, text_query, filter, limit, vector_query, neighbors,
                            full_scan_limit, exact)  # fmt: skip
        return cast("list[HybridHit]", self.batch([op])[0])

    async def ahybrid_search(
        self,
        namespace_prefix: tuple[str, ...],
        text_query: str,
        *,
        filter: dict[str, Any] | None = None,
        limit: int = 100,
        vector_query: str | None = None,
        neighbors: int = 0,
        full_scan_limit: int = 0,
        exact: bool = False,
    ) -> list[HybridHit]:
        """Find what full text and vectors find, *limit* each, with their own raw scores."""
        op = HybridSearchOp(namespace_prefix, text_query, filter, limit, vector_query, neighbors,
                            full_scan_limit, exact)  # fmt: skip
        return cast("list[HybridHit]", (await self.abatch([op]))[0])

    def hybrid_columns(
        self,
        namespace_prefix: tuple[str, ...],
        text_query: str,
        *,
        vector_query: str | None = None,
        limit: int = 100,
        neighbors: int = 0,
        full_scan_limit: int = 0,
        exact: bool = False,
    ) -> HybridColumns:
        """Find what `hybrid_search` finds, in columns."""
        op = HybridSearchOp(namespace_prefix, text_query, None, limit, vector_query, neighbors,
                            full_scan_limit, exact)  # fmt: skip
        return cast("HybridColumns", self.batch([HybridColumnsOp(op)])[0])

    async def ahybrid_columns(
        self,
        namespace_prefix: tuple[str, ...],
        text_query: str,
        *,
        vector_query: str | None = None,
        limit: int = 100,
        neighbors: int = 0,
        full_scan_limit: int = 0,
        exact: bool = False,
    ) -> HybridColumns:
        """Find what `hybrid_search` finds, in columns."""
        op = HybridSearchOp(namespace_prefix, text_query, None, limit, vector_query, neighbors,
                            full_scan_limit, exact)  # fmt: skip
        return cast("HybridColumns", (await self.abatch([HybridColumnsOp(op)]))[0])

    @abstractmethod
    def late_vectors(self) -> Flow[int]:
        """Return the job that makes the vectors that are still missing; how many items."""

    def embed_pending(self) -> int:
        """Make the vectors that are to come later now; how many items.

        Calling it is optional: a thread makes them, and a search those that it would miss.
        """
        return run(self.late_vectors())

    async def aembed_pending(self) -> int:
        """Make the vectors that are to come later now; how many items."""
        return await arun(self.late_vectors())

    # --- CompareAndSet ---

    def put_if(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any] | None,
        *,
        expected_updated_at: datetime | None,
        index: Literal[False] | list[str] | None = None,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> Item | None:
        """Put (None: delete), if the item was not written since; else raise `ConflictError`.

        *expected_updated_at* is the `updated_at` of the item that was read, None if there was
        none. Answers the item as written.
        """
        op = PutIf(namespace, key, value, expected_updated_at, index, self._minutes(ttl))
        return cast("Item | None", self.batch([op])[0])

    async def aput_if(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any] | None,
        *,
        expected_updated_at: datetime | None,
        index: Literal[False] | list[str] | None = None,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> Item | None:
        """Put (None: delete), if the item was not written since; else raise `ConflictError`."""
        op = PutIf(namespace, key, value, expected_updated_at, index, self._minutes(ttl))
        return cast("Item | None", (await self.abatch([op]))[0])

    def put_all_if(
        self, ops: Sequence[PutOp], expected_updated_at: Sequence[datetime | None]
    ) -> None:
        """Put and delete all of *ops*, or nothing, as `put_if` does with each."""
        self.batch(_is_conditional(ops, expected_updated_at))

    async def aput_all_if(
        self, ops: Sequence[PutOp], expected_updated_at: Sequence[datetime | None]
    ) -> None:
        """Put and delete all of *ops*, or nothing, as `put_if` does with each."""
        await self.abatch(_is_conditional(ops, expected_updated_at))

    def _minutes(self, ttl: float | NotProvided | None) -> float | None:
        if isinstance(ttl, NotProvided):
            return (self.ttl_config or {}).get("default_ttl")
        return ttl

    # --- Revisions ---

    def put_all_noted(
        self,
        ops: Sequence[PutOp],
        expected_updated_at: Sequence[datetime | None],
        notes: Sequence[RevisionNote],
        *,
        keep: Keep = None,
    ) -> list[RevisionRow | None]:
        """Put and delete all of *ops*, or nothing, as `put_if` does, each with a revision."""
        return cast("Any", self.batch(_noted(ops, expected_updated_at, notes, keep)))

    async def aput_all_noted(
        self,
        ops: Sequence[PutOp],
        expected_updated_at: Sequence[datetime | None],
        notes: Sequence[RevisionNote],
        *,
        keep: Keep = None,
    ) -> list[RevisionRow | None]:
        """Put and delete all of *ops*, or nothing, as `put_if` does, each with a revision."""
        return cast("Any", await self.abatch(_noted(ops, expected_updated_at, notes, keep)))

    def get_revisions(self, namespace: tuple[str, ...], key: str) -> list[RevisionRow]:
        """Return the revisions of one item, oldest first."""
        return cast("Any", self.batch([GetRevisions(namespace, key)])[0])

    async def aget_revisions(self, namespace: tuple[str, ...], key: str) -> list[RevisionRow]:
        """Return the revisions of one item, oldest first."""
        return cast("Any", (await self.abatch([GetRevisions(namespace, key)]))[0])

    def list_revisions(
        self,
        namespace_prefix: tuple[str, ...],
        *,
        after: RevisionRow | None = None,
        limit: int = 1000,
    ) -> list[RevisionRow]:
        """Return a page of all revisions at and below a prefix; *after* ended the one before."""
        return cast("Any", self.batch([ListRevisions(namespace_prefix, after, limit)])[0])

    async def alist_revisions(
        self,
        namespace_prefix: tuple[str, ...],
        *,
        after: RevisionRow | None = None,
        limit: int = 1000,
    ) -> list[RevisionRow]:
        """Return a page of all revisions at and below a prefix; *after* ended the one before."""
        return cast("Any", (await self.abatch([ListRevisions(namespace_prefix, after, limit)]))[0])

    def search_as_of(
        self,
        namespace_prefix: tuple[str, ...],
        time: datetime,
        *,
        key: str | None = None,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        exact: bool = False,
    ) -> list[SearchItem]:
        """Search among the items as they were at *time*; it costs more than a plain search."""
        search = SearchOp(namespace_prefix, filter, limit, offset, query, refresh_ttl=False)
        return cast("Any", self.batch([SearchAsOf(search, time, key, exact)])[0])

    async def asearch_as_of(
        self,
        namespace_prefix: tuple[str, ...],
        time: datetime,
        *,
        key: str | None = None,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        exact: bool = False,
    ) -> list[SearchItem]:
        """Search among the items as they were at *time*; it costs more than a plain search."""
        search = SearchOp(namespace_prefix, filter, limit, offset, query, refresh_ttl=False)
        return cast("Any", (await self.abatch([SearchAsOf(search, time, key, exact)]))[0])

    def add_revisions(self, rows: Sequence[RevisionRow]) -> int:
        """Add exported rows of items that are not here yet, and the items; return how many."""
        return cast("int", self.batch([AddRevisions(tuple(rows))])[0])

    async def aadd_revisions(self, rows: Sequence[RevisionRow]) -> int:
        """Add exported rows of items that are not here yet, and the items; return how many."""
        return cast("int", (await self.abatch([AddRevisions(tuple(rows))]))[0])

    def prune_revisions(self, namespace_prefix: tuple[str, ...], keep: Keep) -> int:
        """Drop the revisions that *keep* does not allow; return how many."""
        return cast("int", self.batch([PruneRevisions(namespace_prefix, keep)])[0])

    async def aprune_revisions(self, namespace_prefix: tuple[str, ...], keep: Keep) -> int:
        """Drop the revisions that *keep* does not allow; return how many."""
        return cast("int", (await self.abatch([PruneRevisions(namespace_prefix, keep)]))[0])

    def replace_notes(
        self, namespace: tuple[str, ...], key: str, notes: Mapping[int, RevisionNote]
    ) -> None:
        """Put other notes in the place of those of an item's revisions, by number."""
        self.batch([ReplaceNotes(namespace, key, notes)])

    async def areplace_notes(
        self, namespace: tuple[str, ...], key: str, notes: Mapping[int, RevisionNote]
    ) -> None:
        """Put other notes in the place of those of an item's revisions, by number."""
        await self.abatch([ReplaceNotes(namespace, key, notes)])

    def erase(
        self, namespace_prefix: tuple[str, ...], key: str | None = None, *, actor: str = "user"
    ) -> dict[str, int]:
        """Remove one item, or all at and below a prefix, for good; return counts by place."""
        removed = self.batch([Erase(namespace_prefix, key, actor)])[0]
        forget_texts(namespace_prefix, key)
        return cast("Any", removed)

    async def aerase(
        self, namespace_prefix: tuple[str, ...], key: str | None = None, *, actor: str = "user"
    ) -> dict[str, int]:
        """Remove one item, or all at and below a prefix, for good; return counts by place."""
        removed = (await self.abatch([Erase(namespace_prefix, key, actor)]))[0]
        forget_texts(namespace_prefix, key)
        return cast("Any", removed)

    @abstractmethod
    def left_by_erase(self) -> tuple[str, ...]:
        """Return in plain words what of an erased item this store cannot reach, or not at once."""

    async def aleft_by_erase(self) -> tuple[str, ...]:
        """Return what `left_by_erase` returns."""
        return self.left_by_erase()


def _is_conditional(ops: Sequence[PutOp], expected: Sequence[datetime | None]) -> list[Any]:
    return [
        PutIf(op.namespace, op.key, op.value, at, op.index, op.ttl, wanted=False)
        for op, at in zip(ops, expected, strict=True)
    ]


def _noted(
    ops: Sequence[PutOp],
    expected: Sequence[datetime | None],
    notes: Sequence[RevisionNote],
    keep: Keep,
) -> list[Any]:
    return [PutNoted(*one, keep) for one in zip(ops, expected, notes, strict=True)]
