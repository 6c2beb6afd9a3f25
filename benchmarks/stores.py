"""EmbeddedStore, InMemoryStore and LangGraph's SqliteStore side by side.

Usage: python benchmarks/stores.py [--sizes 1000 10000 100000] [--sentences FILE]
                                   [--stores embedded encrypted memory sqlite]

Vectors are synthetic: 384 dimensions, around a thousand centres; texts are twelve words drawn
as in natural language (few are frequent). With --sentences the texts are the lines of a file
and the vectors are those of longterm's own embedding model. Half of the items lie in one
namespace, the others in namespaces of a thousand. Times are milliseconds, p50 and p95; trust
the ratios, not the numbers.
"""

import argparse
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from langgraph.store.base import BaseStore, IndexConfig, PutOp
from langgraph.store.memory import InMemoryStore

from longterm.stores import EmbeddedStore

DIMS = 384
BIG = ("big",)
SMALL = ("users", "u0")
TEXT_ONLY = "embedded, text only"


class Synthetic(Embeddings):
    """Vectors around centres; the same text has the same vector."""

    def __init__(self) -> None:
        self.centres = np.random.default_rng(1).standard_normal((1000, DIMS))

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed each as a query."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Scatter around the centre of the text."""
        generator = np.random.default_rng(hash(text) & 0xFFFFFFFF)
        centre = self.centres[generator.integers(1000)]
        return (centre + 0.6 * generator.standard_normal(DIMS)).tolist()


def synthetic_texts(count: int) -> list[str]:
    """Twelve words each, drawn from twenty thousand by Zipf's law."""
    generator = np.random.default_rng(2)
    weights = 1 / np.arange(1, 20_001)
    drawn = generator.choice(20_000, size=(count, 12), p=weights / weights.sum())
    return [" ".join(f"w{word}" for word in row) for row in drawn]


def opened(name: str, index: IndexConfig, folder: Path, stack: ExitStack) -> BaseStore:
    """Open a store by its name here."""
    match name:
        case "memory":
            return InMemoryStore(index=index)
        case "sqlite":
            from langgraph.store.sqlite import SqliteStore  # noqa: PLC0415 - an optional rival

            path = str(folder / "sqlite.db")
            store = stack.enter_context(SqliteStore.from_conn_string(path, index=index))  # type: ignore[arg-type]
            store.setup()
            return store
        case "encrypted":
            key = bytes(range(32))
            return stack.enter_context(
                EmbeddedStore(folder / "encrypted.db", index=index, encryption_key=key)
            )
        case "embedded":
            return stack.enter_context(EmbeddedStore(folder / "embedded.db", index=index))
        case _:
            return stack.enter_context(EmbeddedStore(folder / "text.db"))


def namespace(number: int) -> tuple[str, ...]:
    """Half of the items in one namespace, the others in namespaces of a thousand."""
    return BIG if number % 2 else ("users", f"u{number // 2000}")


def fill(store: BaseStore, texts: Sequence[str]) -> float:
    """Put everything in batches of a hundred; items a second."""
    began = time.perf_counter()
    for start in range(0, len(texts), 100):
        block = enumerate(texts[start : start + 100], start)
        store.batch([PutOp(namespace(n), f"k{n}", {"text": text, "n": n}) for n, text in block])
    return len(texts) / (time.perf_counter() - began)


def timed(work: Callable[[], Any], times: int) -> str:
    """P50 and p95 in milliseconds."""
    taken: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return f"{taken[times // 2]:9.2f} {taken[int(times * 0.95)]:9.2f}"


