"""A program for the crash test: children write until they are killed, the parent checks the file.

Each child reports a batch only after the store has acknowledged it. The parent reads a random
number of reports and kills the child a random moment later, at some place of a later batch:
while it tokenizes, writes, syncs or checkpoints.

Usage: crashing.py FILE KILLS SEED
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from langgraph.store.base import PutOp

from longterm.stores import EmbeddedStore
from longterm.stores.embedding import StoreIndex
from longterm.testing import HashEmbeddings

NS = ("crash",)
SIZE = 3
INDEX: StoreIndex = {"embed": HashEmbeddings(16), "dims": 16, "fields": ["text"]}


def write_for_ever(path: Path, first: int, report: int) -> None:
    store = EmbeddedStore(path, index=INDEX)
    number = first
    while True:
        puts = [
            PutOp(NS, f"{number % 50}-{part}", {"n": number, "text": f"tea {number} " * 20})
            for part in range(SIZE)
        ]
        old = PutOp(NS, f"{(number + 25) % 50}-0", None)
        again = PutOp(NS, f"{(number + 25) % 50}-0", {"n": -1, "text": "again"})
        store.batch([*puts, old, again] if number % 3 else puts)
        os.write(report, b"%d\n" % number)
        number += 1


def killed_child(path: Path, first: int, dice: random.Random) -> int:
    """Start a child, kill it at a random moment after some reports; the last one it gave."""
    reports = dice.randrange(1, 6)
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        write_for_ever(path, first, send)
    os.close(send)
    with os.fdopen(receive) as pipe:
        for _ in range(reports):
            pipe.readline()
        # Not to wait for anything: a kill at once would always hit the beginning of a batch.
        time.sleep(dice.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        rest = pipe.read().split()
    os.waitpid(child, 0)
    return max([first + reports - 1, *map(int, rest)])


def wrong_with(path: Path, last: int) -> list[str]:
    """Look for damage, half batches, and what was acknowledged and is lost."""
    with EmbeddedStore(path, index=INDEX) as store:
        wrong = store.check()
        numbers = [
            [
                item and item.value["n"]
                for item in (store.get(NS, f"{last % 50}-{part}") for part in range(SIZE))
            ]
        ]
        wrong += [
            f"batch {last} is not there: {found}" for found in numbers if set(found) != {last}
        ]
        following = [store.get(NS, f"{(last + 1) % 50}-{part}") for part in range(1, SIZE)]
        if len({item and item.value["n"] for item in following}) > 1:
            wrong.append(f"batch {last + 1} is half there")
        if store.stats().vectors != store.stats().items:
            wrong.append("an item and its vector parted")
        if len(store.search(NS, query=f"tea {last}", limit=SIZE)) < SIZE:
            wrong.append(f"batch {last} is not found")
    return wrong


def main(path: Path, kills: int, seed: int) -> int:
    dice, last = random.Random(seed), 0  # noqa: S311 - no secret
    for kill in range(kills):
        last = killed_child(path, last + 1, dice)
        wrong = wrong_with(path, last)
        if wrong:
            print(json.dumps({"kill": kill, "wrong": wrong}))  # noqa: T201 - the answer
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
