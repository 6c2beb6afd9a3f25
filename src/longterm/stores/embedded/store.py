"""`EmbeddedStore`: long-term memory in one SQLite file, behind LangGraph's `BaseStore`.

A batch is one transaction: its operations take place in the order given, all or none of them,
and a read sees what was written before it in the batch. The embedding model is asked before
the transaction begins, for texts the file has no vector of, so no other writer waits for
another's model. The async methods do the same work in a thread; there is no second body.
"""

import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import Any, cast

from langgraph.store.base import IndexConfig, Result, TTLConfig
from typing_extensions import override

from longterm.effects.clock import utc_now
from longterm.effects.drivers import Work
from longterm.effects.steps import Flow
from longterm.errors import ConfigurationError
from longterm.stores.base import LEFT_TO_OTHERS, CapableStore
from longterm.stores.embedded import maintenance
from longterm.stores.embedded.database import MEMORY, Database, Synchronous
from longterm.stores.embedded.encryption import Cipher
from longterm.stores.embedded.finding import VectorQuery, find
from longterm.stores.embedded.late_vectors import FileLateVectors
from longterm.stores.embedded.maintenance import sweep
from longterm.stores.embedded.reindexing import EmbeddedRenewal, EmbeddedTermRenewal
from longterm.stores.embedded.revising import read_revisions, states
from longterm.stores.embedded.scopes import ScopeCache
from longterm.stores.embedded.transaction import (
    Clock,
    Transaction,
    fetch_items,
    namespaces,
    newest,
    refresh,
)
from longterm.stores.embedded.writing import (
    Vectors,
    carry_out,
    known_vectors,
    model_of,
    require_model,
    write_item,
    write_new,
)
from longterm.stores.embedding import StoreIndex, query_vectors, vectors_of
from longterm.stores.first_release import renamed
from longterm.stores.matrix import Vector
from longterm.stores.operations import (
    CHANGES,
    AddRows,
    EraseItems,
    FindItems,
    FindStates,
    HybridHit,
    ListNamespaces,
    Operation,
    PageRevisions,
    PruneRows,
    ReadItem,
    ReadRevisions,
    RewriteNotes,
    ScrubFile,
    Stats,
    WriteItem,
)
from longterm.stores.preparing import NO_VECTORS, BatchPlan, EmbeddedTexts, plan_batch
from longterm.stores.reindexing import Progress
from longterm.stores.rows import micros
from longterm.stores.states import ranked, states_of

__all__ = ["EmbeddedStore"]

_MEGABYTE = 2**20
#: How long closing waits for the embedding model to end what it has in hand.
_LAST_SECONDS = 5.0
#: A program that ends sooner does not begin with what another has left.
_OPENING_SECONDS = 1.0
#: From so many writes on, to write table by table costs less than item by item.
_MANY = 4


