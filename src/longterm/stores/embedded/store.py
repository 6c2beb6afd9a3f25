"""`EmbeddedStore`: long-term memory in one SQLite file, behind LangGraph's `BaseStore`.

A batch is one transaction: its operations take place in the order given, all or none of them,
and a read sees what was written before it in the batch. The embedding model is asked before
the transaction begins, for texts the file has no vector of, so nobody ever waits for somebody
else's model. The async methods do the same work in a thread; there is no second body.
"""

import weakref
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike, fspath
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, cast, overload

import numpy as np
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

from longterm.errors import ConfigurationError
from longterm.stores.embedded import maintenance
from longterm.stores.embedded.database import MEMORY, Database, Synchronous
from longterm.stores.embedded.finding import Asked, find
from longterm.stores.embedded.matrix import Vector, unpack
from longterm.stores.embedded.reindexing import Progress, Reindexing, renew_terms
from longterm.stores.embedded.rows import micros
from longterm.stores.embedded.scopes import ScopeCache
from longterm.stores.embedded.steps import EmbedQueries, EmbedTexts, Job, Step, Work, arun, run
from longterm.stores.embedded.sweeping import Sweeper, sweep
from longterm.stores.embedded.transaction import Clock, Transaction, namespaces, read, refresh
from longterm.stores.embedded.writing import Vectors, model_of, require_model, write
from longterm.stores.embedding import WHOLE, Embedder, StoreIndex, text_hash
from longterm.stores.operations import (
    ExplainedItem,
    ExplainOp,
    Find,
    HybridHit,
    HybridSearchOp,
    List,
    Operation,
    Prepared,
    PutIf,
    Read,
    Write,
    prepared,
)

__all__ = ["EmbeddedStore"]

