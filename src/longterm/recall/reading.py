"""What recall reads in one text: its terms, and a few traits. Pure."""

import re
from typing import NamedTuple

from longterm.recall.language import STOP_TERMS, Sign
from longterm.text.questions import QUESTION_MARKS
from longterm.text.tokenizer import TERM_BYTES, count_words, packed_terms, terms

__all__ = [
    "HEAD",
    "LINE_LIMIT",
    "LONG_TEXT",
    "PASSAGE",
    "Reading",
    "approximate_tokens",
    "content_terms",
    "has_digit",
    "passages",
    "pieces",
    "reading_of",
    "shows",
]

#: Passages of so many terms, a new one every so many.
PASSAGE, _STEP = 60, 40
#: Terms at the beginning of a text that its neighbours may borrow.
HEAD = 80
#: Characters of a text that are read at all.
LONG_TEXT = 20_000
#: Characters of a text that a line of a block shows; of a longer one both ends.
LINE_LIMIT = 2_000
_ANY_DIGIT = re.compile("[0-9]")
_PIECE_WORDS, _PIECES = 80, 3


class Reading(NamedTuple):
    """The terms of one text, and a few traits."""

    #: Hashes (`pack_terms`) of its terms, in order and with repetitions, those too that say
    #: nothing of what it is about.
    terms: bytes
    #: How many words a reader sees.
    words: int
    #: Whether there is a question in it.
    asks: bool
    #: About how many tokens its line in a block takes.
    tokens: int
    #: Whether there are other letters in it than ASCII has.
    is_foreign: bool


def reading_of(text: str, packed: bytes | None = None) -> Reading:
    """Read *text*; of a very long one, the beginning. *packed* are its terms, if they are known."""
    text = text[:LONG_TEXT]
    if packed is None:
        packed = packed_terms(text)
    count = len(packed) // TERM_BYTES
    if text.isascii():  # as below, in a third of the time
        words = count_words(text, count) if "'" in text else count
        tokens = -(-min(len(text), LINE_LIMIT) // 4)
        return Reading(packed, words, "?" in text, tokens, False)  # noqa: FBT003
    asks = any(map(text.__contains__, QUESTION_MARKS))
    tokens = approximate_tokens(text[:LINE_LIMIT])
    return Reading(packed, count_words(text, count), asks, tokens, is_foreign=True)


def passages(length: int) -> list[tuple[int, int]]:
    """Cut a text of so many terms into overlapping stretches: where each begins and ends.

    A short text is its only passage.
    """
    starts = range(_STEP, length - (PASSAGE - _STEP), _STEP)
    return [(start, min(start + PASSAGE, length)) for start in (0, *starts)]


def approximate_tokens(text: str) -> int:
    """Count four ASCII characters as a token, and every other character as one."""
    if text.isascii():
        return -(-len(text) // 4)
    ascii_only = len(text.encode("ascii", "ignore"))
    return -(-ascii_only // 4) + len(text) - ascii_only


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


def has_digit(text: str) -> bool:
    """Whether there is a digit in *text*."""
    return _ANY_DIGIT.search(text[:LONG_TEXT]) is not None


def shows(sign: Sign, text: str, *, has_clue: bool) -> bool:
    """Whether *sign* is in *text*; *has_clue* says that one of its clues is among the terms.

    Only plain text without a clue need not be searched.
    """
    text = text[:LONG_TEXT]
    if not text.isascii():
        return sign.pattern.search(text) is not None
    if not has_clue and not (sign.digits and has_digit(text)):
        return False
    return sign.plain.search(text.lower()) is not None
