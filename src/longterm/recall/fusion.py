"""Fusion: the weighted sum of what the arms say. Pure.

Scores are fused, not ranks: how much better a match is than the next one says more than that
it is better. The weights were fitted on the development halves of two public suites, one set
for both; `docs/recall.md` says how.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from longterm.recall.candidates import Candidate, Floats, Pool
from longterm.recall.question import Question
from longterm.recall.signals import Columns, columns

__all__ = ["Ranked", "Weights", "rank"]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each arm counts; 0 leaves it out. Only differences of scores mean something."""

    #: Full text, relative to the best match: the turn, with its neighbours, its session.
    words: float = 1.3
    around: float = 2.3
    session: float = 2.0
    #: … and the turn before, where that one asks.
    answers: float = 1.2
    #: The cosine.
    meaning: float = 7.3
    #: The one asked about is speaking; in the time asked about; with the kind of answer wanted.
    speaker: float = 1.3
    time: float = 2.7
    kind: float = 1.1
    #: It says how things shall be done from now on.
    standing: float = 1.5
    #: It says something new; it is long.
    news: float = 0.6
    long: float = -1.3
    #: Off unless asked for: how recent it is among the candidates, from 0 to 1.
    recency: float = 0.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate, its score, and what each arm added to it."""

    candidate: Candidate
    score: float
    parts: Mapping[str, float]


def rank(
    question: Question,
    pool: Pool,
    weights: Weights = Weights(),
    limit: int | None = None,
) -> list[Ranked]:
    """Put the *limit* best of *pool* in order, best first; equal ones latest first."""
    weighed = _weighed(columns(question, pool), weights)
    total = sum(weighed.values(), np.zeros(len(pool)))
    best_first: list[int] = np.lexsort((-pool.talk.moments, -total)).tolist()
    return [
        _ranked(pool.candidates[at], float(total[at]), weighed, at) for at in best_first[:limit]
    ]


def _weighed(said: Columns, weights: Weights) -> dict[str, Floats]:
    given: dict[str, float] = asdict(weights)
    return {name: weight * said[name] for name, weight in given.items() if weight}


def _ranked(one: Candidate, score: float, weighed: Columns, at: int) -> Ranked:
    return Ranked(one, score, dict(_parts(weighed, at)))


def _parts(weighed: Columns, at: int) -> Iterator[tuple[str, float]]:
    """Name what arms added; those that had nothing to say are left out."""
    for name, column in weighed.items():
        if column[at]:
            yield name, float(column[at])
