"""`PostgresStore`: the same long-term memory in a PostgreSQL database, for many processes.

A batch is one transaction: its operations take place in the order given, all or none of them,
and a read sees what was written before it in the batch. The embedding model is asked before
the transaction begins, for texts the database has no vector of. The async methods do the same
work in a thread, so one store serves any number of event loops, and threads, at once.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, cast

from langgraph.store.base import IndexConfig, Result, TTLConfig
from psycopg import Connection
from typing_extensions import override

from longterm.effects.clock import utc_now
from longterm.effects.drivers import Work
from longterm.effects.warn import warn_caller
from longterm.errors import ConfigurationError
from longterm.stores.base import LEFT_TO_OTHERS, CapableStore
from longterm.stores.embedding import Embedder, StoreIndex, query_vectors, vectors_of
from longterm.stores.operations import (
    CHANGES,
    AddRows,
    EraseItems,
    FindItems,
    FindStates,
    ListNamespaces,
    Operation,
    PageRevisions,
    Prepared,
    PruneRows,
    ReadItem,
    ReadRevisions,
    RewriteNotes,
    ScrubFile,
    Stats,
    WriteItem,
)
from longterm.stores.postgres.connection import PostgresPool
from longterm.stores.postgres.indexing import (
    ModelRegistry,
    NewVectors,
    look_up_vectors,
)
from longterm.stores.postgres.items import (
    Session,
    list_paths,
    paths_inside,
    prolong,
    read_item,
)
from longterm.stores.postgres.kept import KeptScopes
from longterm.stores.postgres.late_vectors import PostgresLateVectors
from longterm.stores.postgres.reindexing import PostgresRenewal, TermRenewal
from longterm.stores.postgres.revisions import RevisionTable
from longterm.stores.postgres.scopes import QueryVector, UnpreparedError
from longterm.stores.postgres.searching import ItemSearch
from longterm.stores.postgres.upkeep import (
    build_graph,
    count_contents,
    find_faults,
    sweep_expired,
)
from longterm.stores.postgres.writing import ItemWriter, lock_paths
from longterm.stores.preparing import NO_VECTORS, BatchPlan, EmbeddedTexts, plan_batch
from longterm.stores.reindexing import Progress
from longterm.stores.rows import micros
from longterm.stores.states import ranked, states_of

__all__ = ["PostgresStore"]

_MEGABYTE = 2**20
#: pgvector's halfvec is indexed up to here.
_MOST_DIMS = 4096
#: How long closing waits for threads to end what they have in hand.
_LAST_SECONDS = 5.0
#: A program that ends sooner does not begin with what another has left.
_OPENING_SECONDS = 1.0
_NO_PGVECTOR = (
    "This PostgreSQL has no pgvector (0.7 or newer), so search is full text alone. Install it, "
    "have an administrator run CREATE EXTENSION vector, and call store.setup() and store.reindex()."
)


class PostgresStore(CapableStore):
    """A LangGraph store in a schema of a PostgreSQL database, with full text and vectors.

    *url* is what PostgreSQL's own clients take. *index* and *ttl* are LangGraph's; without an
    index, and where the server has no pgvector, search is full text alone. *schema* is made at
    the first use, or by `setup`, unless *setup* is False: then an older or missing one is
    refused. *tenant* keeps what is stored apart from other tenants of the schema.
    *busy_timeout* is how many seconds to wait for one of *pool_size* connections. *cache_bytes*
    caps the memory that searches of small scopes keep between them. *clock* is there for tests.
    """

    __slots__ = (
        "_clock",
        "_finalizer",
        "_is_used",
        "_kept",
        "_late",
        "_model",
        "_pool",
        "_terms",
        "_warned",
    )

    def __init__(
        self,
        url: str,
        *,
        index: StoreIndex | IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        pool_size: int = 10,
        schema: str = "longterm",
        setup: bool = True,
        tenant: str | None = None,
        busy_timeout: float = 30.0,
        cache_bytes: int = 256 * _MEGABYTE,
        clock: Callable[[], Any] = utc_now,
    ) -> None:
        super().__init__(index, ttl)
        if pool_size < 1:
            raise ConfigurationError(f"pool_size is at least 1, not {pool_size}.")
        if self.embedder is not None and self.embedder.dims > _MOST_DIMS:
            raise ConfigurationError(
                f"PostgreSQL keeps vectors of at most {_MOST_DIMS} dimensions; "
                f"{self.embedder.name} makes {self.embedder.dims}."
            )
        self._clock = clock
        self._pool = PostgresPool(
            url,
            schema=schema,
            size=pool_size,
            tenant=tenant,
            with_vectors=index is not None,
            may_migrate=setup,
            busy_timeout=busy_timeout,
        )
        self._finalizer = weakref.finalize(self, self._pool.close)
        self._late: PostgresLateVectors | None = None
        if self.embedder is not None:
            self._late = PostgresLateVectors(self._pool, self.embedder, self.fields)
            weakref.finalize(self, self._late.stop, _LAST_SECONDS)
        self._kept = KeptScopes(cache_bytes)
        self._warned = self._is_used = False
        #: The number that the model of the database had last.
        self._model: int | None = None
        self._terms = TermRenewal(self._pool, self.fields)
        if ttl and ttl.get("sweep_interval_minutes"):
            self.start_ttl_sweeper()

    def setup(self) -> None:
        """Make the schema, or bring it up to date; nothing happens where it is already."""
        self._pool.set_up()

    def build_index(self) -> None:
        """Build an HNSW index, for searches below a prefix of hundreds of namespaces.

        Without it those compare every vector. Building takes minutes for a million vectors, and
        writes go on meanwhile; later ones cost more. Results may then miss a near neighbour, but
        are never fewer than there are.
        """
        build_graph(self._pool, self.embedder)

    @override
    async def late_vectors(self) -> int:
        if self._late is None or await Work(self._embedder) is None:
            return 0
        return await self._late.complete([""])

    # --- looking after the database ---

    def stats(self) -> Stats:
        """How much the store holds: what this tenant sees of it."""
        return count_contents(self._pool, self._kept.nbytes)

    def check(self) -> list[str]:
        """Say what is wrong with the tables, in words; an empty list when they are sound."""
        return find_faults(self._pool)

    @override
    def close(self) -> None:
        """Close the connections; whatever comes later is an error."""
        self.stop_ttl_sweeper()
        if self._late is not None:
            self._late.stop(_LAST_SECONDS)
        if self.embedder is not None:
            self.embedder.release()
        self._finalizer()
        self._kept.clear()
        self._terms.join(_LAST_SECONDS)

    # --- a batch, step by step ---

    @override
    async def flow(self, ops: Sequence[Operation]) -> list[Result]:
        embedder, plan = await Work(lambda: self._checked(ops))
        if embedder is None and self.embedder is not None and not self._warned:
            self._warned = True
            warn_caller(_NO_PGVECTOR, RuntimeWarning)
        if embedder is not None and self._model is not None and plan.only_searches:
            assumed = replace(plan, model=self._model, is_assumed=True)
            vectors = EmbeddedTexts({}, await query_vectors(embedder, plan.queries))
            with suppress(UnpreparedError):
                return await Work(lambda: self._performed(assumed, vectors))
        if embedder is not None and plan.needs_model:
            plan, vectors = await self._with_vectors(plan, embedder)
        else:
            vectors = NO_VECTORS
        answers = await Work(lambda: self._performed(plan, vectors))
        if plan.is_ahead and self._late is not None:
            self._late.wake()
        return answers

    async def _with_vectors(
        self, plan: BatchPlan, embedder: Embedder
    ) -> tuple[BatchPlan, EmbeddedTexts]:
        """Look up the model of the database, and have it make what is lacking."""
        checked = plan
        plan, lacking = await Work(lambda: self._looked_up(checked, embedder))
        if lacking and self._late is not None:
            # Also if the thread was faster: there may be first vectors now.
            await self._late.complete(lacking)
            plan, _ = await Work(lambda: self._looked_up(checked, embedder))
        self._model = plan.model
        texts = await vectors_of(embedder, plan.texts, partial(self._known, plan.model))
        if plan.model is None and not texts:
            return plan, NO_VECTORS
        return plan, EmbeddedTexts(texts, await query_vectors(embedder, plan.queries))

    @override
    def left_by_erase(self) -> tuple[str, ...]:
        return (
            LEFT_TO_OTHERS,
            "in PostgreSQL, bytes of deleted rows until VACUUM has passed and its log is recycled",
            "the server's replicas, archived logs, and statements that it writes to its log",
        )

    @override
    async def renewal(self, progress: Progress | None) -> int:
        embedder = await Work(self._embedder)
        work = PostgresRenewal(self._pool, embedder, self.fields, self._known, progress)
        done = await work.flow()
        self._kept.clear()  # what could not be kept may be now
        return done

    @override
    def expiry(self) -> Callable[[], int]:
        return partial(sweep_expired, self._pool, self._clock)

    def _embedder(self) -> Embedder | None:
        """Return the embedding model where the database has a place for its vectors."""
        if self.embedder is None:
            return None
        if self._pool.readiness.vector_schema is not None:
            if self._late is not None and not self._is_used:
                self._is_used = True
                self._late.wake(_OPENING_SECONDS)
            return self.embedder
        return None

    def _checked(self, ops: Sequence[Operation]) -> tuple[Embedder | None, BatchPlan]:
        embedder = self._embedder()
        plan = plan_batch(ops, self.fields, embedder)
        self._terms.ensure()
        return embedder, plan

    def _looked_up(self, plan: BatchPlan, embedder: Embedder) -> tuple[BatchPlan, list[str]]:
        """Complete a batch by what is there; and the paths whose vectors it lacks."""
        with self._pool.reading() as connection:
            session = self._session(connection)
            plan = replace(plan, model=ModelRegistry(session, embedder).current())
            for op in plan.past:
                found = RevisionTable(session).states(op)
                states = states_of(found, op.find.condition, self.fields)
                texts = [text for state in states for text in state.found_by.texts]
                plan = replace(plan, texts=(*plan.texts, *texts))
            return plan, [
                path for path in plan.paths if PostgresLateVectors.any_below(session, path)
            ]

    async def _known(self, model: int | None, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        if model is None:
            return {}
        return await Work(lambda: look_up_vectors(self._pool, model, digests))

    def _performed(self, plan: BatchPlan, vectors: EmbeddedTexts) -> list[Result]:
        return self._pool.retried(lambda: self._perform(plan, vectors))

    def _perform(self, plan: BatchPlan, vectors: EmbeddedTexts) -> list[Result]:
        changes = [op for op in plan.ops if isinstance(op, CHANGES)]
        enter = self._pool.writing if changes else self._pool.reading
        with enter() as connection:
            session = self._session(connection)
            numbers, model = self._prepare(session, changes, plan, vectors)
            writer_id = 0 if self._late is None else self._late.writer
            made = NewVectors(vectors.texts, model, self._pool.readiness.halfvec, writer_id)
            writer = ItemWriter(session, numbers, made)
            answers: list[Any] = []
            for ops in _in_runs(plan.ops):
                if isinstance(ops[0], WriteItem):
                    writes = cast("list[WriteItem]", ops)
                    written = zip(writes, writer.write(writes), strict=True)
                    answers += [it if op.expected or op.recording else None for op, it in written]
                else:
                    answers.append(
                        self._answer(
                            session, ops[0], writer, model, vectors, assumed=plan.is_assumed,
                            scopes=None if changes else self._kept,
                        )
                    )  # fmt: skip
            if changes and session.touched:
                prolong(session)
        if session.touched and not changes:
            with self._pool.writing() as connection:
                prolong(replace(session, connection=connection))
        if any(isinstance(op, EraseItems | RewriteNotes) for op in changes):
            self._kept.clear()
        return answers

    def _prepare(
        self,
        session: Session,
        changes: Sequence[Prepared],
        plan: BatchPlan,
        vectors: EmbeddedTexts,
    ) -> tuple[Mapping[str, int], int | None]:
        """Lock what is about to change; the numbers of its namespaces, and that of the model."""
        paths: set[str] = set()
        made: set[str] = set()
        for op in changes:
            match op:
                case WriteItem(path=path, encoded=encoded):
                    (paths if encoded is None else made).add(path)
                case AddRows(items=items):
                    made |= {path for path, _ in items}
                case RewriteNotes(path=path):
                    paths.add(path)
                case PruneRows(path=path) | EraseItems(path=path):
                    paths |= paths_inside(session, path)
                case _:
                    pass
        if not changes:
            return {}, plan.model
        numbers = lock_paths(session, paths | made, make=made)
        if vectors.texts and made and self.embedder is not None:
            return numbers, ModelRegistry(session, self.embedder).require()
        return numbers, plan.model

    def _answer(
        self,
        session: Session,
        op: Prepared,
        writer: ItemWriter,
        model: int | None,
        vectors: EmbeddedTexts,
        *,
        assumed: bool,
        scopes: KeptScopes | None,
    ) -> Any:
        revisions = RevisionTable(session)
        match op:
            case ReadItem():
                return read_item(session, op)
            case FindItems():
                vector = vectors.queries.get(op.vector_query or "")
                name = "" if self.embedder is None else self.embedder.name
                query = QueryVector.of(vector, model, name)
                search = ItemSearch(session, op, query, assumed=assumed, scopes=scopes)
                return search.answer()
            case ListNamespaces():
                return list_paths(session, op)
            case FindStates(find=wanted):
                found = states_of(revisions.states(op), wanted.condition, self.fields)
                asked = vectors.queries.get(wanted.vector_query or "")
                return ranked(found, wanted, asked, vectors.texts)
            case ReadRevisions():
                return revisions.of_item(op)
            case PageRevisions():
                return revisions.page(op)
            case AddRows():
                return writer.add(op)
            case PruneRows() | EraseItems():
                return revisions.end(op)
            case RewriteNotes():
                return revisions.rewrite(op)
            case ScrubFile():  # the server vacuums in its own time
                return None
            case WriteItem():
                raise AssertionError(op)  # they come in runs

    def _session(self, connection: Connection[Any]) -> Session:
        hides = bool((self.ttl_config or {}).get("omit_expired"))
        has_vectors = self._pool.readiness.vector_schema is not None
        return Session(connection, micros(self._clock()), hides, has_vectors)


def _in_runs(ops: Sequence[Prepared]) -> list[list[Prepared]]:
    """Split a batch: writes that no other operation stands between, to as many items, go as one."""
    runs: list[list[Prepared]] = []
    written: set[tuple[str, str]] = set()
    for op in ops:
        if not isinstance(op, WriteItem):
            runs.append([op])
            written = set()
            continue
        name = (op.path, op.key)
        if not written or name in written:
            runs.append([])
            written = set()
        runs[-1].append(op)
        written.add(name)
    return runs
