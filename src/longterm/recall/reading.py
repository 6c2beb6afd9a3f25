"""What recall reads in one text: its terms, passage by passage, and a few traits. Pure.

A text is read once; the last ones read are kept, as most recalls meet the same turns again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from longterm.recall.language import (
    NUMBERS,
    QUESTION_MARKS,
    STANDING,
    STOP_TERMS,
    TIME_WORDS,
    Sign,
)
from longterm.text.tokenizer import terms, words

__all__ = ["Passage", "Reading", "content_terms", "pieces", "read", "tells_number", "tells_time"]

_KEPT = 8_192
_PASSAGE, _STEP = 60, 40
_HEAD = 80
_LONG_TEXT = 20_000
_PIECE_WORDS, _PIECES = 80, 3


@dataclass(frozen=True, slots=True)
class Passage:
    """Terms, how often each occurs, and how many there are."""

    counts: Mapping[str, int]
    length: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The terms and traits of one text."""

    whole: Passage
    #: Overlapping stretches of a long text; a short one is its only passage.
    passages: tuple[Passage, ...]
    #: The beginning alone: what the neighbours of the text may borrow.
    head: Passage
    #: How many words a reader sees.
    words: int
    #: Whether there is a question in it, and a wish how things shall be done from now on.
    asks: bool
    standing: bool


@lru_cache(_KEPT)
def read(text: str) -> Reading:
    """Read *text*; of a very long one, the beginning."""
    text = text[:_LONG_TEXT]
    runs = words(text)
    found = _content(runs)
    whole = _passage(found)
    return Reading(
        whole=whole,
        passages=tuple(map(_passage, _stretches(found))) if len(found) > _PASSAGE else (whole,),
        head=_passage(found[:_HEAD]) if len(found) > _HEAD else whole,
        words=len(runs) if text.isascii() else _word_count(runs),
        asks=_has_any(text, QUESTION_MARKS),
        standing=_shows(STANDING, text),
    )


@lru_cache(_KEPT)
def tells_time(text: str) -> bool:
    """Whether *text* speaks of a time; looked for only where a question wants one."""
    return _shows(TIME_WORDS, text[:_LONG_TEXT])


@lru_cache(_KEPT)
def tells_number(text: str) -> bool:
    """Whether *text* holds a number; looked for only where a question wants one."""
    return _shows(NUMBERS, text[:_LONG_TEXT])


def content_terms(text: str) -> list[str]:
    """Terms of *text* that say what it is about, in order and with repetitions."""
    return _content(words(text))


def _content(runs: Iterable[str]) -> list[str]:
    return list(chain.from_iterable(map(_content_of, runs)))


@lru_cache(65_536)
def _content_of(run: str) -> tuple[str, ...]:
    return tuple(term for term in terms(run) if term not in STOP_TERMS)


def _passage(found: Sequence[str]) -> Passage:
    # A plain dict of strings and numbers is nothing the garbage collector has to visit.
    return Passage(dict(Counter(found)), len(found))


def _stretches(found: Sequence[str]) -> Iterator[Sequence[str]]:
    yield found[:_PASSAGE]
    for start in range(_STEP, len(found) - (_PASSAGE - _STEP), _STEP):
        yield found[start : start + _PASSAGE]


def _word_count(runs: Sequence[str]) -> int:
    """Count words; where nothing separates them, two characters make one."""
    return sum(1 if run.isascii() else max(1, len(run) // 2) for run in runs)


def _shows(sign: Sign, text: str) -> bool:
    lowered = text.lower()
    if lowered.isascii():
        return _has_any(lowered, sign.clues) and sign.plain.search(lowered) is not None
    return sign.pattern.search(text) is not None


def _has_any(text: str, marks: Iterable[str]) -> bool:
    return any(
        map(text.__contains__, marks)
    )  # asked of every text: a generator takes thrice as long


def pieces(text: str) -> list[str]:
    """Cut the beginning of *text* into the pieces that get a vector each.

    Only the first few pieces of a long text: they say what it is about, and the best of many
    vectors would favour long texts over those that answer.
    """
    found = text.split()
    stretches = (found[at : at + _PIECE_WORDS] for at in range(0, len(found), _PIECE_WORDS))
    return [" ".join(part) for part, _ in zip(stretches, range(_PIECES), strict=False)]
