"""What recall reads in one text: its terms, passage by passage, and a few traits. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from longterm.recall.language import NUMBERS, STANDING, STOP_TERMS, TIME_WORDS, Sign
from longterm.text.questions import QUESTION_MARKS
from longterm.text.tokenizer import terms, words_and_terms

__all__ = [
    "Passage",
    "Reading",
    "content_terms",
    "mentions_number",
    "mentions_time",
    "pieces",
    "read_passages",
]

#: Passages of so many terms, a new one every so many.
_PASSAGE, _STEP = 60, 40
#: Terms at the beginning of a text that its neighbours may borrow.
_HEAD = 80
#: Characters of a text that are read at all.
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


def read_passages(text: str) -> Reading:
    """Read *text*; of a very long one, the beginning."""
    text = text[:_LONG_TEXT]
    runs, every_term = words_and_terms(text)
    found = [term for term in every_term if term not in STOP_TERMS]
    whole = _passage(found)
    stretches = [found[:_PASSAGE]] + [
        found[start : start + _PASSAGE]
        for start in range(_STEP, len(found) - (_PASSAGE - _STEP), _STEP)
    ]
    return Reading(
        whole=whole,
        passages=tuple(map(_passage, stretches)) if len(found) > _PASSAGE else (whole,),
        head=_passage(found[:_HEAD]) if len(found) > _HEAD else whole,
        # Where nothing separates words, two characters make one.
        words=len(runs)
        if text.isascii()
        else sum(1 if run.isascii() else max(1, len(run) // 2) for run in runs),
        asks=_has_any(text, QUESTION_MARKS),
        standing=_shows(STANDING, text),
    )


def mentions_time(text: str) -> bool:
    """Whether *text* speaks of a time."""
    return _shows(TIME_WORDS, text[:_LONG_TEXT])


def mentions_number(text: str) -> bool:
    """Whether *text* holds a number."""
    return _shows(NUMBERS, text[:_LONG_TEXT])


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


def _passage(found: Sequence[str]) -> Passage:
    # A plain dict of strings and numbers is nothing the garbage collector has to visit, and for
    # a few terms made sooner than a Counter.
    counts: dict[str, int] = {}
    for term in found:
        counts[term] = counts.get(term, 0) + 1
    return Passage(counts, len(found))


def _shows(sign: Sign, text: str) -> bool:
    lowered = text.lower()
    if lowered.isascii():
        return _has_any(lowered, sign.clues) and sign.plain.search(lowered) is not None
    return sign.pattern.search(text) is not None


def _has_any(text: str, marks: Iterable[str]) -> bool:
    # Asked of every text: a generator takes thrice as long.
    return any(map(text.__contains__, marks))
