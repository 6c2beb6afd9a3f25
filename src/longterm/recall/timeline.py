"""Candidates in the order they were said, and the sets of them that are ranked. Pure.

What does not depend on the question belongs to a `Timeline` and is worked out once for each: a
conversation is asked about again and again. What a question adds, how near vectors find each,
makes a `CandidateSet` of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longterm.recall.candidates import Candidate, turn_name, turn_names
from longterm.recall.language import NUMBERS, STANDING, TIME_WORDS, Sign
from longterm.recall.reading import HEAD, PASSAGE, Reading, has_digit, passages
from longterm.recall.vocabulary import STOP, clue_to, known_by, unpacked_terms
from longterm.text.tokenizer import TERM_BYTES

__all__ = [
    "CandidateSet",
    "Floats",
    "Indices",
    "Stretches",
    "Timeline",
    "candidate_set",
    "named_speakers",
    "timeline_of",
]

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

#: A conversation that rests longer than this goes on as another session.
_PAUSE = timedelta(hours=6)


class Stretches(NamedTuple):
    """Stretches of one long row: where each begins, and where it ends."""

    begins: Indices
    ends: Indices


@dataclass(frozen=True, eq=False)
class Timeline:
    """Candidates in the order they were said, thread by thread; arrays hold one number for each."""

    candidates: tuple[Candidate, ...]
    #: Where the session of each begins and ends: sessions are stretches of the timeline.
    starts: Indices
    ends: Indices

    def __len__(self) -> int:
        return len(self.candidates)

    @cached_property
    def speakers(self) -> frozenset[str]:
        """Names of people who spoke."""
        return named_speakers(self.candidates)

    @cached_property
    def moments(self) -> Floats:
        """When each was said, in seconds since 1970."""
        return np.array([one.time.timestamp() for one in self.candidates])

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """What was read in each."""
        return tuple(one.reading for one in self.candidates)

    @cached_property
    def _every_term(self) -> tuple[Indices, "Stretches"]:
        """Return the terms of all, one after the other, and where those of each stand."""
        packed = [one.terms for one in self.readings]
        lengths = np.array([len(one) // TERM_BYTES for one in packed], np.int64)
        ends = np.cumsum(lengths)
        return unpacked_terms(b"".join(packed)), Stretches(ends - lengths, ends)

    @cached_property
    def _rules(self) -> NDArray[np.uint8]:
        """Tell of each of the terms of all which rules know it."""
        return known_by(self._every_term[0])

    @cached_property
    def _content(self) -> tuple[Indices, "Stretches"]:
        """Return the same without the terms that say nothing of what a text is about."""
        every, (begins, ends) = self._every_term
        counts = (self._rules & STOP) == 0
        so_far = np.append(0, np.cumsum(counts))
        return every[counts], Stretches(so_far[begins], so_far[ends])

    @property
    def terms(self) -> Indices:
        """Hashes of the terms of all that say what it is about, one after the other."""
        return self._content[0]

    @property
    def wholes(self) -> "Stretches":
        """Where the terms of each stand among those of all."""
        return self._content[1]

    @cached_property
    def heads(self) -> "Stretches":
        """The beginning of each: what its neighbours may borrow."""
        begins, ends = self.wholes
        return Stretches(begins, np.minimum(begins + HEAD, ends))

    @cached_property
    def passages(self) -> tuple["Stretches", Indices]:
        """List the passages of all, and which is the first of each."""
        lengths = self.wholes.ends - self.wholes.begins
        if lengths.max(initial=0) <= PASSAGE:
            return self.wholes, np.arange(len(self))
        cut = [passages(length) for length in lengths.tolist()]
        counts = np.array([len(one) for one in cut], np.int64)
        begins, ends = np.array([*chain.from_iterable(cut)], np.int64).reshape(-1, 2).T
        offsets = np.repeat(self.wholes.begins, counts)
        return Stretches(offsets + begins, offsets + ends), np.cumsum(counts) - counts

    def terms_of(self, at: int) -> frozenset[int]:
        """Collect the terms of one, each once."""
        begins, ends = self.wholes
        return frozenset(self.terms[begins[at] : ends[at]].tolist())

    @cached_property
    def asks(self) -> Floats:
        """1 for each that asks a question."""
        return np.array([one.asks for one in self.readings], np.float64)

    @cached_property
    def standing(self) -> Floats:
        """1 for each wish of a user how things shall be done from now on."""
        return self._showing(STANDING) * [one.role == "user" for one in self.candidates]

    @cached_property
    def mentions_time(self) -> Floats:
        """1 for each that speaks of a time."""
        return self._showing(TIME_WORDS)

    @cached_property
    def mentions_number(self) -> Floats:
        """1 for each that holds a number."""
        return self._showing(NUMBERS)

    def _showing(self, sign: Sign) -> Floats:
        """1 for each that shows *sign*; most need not be searched for it."""
        clued = np.zeros(len(self), np.bool_)
        ends = self._every_term[1].ends
        clued[np.searchsorted(ends, np.flatnonzero(self._rules & clue_to(sign)), "right")] = True
        may_hold = clued | self._foreign
        if sign.digits:
            may_hold |= self._digits
        found = np.zeros(len(self))
        for at in np.flatnonzero(may_hold).tolist():
            found[at] = self.candidates[at].shows(sign, has_clue=bool(clued[at]))
        return found

    @cached_property
    def _foreign(self) -> NDArray[np.bool_]:
        """Tell which have other letters than ASCII has."""
        return np.array([one.is_foreign for one in self.readings], np.bool_)

    @cached_property
    def _digits(self) -> NDArray[np.bool_]:
        """Tell which have a digit."""
        return np.array([has_digit(one.text) for one in self.candidates], np.bool_)

    @cached_property
    def tokens(self) -> Floats:
        """About how many tokens the line of each takes in a block."""
        return np.array([one.tokens for one in self.readings], np.float64)

    @cached_property
    def word_counts(self) -> Floats:
        """How many words each has."""
        return np.array([one.words for one in self.readings], np.float64)

    @cached_property
    def new_terms(self) -> Floats:
        """How many terms of each were not said before."""
        begins, ends = self.wholes
        ranks = np.empty(len(self), np.int64)
        ranks[np.argsort(self.moments, kind="stable")] = np.arange(len(self))
        # Which candidate of all, in order of time, says each term; and who says it first.
        said = np.repeat(ranks, ends - begins)
        order = np.argsort(self.terms)
        is_new = np.diff(self.terms[order], prepend=0) != 0
        is_new[:1] = True
        first = np.minimum.reduceat(said[order], np.flatnonzero(is_new)) if len(said) else said
        return np.bincount(first, minlength=len(self))[ranks].astype(np.float64)

    @cached_property
    def before(self) -> Mapping[Candidate, Candidate]:
        """What was said just before each, in the same session."""
        pairs = zip(self.candidates, self.candidates[1:], self.starts[1:].tolist(), strict=False)
        return {one: before for at, (before, one, start) in enumerate(pairs, 1) if start < at}

    @cached_property
    def sources(self) -> tuple[Indices, Indices]:
        """Pairs of a memory's place and that of a turn it came from, as two arrays."""
        turns: dict[tuple[str, object], int] = {}
        if not any(one.sources for one in self.candidates):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        for at, one in enumerate(self.candidates):
            if one.kind == "turn":
                turns |= dict.fromkeys(turn_names(one), at)
        pairs = [
            (at, turns[name])
            for at, one in enumerate(self.candidates)
            for source in one.sources
            if (name := turn_name(source)) in turns
        ]
        memories, said = zip(*pairs, strict=True) if pairs else ((), ())
        return np.array(memories, np.int64), np.array(said, np.int64)

    @cached_property
    def sessions(self) -> tuple["Stretches", Indices]:
        """Where each session begins and ends, and to which of them each candidate belongs."""
        is_first = np.arange(len(self)) == self.starts
        return Stretches(self.starts[is_first], self.ends[is_first]), np.cumsum(is_first) - 1

    def neighborhood(self, reach: int) -> tuple[Indices, Indices]:
        """Begin and end of the stretch within *reach* of each, in the same session."""
        here = np.arange(len(self))
        return np.maximum(here - reach, self.starts), np.minimum(here + reach + 1, self.ends)


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """A timeline, and how near vectors find each to a question: NaN if they cannot say."""

    timeline: Timeline
    cosines: Floats

    def __len__(self) -> int:
        return len(self.timeline)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Candidates in the order they were said, thread by thread."""
        return self.timeline.candidates


def candidate_set(
    timeline: Timeline, cosines: Mapping[Candidate, float | None] = MappingProxyType({})
) -> CandidateSet:
    """Lay *cosines*, where there are any, beside the candidates of *timeline*."""
    # None becomes NaN.
    return CandidateSet(timeline, np.array([*map(cosines.get, timeline.candidates)], np.float64))


def timeline_of(candidates: Iterable[Candidate]) -> Timeline:
    """Put *candidates* in order and find their sessions; the first of equal ones stays."""
    unique = {one.id: one for one in reversed(list(candidates))}
    ordered = sorted(
        unique.values(),
        key=lambda one: (
            one.namespace,
            one.thread,
            one.time,
            one.time.timestamp() if one.written is None else one.written,
            one.position,
            one.key,
        ),
    )
    # A memory is a session by itself.
    begins = [
        before is None
        or one.kind == "memory"
        or (before.namespace, before.thread) != (one.namespace, one.thread)
        or one.time - before.time > _PAUSE
        for before, one in zip((None, *ordered), ordered, strict=False)
    ]
    sessions = np.cumsum(begins, dtype=np.int64)
    return Timeline(
        candidates=tuple(ordered),
        starts=np.searchsorted(sessions, sessions, "left"),
        ends=np.searchsorted(sessions, sessions, "right"),
    )


def named_speakers(candidates: Iterable[Candidate]) -> frozenset[str]:
    """Names of people who spoke; a role is no name."""
    return frozenset(one.speaker for one in candidates if one.speaker != one.role) - {""}
