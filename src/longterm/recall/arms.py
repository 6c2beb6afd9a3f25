"""Arms: what each sign says about every candidate of a pool, as plain numbers. Pure.

An arm is a column, one number a candidate; 0 means it has nothing to say. None of them depends
on how large the pool is: text is relative to the best match, vectors are plain cosines, the
rest are traits of a turn. `fuse` weighs the columns; nothing here knows a weight.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from longterm.recall.candidates import Candidate, Indices, Pool
from longterm.recall.question import Question
from longterm.recall.reading import Passage, read
from longterm.recall.when import Span

__all__ = ["ARMS", "Columns", "columns"]

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]

_SATURATION, _LENGTH = 1.2, 0.75
_NEAR, _WIDE = 1, 4
_LONG = 80
_FADES_AFTER, _FADES_BEFORE = timedelta(days=10), timedelta(days=3)


def columns(question: Question, pool: Pool) -> Columns:
    """Each arm's numbers for the candidates of *pool*, by the name of the arm."""
    if not len(pool):
        return {name: np.zeros(0) for name in ARMS}
    return _text(question, pool) | {name: arm(question, pool) for name, arm in _OTHERS.items()}


# --- full text --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Matches:
    """How often each term of a question occurs in each text, and how long the texts are."""

    counts: Floats
    lengths: Floats

    @property
    def rarity(self) -> Floats:
        holders = np.count_nonzero(self.counts, axis=0)
        return np.log1p((len(self.counts) - holders + 0.5) / (holders + 0.5))

    def bm25(self, rarity: Floats | None = None) -> Floats:
        mean = self.lengths.mean() or 1.0
        norms = _SATURATION * (1 - _LENGTH + _LENGTH * self.lengths / mean)
        gains = self.counts * (_SATURATION + 1) / (self.counts + norms[:, None])
        return gains @ (self.rarity if rarity is None else rarity)

    def joined(self, begin: Indices, end: Indices) -> "_Matches":
        """Make the texts from *begin* to *end* one, for each pair of them."""
        return _Matches(_between(self.counts, begin, end), _between(self.lengths, begin, end))


def _matches(question: Question, texts: Sequence[Passage]) -> _Matches:
    counts = [[text.counts.get(term, 0) for term in question.terms] for text in texts]
    lengths = [text.length for text in texts]
    shape = len(texts), len(question.terms)
    return _Matches(np.array(counts, np.float64).reshape(shape), np.array(lengths, np.float64))


def _between(rows: Floats, begin: Indices, end: Indices) -> Floats:
    sums = np.concatenate([np.zeros_like(rows[:1]), np.cumsum(rows, axis=0)])
    return sums[end] - sums[begin]


def _text(question: Question, pool: Pool) -> dict[str, Floats]:
    wholes = _matches(question, [one.whole for one in pool.readings])
    words = _words(question, pool, wholes.rarity)
    return {
        "words": words,
        "around": _around(question, pool),
        "session": _session(wholes, pool),
        "answers": _answers(words, pool),
    }


def _words(question: Question, pool: Pool, rarity: Floats) -> Floats:
    """Score the best passage of each; how rare a term is, whole texts tell."""
    passages = [passage for one in pool.readings for passage in one.passages]
    firsts = np.cumsum([0, *(len(one.passages) for one in pool.readings)])[:-1]
    scores = _matches(question, passages).bm25(rarity)
    return _relative(np.maximum.reduceat(scores, firsts))


def _around(question: Question, pool: Pool) -> Floats:
    """Each with near and with far neighbours as one text; of a neighbour the head counts."""
    heads = _matches(question, [one.head for one in pool.readings])
    reaches = [heads.joined(*pool.around(reach)) for reach in (_NEAR, _WIDE)]
    return np.mean([_relative(texts.bm25()) for texts in reaches], axis=0)


def _session(wholes: _Matches, pool: Pool) -> Floats:
    """Score the whole session as one text, the same for all of its turns."""
    starts, which = np.unique(pool.starts, return_inverse=True)
    sessions = wholes.joined(starts, np.append(starts[1:], len(pool)))
    return _relative(sessions.bm25())[which]


def _answers(words: Floats, pool: Pool) -> Floats:
    """Take over what the turn before says, if it asks: the answer stands after its question."""
    return _before(words * _where(one.asks for one in pool.readings), pool)


