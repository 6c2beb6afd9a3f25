"""Signals: what each sign says about every candidate, as plain numbers. Pure.

A signal is a column, one number a candidate; 0 means it has nothing to say. None of them depends
on how many candidates there are: full text is relative to the best match, or to a good one where
even the best is poor; vectors are plain cosines, the rest are traits of a turn. `fusion` weighs
the columns; nothing here knows a weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from longterm.recall.question import Question
from longterm.recall.timeline import CandidateSet, Floats, Indices, Stretches, Timeline
from longterm.recall.vocabulary import unpacked_terms
from longterm.text.tokenizer import pack_terms

__all__ = ["SIGNALS", "Columns", "columns"]

Columns = Mapping[str, Floats]

#: The names of all signals.
SIGNALS = (
    "text",
    "neighbors",
    "session",
    "answer",
    "vector",
    "speaker",
    "time",
    "answer_type",
    "instruction",
    "novelty",
    "length",
    "recency",
)

#: BM25's parameters as Robertson and Zaragoza (2009) give them: k1 says how soon a term that is
#: repeated stops counting, b how much a long text is held back.
_K1, _B = 1.2, 0.75
#: A good match holds this share of the terms asked for, once each in a text of average length, and
#: no more of them than so many.
_GOOD_SHARE, _GOOD_TERMS = 0.5, 2
#: How many neighbours on each side lend a turn their words: near ones, and far ones.
_NEAR, _FAR = 1, 4
#: Words of a turn that is not yet long.
_USUAL_WORDS = 80
_FADES_AFTER, _FADES_BEFORE = timedelta(days=10).total_seconds(), timedelta(days=3).total_seconds()


def columns(question: Question, candidates: CandidateSet) -> Columns:
    """Each signal's numbers for *candidates*, by its name; arrays of shape (candidates,)."""
    if not len(candidates):
        return {name: np.zeros(0) for name in SIGNALS}
    timeline = candidates.timeline
    moments = timeline.moments
    full_text = _full_text(question, timeline)
    vector = np.zeros(len(candidates))
    if (cosines := candidates.cosines[~np.isnan(candidates.cosines)]).size:
        # What vectors did not find is as far as the farthest they did.
        vector = np.nan_to_num(candidates.cosines, nan=cosines.min())
    # What was learned from a turn is another way to say it: the turn is found by it as well.
    memories, turns = timeline.sources
    for column in (full_text["text"], vector):
        np.maximum.at(column, turns, column[memories])
    return full_text | {
        "vector": vector,
        "speaker": _speaker(question, timeline),
        "time": _time(question, moments),
        # It holds a time or a number, where one is asked for.
        "answer_type": np.maximum(
            timeline.mentions_time if question.wants_time else 0.0,
            timeline.mentions_number if question.wants_number else np.zeros(len(candidates)),
        ),
        # A wish for good counts twice where something is requested, and for a survey not at all.
        "instruction": timeline.standing * (0 if question.survey else 1 + question.request),
        "novelty": np.log1p(timeline.new_terms),
        "length": np.log(np.maximum(timeline.word_counts, _USUAL_WORDS) / _USUAL_WORDS),
        "recency": (moments - moments.min()) / (float(np.ptp(moments)) or 1.0),
    }


# --- full text --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Matches:
    """How often each term of a question occurs in each text, and how long the texts are.

    *counts* has the shape (texts, terms), *lengths* (texts,).
    """

    counts: Floats
    lengths: Floats

    @property
    def idf(self) -> Floats:
        """Inverse document frequency of each term, in the form that is never negative."""
        holders = np.count_nonzero(self.counts, axis=0)
        return np.log1p((len(self.counts) - holders + 0.5) / (holders + 0.5))

    def bm25(self, idf: Floats) -> Floats:
        """Score each text for the question; *idf* says how much each term counts."""
        mean = self.lengths.mean() or 1.0
        norms = _K1 * (1 - _B + _B * self.lengths / mean)
        gains = self.counts * (_K1 + 1) / (self.counts + norms[:, None])
        return gains @ idf

    def relative(self) -> Floats:
        """Score each text for the question, in 0..1."""
        idf = self.idf
        return _relative(self.bm25(idf), idf)

    def joined(self, begin: Indices, end: Indices) -> "_Matches":
        """Make the texts from *begin* to *end* one, for each pair of them."""
        counts = np.concatenate([np.zeros_like(self.counts[:1]), np.cumsum(self.counts, axis=0)])
        lengths = np.concatenate([[0.0], np.cumsum(self.lengths)])
        return _Matches(counts[end] - counts[begin], lengths[end] - lengths[begin])


