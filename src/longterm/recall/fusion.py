"""Fusion: the weighted sum of the signals. Pure.

Scores are fused, not ranks: how much better a match is than the next one says more than that
it is better. The weights were fitted on the development halves of two public suites, one set
for both; `docs/recall-figures.md` says how.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import wraps

import numpy as np

from longterm.recall.candidates import Candidate
from longterm.recall.question import Question
from longterm.recall.signals import Columns, columns
from longterm.recall.timeline import CandidateSet, Floats

__all__ = ["Ranked", "Ranking", "Weights", "rank"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each signal counts; 0 leaves it out. Only differences of scores mean something."""

    #: Full text, relative to the best or a good match: the turn, with its neighbours, its session.
    text: float = 1.3
    neighbors: float = 2.3
    session: float = 2.0
    #: … and the turn before, where that one asks.
    answer: float = 1.2
    #: The cosine.
    vector: float = 7.3
    #: The one asked about is speaking; in the time asked about; a time or number, if one is asked.
    speaker: float = 1.3
    time: float = 2.7
    answer_type: float = 1.1
    #: It says how things shall be done from now on.
    instruction: float = 1.5
    #: It says something new; it is long.
    novelty: float = 0.6
    length: float = -1.3
    #: Off unless asked for: how recent it is among the candidates, from 0 to 1.
    recency: float = 0.0


#: What the weights were called in the first release.
_OLD_NAMES = {
    "words": "text",
    "around": "neighbors",
    "answers": "answer",
    "meaning": "vector",
    "kind": "answer_type",
    "standing": "instruction",
    "news": "novelty",
    "long": "length",
}


def _with_old_names(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def accept(self: Weights, **weights: float) -> None:
        for old in weights.keys() & _OLD_NAMES.keys():
            message = f"The weight {old!r} is called {_OLD_NAMES[old]!r} now."
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            weights[_OLD_NAMES[old]] = weights.pop(old)
        init(self, **weights)

    return accept


Weights.__init__ = _with_old_names(Weights.__init__)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate, its score, and what each signal added to it."""

    candidate: Candidate
    score: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates, their scores for a question, and what each signal added; places count from 0."""

    question: Question
    candidates: CandidateSet
    #: One for each candidate, in the order of the timeline.
    scores: Floats
    weighed: Columns

    def best(self, limit: int | None = None) -> list[int]:
        """Places of the *limit* best candidates, best first; equal ones latest first."""
        order = np.lexsort((-self.candidates.timeline.moments, -self.scores))
        return order[:limit].tolist()

    def __getitem__(self, at: int) -> Ranked:
        """Return the candidate at that place of the timeline, with its score."""
        added = {name: column.item(at) for name, column in self.weighed.items()}
        return Ranked(
            self.candidates.candidates[at],
            self.scores.item(at),
            {name: number for name, number in added.items() if number},
        )


def rank(question: Question, candidates: CandidateSet, weights: Weights = Weights()) -> Ranking:
    """Score *candidates*: the weighted sum of the signals of each."""
    measured = columns(question, candidates)
    weighed = {name: weight * measured[name] for name, weight in asdict(weights).items() if weight}
    return Ranking(question, candidates, sum(weighed.values(), np.zeros(len(candidates))), weighed)
