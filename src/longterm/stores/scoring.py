"""Scores: BM25 over a lexicon, and its fusion with cosines. Pure.

Each signal is put on a scale of its own that does not depend on the other hits:
- text: the BM25 of an item divided by that of an item of average length which holds every
  term of the query once; so "how much of what was asked for is there", at most 1;
- vectors: the cosine, at least 0.
The score is the weighted mean of the signals that took part, `VECTOR_WEIGHT` being the weight
of the vectors; where both did, an item of more than `USUAL_TERMS` terms counts a little less,
since a long text is near to many a question that it does not answer. Statistics (how rare a
term is, how long an item) are those of the scope searched: what other users store changes no
score.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from longterm.stores.lexicon import Postings
from longterm.text.bm25 import idf, norm, saturated

__all__ = [
    "LENGTH_COST",
    "NOTHING",
    "USUAL_TERMS",
    "VECTOR_WEIGHT",
    "Scores",
    "TermIndex",
    "TextScores",
    "contributions",
    "fused",
    "in_order",
    "score_terms",
]

#: The weight of the vectors where both took part, chosen on half of LoCoMo and of BEAM; so are
#: how long a text is without counting less, and how much less it counts: L times as long a one
#: 1 / (1 + LENGTH_COST ln L).
VECTOR_WEIGHT = 0.75
USUAL_TERMS, LENGTH_COST = 150, 0.1
#: The score of an item that no signal found.
NOTHING = -1.0

_VECTOR, _TEXT = np.float32(VECTOR_WEIGHT), np.float32(1 - VECTOR_WEIGHT)

Floats = NDArray[np.float32]


class TermIndex(Protocol):
    """What full text is scored by, such as a `Lexicon`."""

    @property
    def lengths(self) -> Floats:
        """Terms of the items, by slot."""
        ...

    def postings(self, term: np.uint64) -> Postings:
        """Where a term stands."""
        ...


@dataclass(frozen=True, slots=True)
class TextScores:
    """BM25 by slot, 0 without a match; *ideal* is what makes a full score."""

    bm25: Floats
    ideal: float
    #: Terms of the items, by slot.
    lengths: Floats

    @property
    def relative(self) -> Floats:
        """The same between 0 and 1."""
        return np.minimum(self.bm25 / np.float32(self.ideal or 1.0), np.float32(1.0))

    @property
    def brevity(self) -> Floats:
        """What the score of each is multiplied with: 1, or less for a long one."""
        times = np.maximum(self.lengths, np.float32(USUAL_TERMS)) / np.float32(USUAL_TERMS)
        return np.reciprocal(np.log(times) * np.float32(LENGTH_COST) + np.float32(1))


@dataclass(frozen=True, slots=True)
class Scores:
    """What each signal says by slot, None where it took no part, and what follows."""

    text: TextScores | None
    cosines: Floats | None
    score: Floats

    def raw(self, slot: int) -> tuple[float | None, float | None]:
        """BM25 and cosine of one slot, None where that signal did not find it."""
        bm25 = float(self.text.bm25[slot]) if self.text is not None else 0.0
        cosine = float(self.cosines[slot]) if self.cosines is not None else math.nan
        return bm25 or None, None if math.isnan(cosine) else cosine

    def raw_of(self, slots: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """BM25 of each of *slots*, 0 without a match, and the cosine of each, NaN without one."""
        bm25, cosines = np.zeros(len(slots), np.float32), np.full(len(slots), np.nan, np.float32)
        return (
            bm25 if self.text is None else self.text.bm25[slots],
            cosines if self.cosines is None else self.cosines[slots],
        )

    def text_relative(self, slot: int) -> float:
        """Put the text score of one slot between 0 and 1."""
        return 0.0 if self.text is None else float(self.text.relative[slot])

    def signals(self, live: NDArray[np.bool_]) -> list[Floats]:
        """List the raw scores of each signal that took part, -inf where it found nothing."""
        never = np.float32(-np.inf)
        found: list[Floats] = []
        if self.text is not None:
            found.append(np.where(live & (self.text.bm25 > 0), self.text.bm25, never))
        if self.cosines is not None:
            found.append(np.where(live & ~np.isnan(self.cosines), self.cosines, never))
        return found


def contributions(scores: Scores, slot: int) -> tuple[float | None, float | None]:
    """Tell what text and vectors add to the score of one slot."""
    bm25, cosine = scores.raw(slot)
    weights = (1.0, 1.0)
    if scores.text is not None and scores.cosines is not None:
        brevity = float(scores.text.brevity[slot])
        weights = ((1 - VECTOR_WEIGHT) * brevity, VECTOR_WEIGHT * brevity)
    text = None if bm25 is None else weights[0] * scores.text_relative(slot)
    vector = None if cosine is None else weights[1] * min(max(cosine, 0.0), 1.0)
    return text, vector


def score_terms(
    lexicon: TermIndex, live: NDArray[np.bool_], terms: Sequence[np.uint64]
) -> TextScores:
    """Score every slot by BM25; dead ones neither score nor count."""
    total = max(int(np.count_nonzero(live)), 1)
    mean = float(lexicon.lengths @ live) / total or 1.0
    norms = norm(lexicon.lengths.astype(np.float32), mean)
    scores, ideal = np.zeros(len(live), dtype=np.float32), 0.0
    for postings in map(lexicon.postings, terms):
        slots, counts = postings.slots, postings.counts
        if not (alive := live[slots]).all():
            slots, counts = slots[alive], counts[alive]
        weight = idf(len(slots), total)
        scores[slots] += np.float32(weight) * saturated(counts.astype(np.float32), norms[slots])
        ideal += weight
    return TextScores(scores, ideal, lexicon.lengths)


def fused(text: TextScores | None, cosines: Floats | None, live: NDArray[np.bool_]) -> Scores:
    """Score every slot: `NOTHING` where no signal found it, -inf where it is dead."""
    match text, cosines:
        case None, None:
            score = np.full(len(live), NOTHING, dtype=np.float32)
        case TextScores(), None:
            score = _at_slots(text.relative, text.bm25 > 0)
        case None, _:
            score = _at_slots(_clipped(cosines), ~np.isnan(cosines))
        case _:
            mean = (_VECTOR * _clipped(cosines) + _TEXT * text.relative) * text.brevity
            score = _at_slots(
                mean.astype(np.float32, copy=False), (text.bm25 > 0) | ~np.isnan(cosines)
            )
    return Scores(text, cosines, np.where(live, score, np.float32(-np.inf)))


def in_order(
    score: Floats, revisions: NDArray[np.int64], first: int
) -> Iterator[NDArray[np.int64]]:
    """Sort the living slots, best first, then latest first; about *first*, then the rest.

    Most readers want no more than the first part, which needs no sorting of the whole.
    """
    living = score > -np.inf
    best = living
    if first < np.count_nonzero(living):  # and all that equal the last of them
        best = living & (score >= np.partition(score, len(score) - first)[len(score) - first])
    top = _sorted(np.flatnonzero(best), score, revisions)
    yield top
    everything = _sorted(np.flatnonzero(living), score, revisions)
    yield everything[len(top) :]


def _clipped(cosines: Floats) -> Floats:
    return np.minimum(np.fmax(cosines, np.float32(0)), np.float32(1))  # fmax passes over NaN


def _at_slots(score: Floats, where: NDArray[np.bool_]) -> Floats:
    return np.where(where, score, np.float32(NOTHING)).astype(np.float32, copy=False)


def _sorted(
    slots: NDArray[np.int64], score: Floats, revisions: NDArray[np.int64]
) -> NDArray[np.int64]:
    return slots[np.lexsort((-revisions[slots], -score[slots]))]
