"""What benchmarks of recall share: a made-up conversation, vectors out of nothing, a stopwatch.

Knows neither longterm nor a peer, so that each can be measured in an environment of its own.
"""

import resource
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

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


def hashed(text: str) -> list[float]:
    """Return a random direction for *text*: a vector of length about one."""
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
