"""What recall and recording cost: one conversation, and a store of many turns.

Usage: python benchmarks/recall.py [--questions 100] [--turns 700] [--users 114] [--big 20000]
                                   [--minilm]

Three stores are measured, each in a process of its own: one conversation of --turns turns; many
users with 700 turns each, all in one file together with one user of --big turns, asked about in
turn (every question meets another user) and about the big one. Turns are synthetic sentences,
and vectors are hashed from the text, about as quick as nothing; with --minilm questions are
embedded by longterm's own model instead, as in use. Wall and CPU time in milliseconds, p50 and
p95, and the most memory the process took. On a busy machine trust the CPU time.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings

from longterm.models.embed import MiniLMEmbeddings
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.retriever import create_recall
from longterm.stores import EmbeddedStore

DIMS = 384
SESSION = 25
SYLLABLES = [
    "ba",
    "co",
    "di",
    "fu",
    "ga",
    "he",
    "ki",
    "lo",
    "mu",
    "na",
    "pe",
    "ri",
    "so",
    "tu",
    "va",
    "we",
    "xo",
    "yi",
    "zu",
    "cha",
    "dro",
    "fla",
    "gri",
    "sto",
]
QUESTIONS = ("When did Ann talk about {}?", "What did Bo say about {}?", "How many {} are there?")


class Hashed(Embeddings):
    """A random direction for each text; questions may be embedded by a real model besides."""

    model = "hashed"

    def __init__(self, *, minilm: bool) -> None:
        self.real = MiniLMEmbeddings(threads=1) if minilm else None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Hash each."""
        return [self.hashed(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Hash it, after the time a real model takes."""
        if self.real is not None:
            self.real.embed_query(text)
        return self.hashed(text)

    @staticmethod
    def hashed(text: str) -> list[float]:
        """Return a vector of length about one."""
        generator = np.random.default_rng(zlib.crc32(text.encode()))
        return (generator.standard_normal(DIMS) / DIMS**0.5).tolist()


class Talk:
    """Sentences of about twenty words, drawn from twenty thousand as in natural language."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(1)
        weights = 1 / np.arange(1, 20_001)
        self.weights = weights / weights.sum()
        syllables: list[list[int]] = self.generator.integers(
            len(SYLLABLES), size=(20_000, 3)
        ).tolist()
        self.vocabulary = ["".join(SYLLABLES[one] for one in word) for word in syllables]

    def words(self, count: int) -> str:
        """Return so many words."""
        drawn: list[int] = self.generator.choice(20_000, size=count, p=self.weights).tolist()
        return " ".join(self.vocabulary[one] for one in drawn)

    def messages(self, session: int, count: int) -> list[dict[str, Any]]:
        """Two people in turn, a minute apart, each session on another day."""
        return [
            {
                "role": "user" if number % 2 else "assistant",
                "name": "Ann" if number % 2 else "Bo",
                "content": self.words(int(self.generator.integers(5, 35))),
                "id": f"{session}-{number}",
                "timestamp": 1_600_000_000 + 86_400 * session + 60 * number,
            }
            for number in range(count)
        ]

    def question(self) -> str:
        """Ask about three words."""
        return QUESTIONS[int(self.generator.integers(3))].format(self.words(3))


class Bench:
    """A store, what is recorded in it and what is asked."""

    def __init__(self, path: Path, *, minilm: bool) -> None:
        self.talk = Talk()
        index: Any = {"embed": Hashed(minilm=minilm), "dims": DIMS}
        self.store = EmbeddedStore(path, index=index, synchronous="normal")
        place = ("turns", "{user}")
        self.recorder = create_conversation_recorder(namespace=place, store=self.store)
        self.recall = create_recall(namespace=place, store=self.store)

    def record(self, user: str, messages: Sequence[Any], thread: int = 0) -> None:
        """Record in one call."""
        config = {"configurable": {"user": user, "thread_id": f"t{thread}"}}
        self.recorder.invoke({"messages": list(messages)}, config)  # pyright: ignore[reportArgumentType]

    def fill(self, user: str, turns: int) -> None:
        """Record a conversation, session by session."""
        for session in range(-(-turns // SESSION)):
            self.record(user, self.talk.messages(session, SESSION), session)
        self.store.embed_pending()

    def embed(self) -> None:
        """Make the vectors that are to come."""
        self.store.embed_pending()

    def ask(self, user: str) -> None:
        """Recall once."""
        self.recall.invoke(self.talk.question(), {"configurable": {"user": user}})


def measured(name: str, work: Callable[[int], None], times: int) -> None:
    """Run *work* so often and print how long it took."""
    wall, cpu = np.zeros(times), np.zeros(times)
    for number in range(times):
        began = time.perf_counter(), time.process_time()
        work(number)
        wall[number] = time.perf_counter() - began[0]
        cpu[number] = time.process_time() - began[1]
    shown = [f"{np.percentile(one, 50) * 1000:8.1f}{np.percentile(one, 95) * 1000:8.1f}"
             for one in (wall, cpu)]  # fmt: skip
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<44}{shown[0]} |{shown[1]} |{memory:8.0f} MB", flush=True)


def conversation(bench: Bench, options: argparse.Namespace) -> None:
    """One conversation."""
    whole = bench.talk.messages(0, options.turns)
    measured(f"record {options.turns} turns in one call", lambda _: bench.record("a", whole), 1)
    measured("make their vectors", lambda _: bench.embed(), 1)
    measured("first recall", lambda _: bench.ask("a"), 1)
    measured(f"recall, {options.turns} turns", lambda _: bench.ask("a"), options.questions)
    more = bench.talk.messages(1, options.questions)

    def live(number: int) -> None:
        bench.record("a", more[number : number + 1])
        bench.ask("a")

    single = bench.talk.messages(2, options.questions)
    measured(
        "record one turn", lambda at: bench.record("a", single[at : at + 1]), options.questions
    )
    measured("record one turn, then recall", live, options.questions)


def crowd(bench: Bench, options: argparse.Namespace) -> None:
    """Fill a store with many users and a big one."""
    for user in range(options.users):
        bench.fill(f"u{user}", options.turns)
    bench.fill("big", options.big)
    total = options.users * options.turns + options.big
    print(f"a store of {total} turns", flush=True)
    measured("recall, every time another user", lambda at: bench.ask(f"u{at}"), options.users)
    measured("recall, one of ten users", lambda at: bench.ask(f"u{at % 10}"), options.questions)
    measured(f"first recall of {options.big} turns", lambda _: bench.ask("big"), 1)
    measured(f"recall, {options.big} turns", lambda _: bench.ask("big"), options.questions)


PARTS = {"conversation": conversation, "crowd": crowd}


def main() -> None:
    """Measure each part in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--turns", type=int, default=700)
    parser.add_argument("--users", type=int, default=114)
    parser.add_argument("--big", type=int, default=20_000)
    parser.add_argument("--minilm", action="store_true")
    parser.add_argument("--part", choices=PARTS)
    options = parser.parse_args()
    if options.part is None:
        print(f"{'ms':<44}{'wall p50':>8}{'p95':>8} |{'CPU p50':>8}{'p95':>8} |{'memory':>11}")
        for part in PARTS:
            subprocess.run([sys.executable, *sys.argv, "--part", part], check=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "store.db", minilm=options.minilm)
        PARTS[options.part](bench, options)


if __name__ == "__main__":
    main()