_MEGABYTE = 2**20
_TEXTS_AT_ONCE = 256
_SWEEP_MINUTES = 5.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A batch that was checked, and what the embedding model must say before it is carried out."""

    ops: Sequence[Prepared]
    texts: Sequence[str] = ()
    queries: Sequence[str] = ()
    model: int | None = None


@dataclass(frozen=True, slots=True)
class _Vectors:
    """What the embedding model said: of texts by their hash, of queries by themselves."""

    texts: Mapping[bytes, bytes]
    queries: Mapping[str, Vector]


_NO_VECTORS = _Vectors({}, {})


class EmbeddedStore(BaseStore):
    """A LangGraph store in one SQLite file (or `":memory:"`), with full text and vectors.

    *index* is LangGraph's (`embed`, `dims`, `fields`); without it search is full text alone.
    *ttl* is LangGraph's. *cache_bytes* caps the memory that searches keep between them, and
    *synchronous* says how durable a write is when it returns. *patience* is how many seconds to
    wait for other processes that write. *clock* is there for tests.
    """

    supports_ttl = True
    __slots__ = (
        "_cache", "_clock", "_database", "_embedder", "_fields", "_finalizer", "_sweeper",
        "index_config", "ttl_config",
    )  # fmt: skip

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        index: StoreIndex | IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        cache_bytes: int = 256 * _MEGABYTE,
        synchronous: Synchronous = "full",
        patience: float = 60.0,
        clock: Clock = _utc_now,
    ) -> None:
        if synchronous not in ("full", "normal"):
            raise ConfigurationError(f'synchronous is "full" or "normal", not {synchronous!r}.')
        self.index_config = index
        self.ttl_config = ttl
        self._clock = clock
        self._embedder = None if index is None else Embedder(index)
        self._fields = tuple((index or {}).get("fields") or [WHOLE])
        self._cache = ScopeCache(cache_bytes)
        self._database = Database(_location(path), synchronous=synchronous, patience=patience)
        self._finalizer = weakref.finalize(self, self._database.close)
        renew_terms(self._database, self._fields)
        self._sweeper: Sweeper | None = None
        if ttl and ttl.get("sweep_interval_minutes"):
            self.start_ttl_sweeper()

    # --- LangGraph's contract ---

    def batch(self, ops: Iterable[Op | Operation]) -> list[Result]:
        """Carry out operations in the order given, all or none of them."""
        return run(self._job(ops))

    async def abatch(self, ops: Iterable[Op | Operation]) -> list[Result]:
        """Carry out operations in the order given, all or none of them."""
        return await arun(self._job(ops))

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
        op = self._search_op(namespace_prefix, query, filter, (limit, offset), refresh_ttl)
        (found,) = self.batch([ExplainOp(op) if explain else op])
        return cast("list[SearchItem]", found)

    # --- beyond it ---

    def hybrid_search(
        self,
        namespace_prefix: tuple[str, ...],
        query: str,
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
        Vectors are compared with *vector_query* instead of *query* where it is given; "" leaves
        them out. Two things bring more than hits: with *neighbors*, the items written up to so
        many places before and after the best of each signal come along; and where there are no
        more than *full_scan_limit* items below the prefix, all of them do. With *exact* the
        prefix is the whole namespace.
        """
        op = HybridSearchOp(
            namespace_prefix, query, filter, limit, vector_query, neighbors, full_scan_limit, exact
        )
        return _hits(self.batch([op]))

    async def ahybrid_search(
        self,
        namespace_prefix: tuple[str, ...],
        query: str,
        *,
        filter: dict[str, Any] | None = None,
        limit: int = 100,
        vector_query: str | None = None,
        neighbors: int = 0,
        full_scan_limit: int = 0,
        exact: bool = False,
    ) -> list[HybridHit]:
        """Find what full text and vectors find, *limit* each, with their own raw scores."""
        op = HybridSearchOp(
            namespace_prefix, query, filter, limit, vector_query, neighbors, full_scan_limit, exact
        )
        return _hits(await self.abatch([op]))

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
        """Put (None: delete), if nobody wrote the item since; else raise `ConflictError`.

        *expected_updated_at* is the `updated_at` of the item that was read, None if there was
        none. Answers the item as written.
        """
        op = PutIf(namespace, key, value, expected_updated_at, index, self._ttl(ttl))
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
        """Put (None: delete), if nobody wrote the item since; else raise `ConflictError`."""
        op = PutIf(namespace, key, value, expected_updated_at, index, self._ttl(ttl))
        return cast("Item | None", (await self.abatch([op]))[0])

    def put_all_if(
        self, ops: Sequence[PutOp], expected_updated_at: Sequence[datetime | None]
    ) -> None:
        """Put and delete all of *ops*, or nothing, as `put_if` does with each."""
        self.batch(_conditional(ops, expected_updated_at))

    async def aput_all_if(
        self, ops: Sequence[PutOp], expected_updated_at: Sequence[datetime | None]
    ) -> None:
        """Put and delete all of *ops*, or nothing, as `put_if` does with each."""
        await self.abatch(_conditional(ops, expected_updated_at))

    def reindex(self, progress: Progress | None = None) -> int:
        """Make all terms and vectors again, after a change of the model; how many items.

        *progress* is told how many items are done and how many there are. Others may read and
        write meanwhile; an interrupted run goes on where it stopped.
        """
        return run(self._reindexing(progress))

    async def areindex(self, progress: Progress | None = None) -> int:
        """Make all terms and vectors again, after a change of the model; how many items."""
        return await arun(self._reindexing(progress))

    # --- time to live ---

    def sweep_ttl(self) -> int:
        """Delete what has expired; how many items."""
        return sweep(self._database, self._clock)

    def start_ttl_sweeper(self, sweep_interval_minutes: float | None = None) -> None:
        """Sweep every so often, in a thread that ends with the store."""
        configured = (self.ttl_config or {}).get("sweep_interval_minutes")
        interval = sweep_interval_minutes or configured or _SWEEP_MINUTES
        self.stop_ttl_sweeper()
        self._sweeper = Sweeper(self._database, self._clock, interval)
        weakref.finalize(self, self._sweeper.stop, 0)

    def stop_ttl_sweeper(self, timeout: float | None = None) -> bool:
        """Stop sweeping; whether the thread ended within *timeout* seconds."""
        sweeper, self._sweeper = self._sweeper, None
        return sweeper is None or sweeper.stop(timeout)

    # --- looking after the file ---

    def stats(self) -> maintenance.Stats:
        """How much the store holds."""
        return maintenance.stats(self._database, self._cache.nbytes)

    def check(self) -> list[str]:
        """Say what is wrong with the file, in words; an empty list when it is sound."""
        return maintenance.check(self._database)

    def backup(self, path: str | PathLike[str]) -> None:
        """Copy the store to a new file, while others read and write."""
        maintenance.backup(self._database, Path(path))

    def vacuum(self) -> None:
        """Give unused space back."""
        maintenance.vacuum(self._database)

    def close(self) -> None:
        """Close the file. What still runs ends first; whatever comes later is an error."""
        self.stop_ttl_sweeper()
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- a batch, step by step ---

    def _job(self, ops: Iterable[Op | Operation]) -> Job[list[Result]]:
        given = list(ops)
        embedder = self._embedder
        if embedder is None:
            done: list[Result] = yield Work(
                lambda: self._perform(self._checked(given), _NO_VECTORS)
            )
            return done
        plan: _Plan = yield Work(lambda: self._plan(given, embedder))
        vectors = yield from self._ask(plan, embedder)
        return (yield Work(lambda: self._perform(plan, vectors)))

    def _checked(self, ops: Sequence[Operation]) -> _Plan:
        return _Plan([prepared(op, self._fields) for op in ops])

    def _plan(self, ops: Sequence[Operation], embedder: Embedder) -> _Plan:
        plan = self._checked(ops)
        texts = [text for op in plan.ops if isinstance(op, Write) for text in op.index.texts]
        queries = [op.vector_query for op in plan.ops if isinstance(op, Find) and op.vector_query]
        if not texts and not queries:
            return plan
        with self._database.reading() as connection:
            model = model_of(self._transaction(connection), embedder)
        readable = [query for query in queries if embedder.supports(query)]
        return _Plan(plan.ops, texts, list(dict.fromkeys(readable)), model)

    def _ask(self, plan: _Plan, embedder: Embedder) -> Generator[Step, Any, _Vectors]:
        texts = yield from self._vectors_of(plan.texts, plan.model)
        if not plan.queries or (plan.model is None and not texts):
            return _Vectors(texts, {})
        answers = yield EmbedQueries(embedder.model, plan.queries)
        packed = embedder.packed(answers, plan.queries)
        rows = unpack(packed, embedder.dims).astype(np.float32)
        return _Vectors(texts, dict(zip(plan.queries, rows, strict=True)))

    def _vectors_of(
        self, texts: Sequence[str], model: int | None
    ) -> Generator[Step, Any, Mapping[bytes, bytes]]:
        """Vectors by the hash of their text; only what the file does not have is computed."""
        embedder = cast("Embedder", self._embedder)
        wanted = {text_hash(text): text for text in texts if embedder.supports(text)}
        if not wanted:
            return {}
        known: dict[bytes, bytes] = yield Work(lambda: self._known(wanted, model))
        missing = [digest for digest in wanted if digest not in known]
        for start in range(0, len(missing), _TEXTS_AT_ONCE):
            block = missing[start : start + _TEXTS_AT_ONCE]
            new = [wanted[digest] for digest in block]
            vectors = yield EmbedTexts(embedder.model, new)
            known.update(zip(block, embedder.packed(vectors, new), strict=True))
        return known

    def _known(self, digests: Iterable[bytes], model: int | None) -> dict[bytes, bytes]:
        if model is None:
            return {}
        # Left to itself, SQLite walks along the vectors of the model.
        query = (
            "SELECT vector FROM vectors INDEXED BY vectors_by_text "
            "WHERE model = ? AND text_hash = ? LIMIT 1"
        )
        with self._database.reading() as connection:
            found = {one: connection.execute(query, (model, one)).fetchone() for one in digests}
        return {digest: row[0] for digest, row in found.items() if row is not None}

    def _perform(self, plan: _Plan, vectors: _Vectors) -> list[Result]:
        writes = any(isinstance(op, Write) for op in plan.ops)
        enter = self._database.writing if writes else self._database.reading
        with enter() as connection:
            tx = self._transaction(connection)
            answers = self._carry_out(tx, plan, vectors)
            if writes and tx.touched:
                refresh(tx, sorted(tx.touched))
        if tx.touched and not writes:
            self._prolong(tx)
        return answers

    def _carry_out(self, tx: Transaction, plan: _Plan, vectors: _Vectors) -> list[Result]:
        answers: list[Result] = []
        model, own = plan.model, False
        if vectors.texts and self._embedder is not None:
            model = require_model(tx, self._embedder)
        for op in plan.ops:
            match op:
                case Read():
                    answers.append(read(tx, op))
                case Write():
                    written = write(tx, op, Vectors(vectors.texts, model))
                    answers.append(None if op.expected is None else written)
                    own = True
                case Find():
                    answers.append(self._find(tx, op, vectors, model, own=own))
                case List():
                    answers.append(namespaces(tx, op))
        return answers

    def _find(
        self, tx: Transaction, op: Find, vectors: _Vectors, model: int | None, *, own: bool
    ) -> Result:
        asked = Asked(vectors.queries.get(op.vector_query or ""), model)
        return cast("Result", find(tx, op, asked, self._cache, own=own))

    def _prolong(self, read_in: Transaction) -> None:
        with self._database.writing() as connection:
            refresh(self._transaction(connection), sorted(read_in.touched))

    def _transaction(self, connection: Any) -> Transaction:
        hides = bool((self.ttl_config or {}).get("omit_expired"))
        return Transaction(connection, self._database.path, micros(self._clock()), hides)

    def _reindexing(self, progress: Progress | None) -> Job[int]:
        work = Reindexing(self._database, self._embedder, self._fields, self._vectors_of, progress)
        return work.job()

    # --- arguments ---

    def _search_op(
        self,
        namespace_prefix: tuple[str, ...],
        query: str | None,
        wanted: dict[str, Any] | None,
        page: tuple[int, int],
        refresh_ttl: bool | None,  # noqa: FBT001 - LangGraph's argument, handed on
    ) -> SearchOp:
        limit, offset = page
        configured = (self.ttl_config or {}).get("refresh_on_read", True)
        refreshes = configured if refresh_ttl is None else refresh_ttl
        return SearchOp(namespace_prefix, wanted, limit, offset, query, refreshes)

    def _ttl(self, ttl: float | NotProvided | None) -> float | None:
        if isinstance(ttl, NotProvided):
            return (self.ttl_config or {}).get("default_ttl")
        return ttl


def _location(path: str | PathLike[str]) -> str:
    where = fspath(path)
    return where if where == MEMORY else str(Path(where).expanduser().absolute())


def _conditional(ops: Sequence[PutOp], expected: Sequence[datetime | None]) -> list[Any]:
    return [
        PutIf(op.namespace, op.key, op.value, at, op.index, op.ttl)
        for op, at in zip(ops, expected, strict=True)
    ]


def _hits(answers: Sequence[Any]) -> list[HybridHit]:
    return cast("list[HybridHit]", answers[0])
