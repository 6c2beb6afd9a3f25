"""Which terms recall's rules know. Pure.

A conversation has many thousand terms, and each rule asks which of them it knows. So all rules
share one table, in which a term has its place by some of its own bits: one look-up says of every
term which rules know it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from longterm.recall.language import NUMBERS, STANDING, STOP_TERMS, TIME_WORDS, Sign
from longterm.text.tokenizer import TERM_BYTES, pack_terms

__all__ = ["STOP", "Vocabulary", "clue_to", "known_by", "unpacked_terms"]

#: Places of the table, as a number of bits; no two terms may have the same.
_BITS = 15


def unpacked_terms(packed: bytes) -> NDArray[np.int64]:
    """Read hashes of terms (`pack_terms`) as numbers of this machine."""
    return np.frombuffer(packed, "<i8").astype(np.int64, copy=False)


class Vocabulary:
    """Groups of terms; the first has bit 1, the next bit 2, and so on."""

    def __init__(self, groups: Sequence[bytes]) -> None:
        marks: dict[int, int] = {}
        for number, packed in enumerate(groups):
            for term in unpacked_terms(packed).tolist():
                marks[term] = marks.get(term, 0) | 1 << number
        known = np.array([*marks], np.int64)
        # Some bits of a hash are as good as others: the first that tell all terms apart.
        shifts = range(8 * TERM_BYTES - _BITS)
        self._shift = next(at for at in shifts if len({*_places(known, at).tolist()}) == len(known))
        places = _places(known, self._shift)
        self._terms = np.zeros(1 << _BITS, np.int64)
        self._terms[places] = known
        self._marks = np.zeros(1 << _BITS, np.uint8)
        self._marks[places] = [*marks.values()]

    def marks(self, terms: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the bits of the groups that hold each of *terms*, 0 for one that none holds."""
        places = _places(terms, self._shift)
        return self._marks[places] * (self._terms[places] == terms)


def _places(terms: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
    return (terms >> shift) & ((1 << _BITS) - 1)


_SIGNS = (STANDING, TIME_WORDS, NUMBERS)
_RULES = Vocabulary([pack_terms([*STOP_TERMS]), *(sign.clue_terms for sign in _SIGNS)])
#: The bit of terms that say nothing of what a text is about.
STOP = 1


def known_by(terms: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Tell of each of *terms* which rules know it, a bit for each rule."""
    return _RULES.marks(terms)


def clue_to(sign: Sign) -> int:
    """Return the bit of the clues to *sign*."""
    return 2 << _SIGNS.index(sign)
