"""What recall reads in one text: its terms, and a few traits. Pure."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from longterm.recall.language import DIGIT, NUMBERS, STANDING, STOP_TERMS, TIME_WORDS, Sign
from longterm.text.questions import QUESTION_MARKS
from longterm.text.tokenizer import terms, words_and_terms

__all__ = [
    "HEAD",
    "PASSAGE",
    "Reading",
    "clues_in",
    "content_terms",
    "mentions_number",
    "mentions_time",
    "passages",
    "pieces",
    "reading_of",
]

#: Passages of so many terms, a new one every so many.
PASSAGE, _STEP = 60, 40
#: Terms at the beginning of a text that its neighbours may borrow.
HEAD = 80
#: Characters of a text that are read at all.
_LONG_TEXT = 20_000
_CLUES = TIME_WORDS.clues | NUMBERS.clues | STANDING.clues
_PIECE_WORDS, _PIECES = 80, 3


@dataclass(frozen=True, slots=True)
class Reading:
    """The terms and traits of one text."""

    #: Hashes of the terms that say what it is about, in order and with repetitions: 64-bit
    #: integers of this machine, one after the other. Python's own, so true in one process only.
    terms: bytes
    #: How many words a reader sees.
    words: int
    #: Whether there is a question in it, and a wish how things shall be done from now on.
    asks: bool
    standing: bool
    #: Which of the clues of signs it holds.
    clues: frozenset[str]


def reading_of(text: str) -> Reading:
    """Read *text*; of a very long one, the beginning."""
    text = text[:_LONG_TEXT]
    runs, every_term = words_and_terms(text)
    found = [term for term in every_term if term not in STOP_TERMS]
    clues = clues_in(text, runs)
    return Reading(
        # A string knows its hash, so this takes less than to count them.
        terms=struct.pack(f"{len(found)}q", *map(hash, found)),
        # Where nothing separates words, two characters make one.
        words=len(runs)
        if text.isascii()
        else sum(1 if run.isascii() else max(1, len(run) // 2) for run in runs),
        # Asked of every text: a generator takes thrice as long.
        asks=any(map(text.__contains__, QUESTION_MARKS)),
        standing=_shows(STANDING, text, clues),
        clues=clues,
    )


def passages(length: int) -> list[tuple[int, int]]:
    """Cut a text of so many terms into overlapping stretches: where each begins and ends.

    A short text is its only passage.
    """
    starts = range(_STEP, length - (PASSAGE - _STEP), _STEP)
    return [(start, min(start + PASSAGE, length)) for start in (0, *starts)]


def clues_in(text: str, words: Sequence[str]) -> frozenset[str]:
    """Find which clues of signs *text*, of these *words*, holds; all, where only a search tells."""
    if not text.isascii():
        return _CLUES
    found = _CLUES.intersection(words)
    return found | {DIGIT} if any(map(text.__contains__, "0123456789")) else found


def mentions_time(text: str, clues: frozenset[str]) -> bool:
    """Whether *text*, which holds these *clues*, speaks of a time."""
    return _shows(TIME_WORDS, text[:_LONG_TEXT], clues)


def mentions_number(text: str, clues: frozenset[str]) -> bool:
    """Whether *text*, which holds these *clues*, holds a number."""
    return _shows(NUMBERS, text[:_LONG_TEXT], clues)


def content_terms(text: str) -> list[str]:
    """Terms of *text* that say what it is about, in order and with repetitions."""
    return [term for term in terms(text) if term not in STOP_TERMS]


def pieces(text: str) -> list[str]:
    """Cut the beginning of *text* into the pieces that get a vector each.

    Only the first few pieces of a long text: they say what it is about, and the best of many
    vectors would favour long texts over those that answer.
    """
    found = text.split()
    starts = range(0, min(len(found), _PIECES * _PIECE_WORDS), _PIECE_WORDS)
    return [" ".join(found[start : start + _PIECE_WORDS]) for start in starts]


def _shows(sign: Sign, text: str, clues: frozenset[str]) -> bool:
    if sign.clues.isdisjoint(clues):
        return False
    lowered = text.lower()
    if lowered.isascii():
        return sign.plain.search(lowered) is not None
    return sign.pattern.search(text) is not None