class EmbeddedStore(CapableStore):
    """A LangGraph store in one SQLite file (or `":memory:"`), with full text and vectors.

    *index* is LangGraph's (`embed`, `dims`, `fields`); without it search is full text alone.
    *ttl* is LangGraph's. *cache_bytes* caps the memory that searches keep between them, and
    *synchronous* says how durable a write is when it returns. *patience* is how many seconds to
    wait for other processes that write. *encryption_key*, a passphrase or 32 bytes, encrypts the
    file by SQLCipher (`longterm[encrypted]`). *clock* is there for tests.
    """

    __slots__ = ("_cache", "_clock", "_database", "_finalizer", "_late", "_terms")

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        index: StoreIndex | IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        cache_bytes: int = 256 * _MEGABYTE,
        synchronous: Synchronous = "full",
        patience: float = 60.0,
        encryption_key: str | bytes | None = None,
        clock: Clock = utc_now,
    ) -> None:
        if synchronous not in ("full", "normal"):
            raise ConfigurationError(f'synchronous is "full" or "normal", not {synchronous!r}.')
        super().__init__(index, ttl)
        self._clock = clock
        self._cache = ScopeCache(cache_bytes)
        where = fspath(path)
        self._database = Database(
            where if where == MEMORY else str(Path(where).expanduser().absolute()),
            synchronous=synchronous,
            patience=patience,
            cipher=None if encryption_key is None else Cipher(encryption_key),
        )
        self._finalizer = weakref.finalize(self, self._database.close)
        self._terms = EmbeddedTermRenewal(self._database, self.fields)
        self._terms.begin()
        weakref.finalize(self, self._terms.stop, _LAST_SECONDS)
        self._late: FileLateVectors | None = None
        if self.embedder is not None:
            self._late = FileLateVectors(self._database, self.embedder, self.fields)
            if self._late.is_behind:
                self._late.wake(_OPENING_SECONDS)
            weakref.finalize(self, self._late.stop, _LAST_SECONDS)
        if ttl and ttl.get("sweep_interval_minutes"):
            self.start_ttl_sweeper()

    def arms(
        self,
        namespace_prefix: tuple[str, ...],
        query: str,
        *,
        meaning: str | None = None,
        around: int = 0,
        whole: int = 0,
        **options: Any,
    ) -> list[HybridHit]:
        """Call `hybrid_search` by its name of the first release."""
        renamed("EmbeddedStore.arms", "hybrid_search")
        return self.hybrid_search(
            namespace_prefix, query, vector_query=meaning, neighbors=around,
            full_scan_limit=whole, **options,
        )  # fmt: skip

    def aarms(
        self,
        namespace_prefix: tuple[str, ...],
        query: str,
        *,
        meaning: str | None = None,
        around: int = 0,
        whole: int = 0,
        **options: Any,
    ) -> Awaitable[list[HybridHit]]:
        """Call `ahybrid_search` by its name of the first release."""
        renamed("EmbeddedStore.aarms", "ahybrid_search")
        return self.ahybrid_search(
            namespace_prefix, query, vector_query=meaning, neighbors=around,
            full_scan_limit=whole, **options,
        )  # fmt: skip

    @override
    async def late_vectors(self) -> int:
        return 0 if self._late is None else await self._late.complete([""])

    # --- looking after the file ---

    def stats(self) -> Stats:
        """How much the store holds."""
        return maintenance.file_stats(self._database, self._cache.nbytes)

    def check(self) -> list[str]:
        """Say what is wrong with the file, in words; an empty list when it is sound."""
        return maintenance.check_file(self._database)

    def backup(self, path: str | PathLike[str], progress: Progress | None = None) -> None:
        """Copy the store to a new file, while others read and write.

        *progress* is called with how many pages of the file are copied and how many there are.
        """
        maintenance.backup_file(self._database, Path(path), progress)

    def vacuum(self) -> None:
        """Give unused space back."""
        maintenance.vacuum(self._database)

    @override
    def close(self) -> None:
        """Close the file. What still runs ends first; whatever comes later is an error."""
        self.stop_ttl_sweeper()
        self._terms.stop(_LAST_SECONDS)
        if self._late is not None:
            self._late.stop(_LAST_SECONDS)
        if self.embedder is not None:
            self.embedder.release()
        self._finalizer()

    # --- a batch, step by step ---

    @override
    async def flow(self, ops: Sequence[Operation]) -> list[Result]:
        late = self._late
        if self.embedder is None or late is None:
            return await Work(lambda: self._perform(plan_batch(ops, self.fields, None), NO_VECTORS))
        plan, lacking = await Work(lambda: self._planned(ops))
        if lacking:  # also if the thread was faster: the file may have its first vectors now
            await late.complete(lacking)
            plan, _ = await Work(lambda: self._planned(ops))
        texts = await vectors_of(self.embedder, plan.texts, partial(self._known, plan.model))
        queries: Mapping[str, Vector] = {}
        if plan.model is not None or texts:
            queries = await query_vectors(self.embedder, plan.queries)
        return await Work(lambda: self._perform(plan, EmbeddedTexts(texts, queries)))

    @override
    def left_by_erase(self) -> tuple[str, ...]:
        if self._database.path == MEMORY:
            return ()
        return (
            LEFT_TO_OTHERS,
            "copies of the file: snapshots of its file system, worn blocks of a flash disk",
        )

    @override
    def renewal(self, progress: Progress | None) -> Flow[int]:
        return EmbeddedRenewal(
            self._database, self.embedder, self.fields, self._known, progress
        ).flow()

    @override
    def expiry(self) -> Callable[[], int]:
        return partial(sweep, self._database, self._clock)

    def _planned(self, ops: Sequence[Operation]) -> tuple[BatchPlan, list[str]]:
        """Check a batch; and the paths below which vectors are missing that it compares."""
        plan = plan_batch(ops, self.fields, self.embedder)
        if self.embedder is None or not (plan.texts or plan.queries):
            return plan, []
        with self._database.reading() as connection:
            tx = self._transaction(connection)
            plan = replace(plan, model=model_of(tx, self.embedder))
            for op in plan.past:
                found = states_of(states(tx, op), op.find.condition, self.fields)
                texts = [text for state in found for text in state.found_by.texts]
                plan = replace(plan, texts=(*plan.texts, *texts))
            return plan, [path for path in plan.paths if FileLateVectors.any_below(tx, path)]

    async def _known(self, model: int | None, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        return {} if model is None else await Work(partial(self._looked_up, model, digests))

    def _looked_up(self, model: int, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        with self._database.reading() as connection:
            return known_vectors(connection, model, digests)

    def _perform(self, plan: BatchPlan, vectors: EmbeddedTexts) -> list[Result]:
        writes = any(isinstance(op, CHANGES) for op in plan.ops)
        enter = self._database.writing if writes else self._database.reading
        with enter() as connection:
            tx = self._transaction(connection)
            answers = self._carried_out(tx, plan, vectors)
            if writes and tx.touched:
                refresh(tx, sorted(tx.touched))
        if tx.touched and not writes:
            with self._database.writing() as connection:
                refresh(self._transaction(connection), sorted(tx.touched))
        erasing = [op for op in plan.ops if isinstance(op, EraseItems | RewriteNotes)]
        if erasing:
            self._cache.clear()
        if self._late is not None:
            if erasing:
                self._late.forget()
            if tx.late:
                self._late.wake_for(tx.late)
        if any(op.scrub for op in erasing) or any(isinstance(op, ScrubFile) for op in plan.ops):
            maintenance.scrub(self._database)
        return answers

    def _carried_out(self, tx: Transaction, plan: BatchPlan, vectors: EmbeddedTexts) -> list[Any]:
        answers: list[Any] = []
        model, own = plan.model, False
        if vectors.texts or plan.is_ahead:
            model = self._model_to_write(tx, plan, vectors)
        made = Vectors(vectors.texts, model, 0 if self._late is None else self._late.writer)
        if all(isinstance(op, ReadItem) for op in plan.ops):
            return fetch_items(tx, cast("Sequence[ReadItem]", plan.ops))
        if len(plan.ops) >= _MANY and all(isinstance(op, WriteItem) for op in plan.ops):
            writes = cast("Sequence[WriteItem]", plan.ops)
            if (written := write_new(tx, writes, made)) is not None:
                return written
        for op in plan.ops:
            match op:
                case WriteItem():
                    answers.append(write_item(tx, op, made))
                    own = True
                case AddRows() | PruneRows() | RewriteNotes() | EraseItems() | ScrubFile():
                    answers.append(carry_out(tx, op, made))
                    own = True
                case FindItems():
                    asked = VectorQuery(vectors.queries.get(op.vector_query or ""), model)
                    ranks = op.query is not None or op.answer in ("hybrid", "columns")
                    answers.append(
                        find(tx, op, asked, self._cache, own=own) if ranks else newest(tx, op)
                    )
                case FindStates(find=wanted):
                    past = states_of(states(tx, op), wanted.condition, self.fields)
                    query = vectors.queries.get(wanted.vector_query or "")
                    answers.append(ranked(past, wanted, query, vectors.texts))
                case ReadItem():
                    answers += fetch_items(tx, [op])
                case ListNamespaces():
                    answers.append(namespaces(tx, op))
                case ReadRevisions() | PageRevisions():
                    answers.append(read_revisions(tx, op))
        return answers

    def _model_to_write(
        self, tx: Transaction, plan: BatchPlan, vectors: EmbeddedTexts
    ) -> int | None:
        """Return the number of the model; a file of another's is an error, with nothing written."""
        embedder = self.embedder
        if embedder is None or not any(isinstance(op, WriteItem | AddRows) for op in plan.ops):
            return plan.model
        return require_model(tx, embedder) if vectors.texts else model_of(tx, embedder)

    def _transaction(self, connection: Any) -> Transaction:
        hides = bool((self.ttl_config or {}).get("omit_expired"))
        return Transaction(connection, self._database.path, micros(self._clock()), hides)
