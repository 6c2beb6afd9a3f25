"""What a revision costs: memories committed with revisions and without, in turn.

Usage: python benchmarks/commit.py [--memories 1500] [--rounds 5]

Each is a commit of one new memory with one source to an `EmbeddedStore` in a file, as durable as
it is by default. Both are timed in turn, by the clock and by the processor, in blocks of a
hundred, and the medians over all blocks are compared: trust the ratios, not the numbers. The goal
is 1.15 by the clock.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from longterm.commit import Policy, Write, commit
from longterm.effects.drivers import run
from longterm.memory.revision import Source
from longterm.stores import EmbeddedStore

BLOCK = 100
POLICIES = {"with revisions": Policy(), "without": Policy(keep_revisions=0)}
SAID = Source(
    thread_id="t1",
    message_id="m1",
    speaker="Ann",
    role="user",
    origin="user",
    quote="I live in Lyon, and I like green tea with lemon in the morning.",
)


def put(store: EmbeddedStore, label: str, numbers: range) -> tuple[float, float]:
    """Commit one memory for each of *numbers*; return seconds by the clock and the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    for number in numbers:
        content = {"content": f"Ann likes green tea number {number} with lemon in the morning"}
        value = {"kind": "Memory", "content": content}
        write = Write(("memories", label), f"k{number}", value, fresh=True, sources=(SAID,))
        run(commit([write], actor="manager", policy=POLICIES[label]), store=store)
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Print milliseconds for one memory, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=1_500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    times: dict[str, list[tuple[float, float]]] = {label: [] for label in POLICIES}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder, EmbeddedStore(Path(folder) / "a.db") as store:
            for start in range(0, options.memories, BLOCK):
                # By turns: the second finds the hash of each new word made already.
                turns = list(times.items())[:: 1 if start % (2 * BLOCK) else -1]
                for label, measured in turns:
                    measured.append(put(store, label, range(start, start + BLOCK)))
    for place, what in enumerate(("by the clock", "by the processor")):
        one, other = (median(found[place] for found in measured) for measured in times.values())
        print(
            f"{what}: {1_000 * one / BLOCK:.3f} ms with a revision, "
            f"{1_000 * other / BLOCK:.3f} ms without, ratio {one / other:.2f}"
        )


if __name__ == "__main__":
    main()