def _relative(scores: Floats) -> Floats:
    return scores / (scores.max(initial=0.0) or 1.0)


def _before(column: Floats, pool: Pool) -> Floats:
    """Give each the number of the turn before, 0 at the beginning of a session."""
    return np.where(np.arange(len(pool)) > pool.starts, np.roll(column, 1), 0.0)


# --- vectors ----------------------------------------------------------------------------------


def _meaning(_: Question, pool: Pool) -> Floats:
    """Take the cosine; what vectors did not find is as far as the farthest they did."""
    cosines = np.array([np.nan if one.cosine is None else one.cosine for one in pool.candidates])
    if np.isnan(cosines).all():
        return np.zeros(len(pool))
    return np.where(np.isnan(cosines), np.nanmin(cosines), cosines)


# --- who, when, what kind ---------------------------------------------------------------------


def _speaker(question: Question, pool: Pool) -> Floats:
    """Who is asked about: one who is named, else the asker, or the assistant if addressed."""
    if question.summary:
        return np.zeros(len(pool))  # a summary is about what both sides said
    if question.named:
        asked = question.named if pool.speakers - question.named else frozenset[str]()
        return _where(one.speaker in asked for one in pool.candidates)
    if question.addresses_assistant:
        return _where(one.role == "assistant" for one in pool.candidates)
    return _where(question.first_person and one.role == "user" for one in pool.candidates)


def _where(held: Iterable[bool]) -> Floats:
    return np.fromiter(held, dtype=np.float64)


def _time(question: Question, pool: Pool) -> Floats:
    """1 within the time asked about, fading with the days outside; talk comes after deeds."""
    if not question.spans:
        return np.zeros(len(pool))
    return np.array(
        [max(_nearness(span, one) for span in question.spans) for one in pool.candidates]
    )


def _nearness(span: Span, one: Candidate) -> float:
    distance = span.distance(one.time)
    fades = _FADES_AFTER if distance > timedelta(0) else _FADES_BEFORE
    return float(np.exp(-abs(distance) / fades))


def _kind(question: Question, pool: Pool) -> Floats:
    """Whether it holds a time or a number, where one is asked for."""
    return _where(
        (question.wants_time and one.tells_time) or (question.wants_number and one.tells_number)
        for one in pool.readings
    )


def _standing(question: Question, pool: Pool) -> Floats:
    """Find a wish for good: 2 where something is requested, 1 elsewhere, 0 for a survey."""
    weight = 0.0 if question.survey else 1.0 + question.request
    wishes = zip(pool.candidates, pool.readings, strict=True)
    return weight * _where(one.standing and who.role == "user" for who, one in wishes)


# --- traits that hold for every question ------------------------------------------------------


def _news(_: Question, pool: Pool) -> Floats:
    """How many words nobody said before."""
    order = sorted(range(len(pool)), key=lambda at: pool.candidates[at].time)
    new = np.zeros(len(pool))
    new[order] = _new_words(tuple(pool.candidates[at].text for at in order))
    return np.log1p(new)


@lru_cache(64)
def _new_words(texts: tuple[str, ...]) -> tuple[int, ...]:
    """Count them text by text; kept, as the turns of a conversation are asked about again."""
    known: set[str] = set()
    new: list[int] = []
    for said in (read(text).whole.counts.keys() for text in texts):
        new.append(len(said - known))
        known |= said
    return tuple(new)


def _long(_: Question, pool: Pool) -> Floats:
    """How much longer than a turn of conversation usually is."""
    return np.log([max(one.words, _LONG) / _LONG for one in pool.readings])


def _recency(_: Question, pool: Pool) -> Floats:
    """From 0 for the first said to 1 for the last."""
    moments = np.array([one.time.timestamp() for one in pool.candidates])
    return (moments - moments.min()) / (float(np.ptp(moments)) or 1.0)


_OTHERS: Mapping[str, Callable[[Question, Pool], Floats]] = {
    "meaning": _meaning,
    "speaker": _speaker,
    "time": _time,
    "kind": _kind,
    "standing": _standing,
    "news": _news,
    "long": _long,
    "recency": _recency,
}

#: The names of all arms.
ARMS = ("words", "around", "session", "answers", *_OTHERS)