def measured(store: BaseStore, queries: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Ask the same of each store."""
    count = iter(range(10**9))
    yield (
        "first search of a 1k namespace",
        timed(lambda: store.search(SMALL, query=next(queries)), 1),
    )
    yield "search a 1k namespace", timed(lambda: store.search(SMALL, query=next(queries)), 30)
    yield "first search of everything", timed(lambda: store.search((), query=next(queries)), 1)
    yield "search everything", timed(lambda: store.search((), query=next(queries)), 15)
    if isinstance(store, EmbeddedStore):
        yield "vectors alone, everything", timed(lambda: by_meaning(store, next(queries)), 15)
    yield "search half of it", timed(lambda: store.search(BIG, query=next(queries)), 15)
    yield "latest ten of everything", timed(lambda: store.search(()), 15)
    yield "get", timed(lambda: store.get(BIG, "k1"), 100)
    yield "put", timed(lambda: store.put(SMALL, f"new{next(count)}", {"text": next(queries)}), 100)
    yield (
        "put and search everything",
        timed(
            lambda: (
                store.put(SMALL, f"new{next(count)}", {"text": next(queries)}),
                store.search((), query=next(queries)),
            ),
            10,
        ),
    )
    yield "list_namespaces", timed(store.list_namespaces, 30)


def by_meaning(store: EmbeddedStore, query: str) -> None:
    """Search without words."""
    store.hybrid_search((), "", limit=10, vector_query=query)


def size(folder: Path) -> int:
    """Megabytes on disk."""
    return sum(file.stat().st_size for file in folder.iterdir()) // 2**20


def run(name: str, model: Embeddings, texts: Sequence[str]) -> None:
    """Measure one store at one size."""
    index: IndexConfig = {"embed": model, "dims": DIMS, "fields": ["text"]}
    queries = (text for _ in range(100) for text in texts[: len(texts) // 2 : 7])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        store = opened(name, index, Path(folder), stack)
        print(f"\n{name}, {len(texts)} items: {fill(store, texts):.0f} puts/s in batches of 100")
        for what, taken in measured(store, queries):
            print(f"  {what:32}{taken}")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        print(f"  {size(Path(folder))} MB on disk, peak memory grew by {grown} MB")


def alone(work: Callable[..., None], *arguments: object) -> None:
    """Run in a process of its own, so that its memory is its own."""
    child = get_context("fork").Process(target=work, args=arguments)
    child.start()
    child.join()
    if child.exitcode:
        sys.exit(child.exitcode)


def exact(texts: Sequence[str]) -> float:
    """Which part of the ten nearest the embedded store finds, against float64."""
    model = Synthetic()
    vectors = np.array(model.embed_documents(list(texts)))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = 0
    with EmbeddedStore(
        ":memory:", index={"embed": model, "dims": DIMS, "fields": ["text"]}
    ) as store:
        fill(store, texts)
        for query in texts[:20]:
            wanted = np.argsort(-(vectors @ np.array(model.embed_query(query))))[:10]
            hits = sorted(
                store.hybrid_search((), query, limit=10), key=lambda hit: -(hit.cosine or 0)
            )[:10]
            found += len({f"k{n}" for n in wanted} & {hit.item.key for hit in hits})
    return found / 200


def main() -> int:
    """Measure what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--stores", nargs="+", default=["embedded", TEXT_ONLY, "memory", "sqlite"])
    parser.add_argument("--sentences", type=Path)
    options = parser.parse_args()
    model: Embeddings = Synthetic()
    lines: list[str] = []
    if options.sentences:
        from longterm.models.embed import MiniLMEmbeddings  # noqa: PLC0415 - an extra

        model, lines = MiniLMEmbeddings(), options.sentences.read_text("utf-8").splitlines()
    for count in options.sizes:
        texts = [line for line in lines if line.strip()][:count] or synthetic_texts(count)
        for name in options.stores:
            if name == "sqlite" and not hasattr(sqlite3.Connection, "enable_load_extension"):
                print("\nsqlite: this Python cannot load the extension that its vectors need")
            else:
                alone(run, name, model, texts)
    print(f"\nof the ten nearest among 5000: {exact(synthetic_texts(5000)):.1%} found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