def _so_far(question: Question, timeline: Timeline) -> Floats:
    """Count how often each term of *question* stands before each place among the terms of all.

    The answer has the shape (terms of the question, places).
    """
    counts = np.zeros((len(question.terms), len(timeline.terms) + 1))
    asked = unpacked_terms(pack_terms(question.terms))
    for before, term in zip(counts, asked, strict=True):
        np.cumsum(timeline.terms == term, dtype=np.float64, out=before[1:])
    return counts


def _within(so_far: Floats, texts: Stretches) -> _Matches:
    begins, ends = texts
    return _Matches((so_far[:, ends] - so_far[:, begins]).T, (ends - begins).astype(np.float64))


def _full_text(question: Question, timeline: Timeline) -> dict[str, Floats]:
    """Score each turn, with its neighbours, its session, and the turn before where that asks."""
    so_far = _so_far(question, timeline)
    wholes = _within(so_far, timeline.wholes)
    idf = wholes.idf
    # The best passage counts; how rare a term is, whole texts say.
    passages, firsts = timeline.passages
    text = _relative(np.maximum.reduceat(_within(so_far, passages).bm25(idf), firsts), idf)

    heads = _within(so_far, timeline.heads)
    around = [heads.joined(*timeline.neighborhood(reach)) for reach in (_NEAR, _FAR)]

    stretches, session_of = timeline.sessions
    sessions = wholes.joined(*stretches)

    asked_before = np.roll(text * timeline.asks, 1)
    is_first = np.arange(len(timeline)) == timeline.starts
    return {
        "text": text,
        "neighbors": np.mean([texts.relative() for texts in around], axis=0),
        "session": sessions.relative()[session_of],
        "answer": np.where(is_first, 0.0, asked_before),
    }


def _relative(scores: Floats, idf: Floats) -> Floats:
    """Divide by the best of *scores*, or by what a good match scores where that is more.

    That a text is the best of poor matches says little about what was asked.
    """
    good = idf.sum() * min(_GOOD_SHARE, _GOOD_TERMS / max(len(idf), 1))
    return scores / (max(scores.max(initial=0.0), good) or 1.0)


# --- who and when ----------------------------------------------------------------------------


def _speaker(question: Question, timeline: Timeline) -> Floats:
    """Who is asked about: one who is named, else the asker, or the assistant if addressed."""
    match question:
        case Question(summary=True):  # about what both sides said
            holds = [False for _ in timeline.candidates]
        case Question(named=named) if named:
            asked = named if timeline.speakers - named else frozenset[str]()
            holds = [one.speaker in asked for one in timeline.candidates]
        case Question(addresses_assistant=True):
            holds = [one.role == "assistant" for one in timeline.candidates]
        case _:
            holds = [question.first_person and one.role == "user" for one in timeline.candidates]
    return np.array(holds, np.float64)


def _time(question: Question, moments: Floats) -> Floats:
    """1 within the time asked about, fading with the days outside; talk comes after deeds."""
    if not question.spans:
        return np.zeros(len(moments))
    nearness = [
        np.exp(
            -np.maximum(span.start.timestamp() - moments, 0.0) / _FADES_BEFORE
            - np.maximum(moments - span.end.timestamp(), 0.0) / _FADES_AFTER
        )
        for span in question.spans
    ]
    return np.max(nearness, axis=0)
