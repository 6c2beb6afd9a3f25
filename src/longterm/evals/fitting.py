"""Fitting the weights of recall's signals to questions whose evidence is known. Pure.

A conditional logit: within each question the odds that a candidate is evidence grow with
``exp(score)``, which is what `recall.selection` takes a score for. Every question counts alike.
The weights are drawn towards those that ship, so a few questions move them a little. The
log-likelihood is concave; Newton's method finds its top.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from longterm.recall.fusion import Weights
from longterm.recall.timeline import Floats

__all__ = ["AskedQuestion", "Comparison", "compared", "fitted"]

_NAMES = tuple(one.name for one in fields(Weights))
_STEPS, _ENOUGH, _HALVINGS = 30, 1e-4, 20
#: So many questions weigh as much as the weights that ship, on a scale where a signal counts 1.
PULL = 3.0
#: How many of the turns found count in a comparison.
_COUNTED = 10


@dataclass(frozen=True, slots=True, eq=False)
class AskedQuestion:
    """One question: *columns* has the shape (candidates, signals), in the order of `Weights`."""

    conversation: str
    columns: Floats
    is_evidence: NDArray[np.bool_]
    #: How many turns are its evidence, those among them that are no candidates.
    evidence: int

    def recall(self, weights: Floats) -> float:
        """Return the share of the evidence among the first ten."""
        best = np.argsort(-(self.columns @ weights), kind="stable")[:_COUNTED]
        return float(np.count_nonzero(self.is_evidence[best])) / self.evidence


@dataclass(frozen=True, slots=True)
class Comparison:
    """Recall@10 by the weights that ship and by fitted ones, each on conversations left out."""

    shipped: float
    fitted: float
    questions: int


def fitted(examples: Sequence[AskedQuestion], pull: float = PULL) -> Weights:
    """Return the weights that fit *examples* best, drawn towards those that ship by *pull*."""
    prior = _as_array(Weights())
    usable = [one for one in examples if one.is_evidence.any()]
    weights, value = prior, _likelihood(usable, prior, prior, pull)
    for _ in range(_STEPS if usable else 0):
        gradient, curvature = -pull * (weights - prior), pull * np.eye(len(prior))
        for one in usable:
            chances = _chances(one, weights)
            mean = chances @ one.columns
            gradient += one.columns[one.is_evidence].mean(axis=0) - mean
            curvature += (one.columns * chances[:, None]).T @ one.columns - np.outer(mean, mean)
        step = np.linalg.solve(curvature, gradient)
        for _ in range(_HALVINGS):  # far from the top a whole step may lead beyond it
            if _likelihood(usable, weights + step, prior, pull) >= value:
                break
            step /= 2
        weights = weights + step
        value = _likelihood(usable, weights, prior, pull)
        if np.abs(step).max() < _ENOUGH:
            break
    return Weights(**dict(zip(_NAMES, np.round(weights, 3).tolist(), strict=True)))


def compared(examples: Sequence[AskedQuestion], pull: float = PULL) -> Comparison:
    """Fit without one conversation at a time, and ask its questions by both weights."""
    shipped, own = _as_array(Weights()), [0.0] * len(examples)
    for conversation in dict.fromkeys(one.conversation for one in examples):
        others = [one for one in examples if one.conversation != conversation]
        weights = _as_array(fitted(others, pull))
        for at, one in enumerate(examples):
            if one.conversation == conversation:
                own[at] = one.recall(weights)
    count = max(len(examples), 1)
    return Comparison(
        sum(one.recall(shipped) for one in examples) / count, sum(own) / count, len(examples)
    )


def _as_array(weights: Weights) -> Floats:
    return np.array([asdict(weights)[name] for name in _NAMES])


def _chances(one: AskedQuestion, weights: Floats) -> Floats:
    scores = one.columns @ weights
    odds = np.exp(scores - scores.max())
    return odds / odds.sum()


def _likelihood(
    examples: Sequence[AskedQuestion], weights: Floats, prior: Floats, pull: float
) -> float:
    """Return the log-likelihood of the evidence, less what the distance from *prior* costs."""
    total = -pull / 2 * float(((weights - prior) ** 2).sum())
    for one in examples:
        scores = one.columns @ weights
        top = scores.max()
        total += float(scores[one.is_evidence].mean() - top - np.log(np.exp(scores - top).sum()))
    return total
