"""What recall and recording cost: one conversation, and a store of many turns.

Usage: python benchmarks/recall.py [--questions 100] [--turns 700] [--users 114] [--big 20000]
                                   [--minilm] [--before CHECKOUT] [--lancedb [PYTHON]]

Each in a process of its own: one conversation of --turns turns; many users with 700 turns each,
all in one file together with one user of --big turns, asked about in turn (every question meets
another user) and about the big one, at last in a store that was just opened. Turns are synthetic
sentences, and vectors are hashed from the text, about as quick as nothing; with --minilm
questions are embedded by longterm's own model instead, as in use, and a third process shows what
that model takes of recording. Wall and CPU time in milliseconds, p50 and
p95, and the most memory the process took. On a busy machine trust the CPU time.

--before measures another checkout of longterm first, with the benchmark it came with. --lancedb
measures LanceDB's hybrid search over the same turns, with vectors out of nothing in any case;
PYTHON is the interpreter of an environment that has it, else one is made in .cache/.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings

from longterm.models.embed import MiniLMEmbeddings
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.retriever import create_recall
from longterm.stores import EmbeddedStore
from synthetic import DIMS, SESSION, Talk, hashed, measured

HERE = Path(__file__).resolve().parent
PEER = "lancedb==0.40.0"


class Hashed(Embeddings):
    """A random direction for each text; questions may be embedded by a real model besides."""

    model = "hashed"

    def __init__(self, *, minilm: bool) -> None:
        self.real = MiniLMEmbeddings(threads=1) if minilm else None
        #: Whether the real model embeds what is recorded, too.
        self.in_earnest = False
        self.embed_query("Is the model loaded?")  # which is no part of the first question

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Hash each, unless in earnest."""
        if self.real is not None and self.in_earnest:
            return self.real.embed_documents(texts)
        return [hashed(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Hash it, after the time a real model takes."""
        if self.real is not None:
            self.real.embed_query(text)
        return hashed(text)


class Bench:
    """A store, what is recorded in it and what is asked."""

    def __init__(self, path: Path, *, minilm: bool) -> None:
        self.talk, self.path = Talk(), path
        self.model = Hashed(minilm=minilm)
        self.open()

    def open(self) -> None:
        """Open the store, with nothing of it in memory."""
        index: Any = {"embed": self.model, "dims": DIMS}
        self.store = EmbeddedStore(self.path, index=index, synchronous="normal")
        place = ("turns", "{user}")
        self.recorder = create_conversation_recorder(namespace=place, store=self.store)
        self.recall = create_recall(namespace=place, store=self.store)

    def reopen(self) -> None:
        """Open it again."""
        self.store.close()
        self.open()

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
    bench.reopen()
    measured("first recall of it, just opened", lambda _: bench.ask("big"), 1)


def recording(bench: Bench, options: argparse.Namespace) -> None:
    """Record with vectors of the real model; short turns, then messages of 3,000 words."""
    if bench.model.real is None:
        return
    bench.model.in_earnest = True
    turns = bench.talk.messages(0, options.turns)
    texts = [one["content"] for one in turns]

    def embed(_: int) -> None:
        bench.model.embed_documents(texts)

    measured(f"embed {options.turns} turns, and no more", embed, 1)

    def record(messages: Sequence[Any], thread: int) -> None:
        bench.record("a", messages, thread)
        bench.embed()

    measured(f"record {options.turns} turns, with vectors", lambda _: record(turns, 0), 1)
    long = [{**one, "content": bench.talk.words(3_000)} for one in turns[:20]]
    measured("record 20 long messages, with vectors", lambda _: record(long, 1), 1)


PARTS = {"conversation": conversation, "crowd": crowd, "recording": recording}


SIZES = ("questions", "turns", "users", "big")


def lancedb_python() -> str:
    """Return the python of an environment with LanceDB, which is made on first use."""
    folder = HERE.parent / ".cache" / PEER.replace("==", "-")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER, "numpy"], check=True)
    return str(python)


def main() -> None:
    """Measure each part in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--turns", type=int, default=700)
    parser.add_argument("--users", type=int, default=114)
    parser.add_argument("--big", type=int, default=20_000)
    parser.add_argument("--minilm", action="store_true")
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    parser.add_argument("--lancedb", nargs="?", const="", metavar="PYTHON")
    parser.add_argument("--part", choices=PARTS)
    options = parser.parse_args()
    if options.part is not None:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder) / "store.db", minilm=options.minilm)
            PARTS[options.part](bench, options)
        return
    print(f"{'ms':<44}{'wall p50':>8}{'p95':>8} |{'CPU p50':>8}{'p95':>8} |{'memory':>11}")
    sizes = [word for name in SIZES for word in (f"--{name}", str(getattr(options, name)))]
    ours = [*sizes, *["--minilm"] * options.minilm]
    if options.before:
        print(f"\n{options.before}", flush=True)
        environment = {**os.environ, "PYTHONPATH": str(options.before / "src")}
        script = options.before / "benchmarks" / "recall.py"
        subprocess.run([sys.executable, script, *ours], check=True, env=environment)
        print("\nlongterm", flush=True)
    for part in PARTS:
        subprocess.run([sys.executable, __file__, *ours, "--part", part], check=True)
    if options.lancedb is not None:
        print(f"\n{PEER}", flush=True)
        python = options.lancedb or lancedb_python()
        subprocess.run([python, HERE / "recall_lancedb.py", *sizes], check=True)


if __name__ == "__main__":
    main()
