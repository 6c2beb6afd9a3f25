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

from longterm.recall.candidates import Floats, Indices, Pool, Talk
from longterm.recall.question import Question
from longterm.recall.reading import Passage, tells_number, tells_time
from longterm.recall.when import Span

__all__ = ["ARMS", "Columns", "columns"]

Columns = Mapping[str, Floats]
#: As many as there are talks.
_KEPT = 16

_SATURATION, _LENGTH = 1.2, 0.75
_NEAR, _WIDE = 1, 4
_LONG = 80
_FADES_AFTER, _FADES_BEFORE = timedelta(days=10).total_seconds(), timedelta(days=3).total_seconds()


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
    looked_up = [text.counts.get for text in texts]
    counts = [[count(term, 0) for count in looked_up] for term in question.terms]
    shape = len(question.terms), len(texts)
    lengths = np.array([text.length for text in texts], np.float64)
    return _Matches(np.array(counts, np.float64).reshape(shape).T, lengths)


def _between(rows: Floats, begin: Indices, end: Indices) -> Floats:
    sums = np.concatenate([np.zeros_like(rows[:1]), np.cumsum(rows, axis=0)])
    return sums[end] - sums[begin]


def _text(question: Question, pool: Pool) -> dict[str, Floats]:
    talk = pool.talk
    wholes = _matches(question, [one.whole for one in talk.readings])
    words = _words(question, talk, wholes)
    return {
        "words": words,
        "around": _around(question, talk, wholes),
        "session": _session(wholes, talk),
        "answers": _answers(words, talk),
    }


def _words(question: Question, talk: Talk, wholes: _Matches) -> Floats:
    """Score the best passage of each; how rare a term is, whole texts tell."""
    if len(talk.passages) == len(talk):  # each is its only passage
        return _relative(wholes.bm25())
    scores = _matches(question, talk.passages).bm25(wholes.rarity)
    return _relative(np.maximum.reduceat(scores, talk.firsts))


def _around(question: Question, talk: Talk, wholes: _Matches) -> Floats:
    """Each with near and with far neighbours as one text; of a neighbour the head counts."""
    short = all(one.head is one.whole for one in talk.readings)
    heads = wholes if short else _matches(question, [one.head for one in talk.readings])
    reaches = [heads.joined(*talk.around(reach)) for reach in (_NEAR, _WIDE)]
    return np.mean([_relative(texts.bm25()) for texts in reaches], axis=0)


def _session(wholes: _Matches, talk: Talk) -> Floats:
    """Score the whole session as one text, the same for all of its turns."""
    starts, which = np.unique(talk.starts, return_inverse=True)
    sessions = wholes.joined(starts, np.append(starts[1:], len(talk)))
    return _relative(sessions.bm25())[which]


def _answers(words: Floats, talk: Talk) -> Floats:
    """Take over what the turn before says, if it asks: the answer stands after its question."""
    return _before(words * _where(one.asks for one in talk.readings), talk)


def _relative(scores: Floats) -> Floats:
    return scores / (scores.max(initial=0.0) or 1.0)


def _before(column: Floats, talk: Talk) -> Floats:
    """Give each the number of the turn before, 0 at the beginning of a session."""
    return np.where(np.arange(len(talk)) > talk.starts, np.roll(column, 1), 0.0)


# --- vectors ----------------------------------------------------------------------------------


def _meaning(_: Question, pool: Pool) -> Floats:
    """Take the cosine; what vectors did not find is as far as the farthest they did."""
    cosines = pool.cosines
    if np.isnan(cosines).all():
        return np.zeros(len(pool))
    return np.where(np.isnan(cosines), np.nanmin(cosines), cosines)


# --- who, when, what kind ---------------------------------------------------------------------


def _speaker(question: Question, pool: Pool) -> Floats:
    """Who is asked about: one who is named, else the asker, or the assistant if addressed."""
    if question.summary:
        return np.zeros(len(pool))  # a summary is about what both sides said
    if question.named:
        asked = question.named if pool.talk.speakers - question.named else frozenset[str]()
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
    return np.max([_nearness(span, pool.talk.moments) for span in question.spans], axis=0)


def _nearness(span: Span, moments: Floats) -> Floats:
    before = np.maximum(span.start.timestamp() - moments, 0.0)
    after = np.maximum(moments - span.end.timestamp(), 0.0)
    return np.exp(-before / _FADES_BEFORE - after / _FADES_AFTER)


def _kind(question: Question, pool: Pool) -> Floats:
    """Whether it holds a time or a number, where one is asked for."""
    texts = [one.text for one in pool.candidates]
    found = np.zeros(len(pool))
    if question.wants_time:
        found = _where(map(tells_time, texts))
    if question.wants_number:
        found = np.maximum(found, _where(map(tells_number, texts)))
    return found


def _standing(question: Question, pool: Pool) -> Floats:
    """Find a wish for good: 2 where something is requested, 1 elsewhere, 0 for a survey."""
    weight = 0.0 if question.survey else 1.0 + question.request
    return weight * _wishes(pool.talk)


@lru_cache(_KEPT)
def _wishes(talk: Talk) -> Floats:
    pairs = zip(talk.candidates, talk.readings, strict=True)
    return _where(one.standing and who.role == "user" for who, one in pairs)


# --- traits that hold for every question ------------------------------------------------------


def _news(_: Question, pool: Pool) -> Floats:
    """How many words nobody said before."""
    return np.log1p(_new_words(pool.talk))


@lru_cache(_KEPT)
def _new_words(talk: Talk) -> Floats:
    known: set[str] = set()
    new = np.zeros(len(talk))
    order: list[int] = np.argsort(talk.moments, kind="stable").tolist()
    for at in order:
        before = len(known)
        known.update(talk.readings[at].whole.counts)
        new[at] = len(known) - before
    return new


def _long(_: Question, pool: Pool) -> Floats:
    """How much longer than a turn of conversation usually is."""
    return _lengths(pool.talk)


@lru_cache(_KEPT)
def _lengths(talk: Talk) -> Floats:
    words = np.array([one.words for one in talk.readings])
    return np.log(np.maximum(words, _LONG) / _LONG)


def _recency(_: Question, pool: Pool) -> Floats:
    """From 0 for the first said to 1 for the last."""
    moments = pool.talk.moments
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
