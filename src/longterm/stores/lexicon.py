"""The text index of one scope in memory: which item holds which term how often. Pure.

A term is the 64-bit hash of its text. What is asked often is sorted by term, so that a term is
one slice; what came later waits in a short unsorted tail until it is worth sorting in. An item is
known by its *slot*, its place in the arrays of the scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longterm.text.tokenizer import TERM_BYTES, pack_terms

__all__ = ["Lexicon", "Postings", "hashed"]

_TAIL = 4096


def hashed(terms: Sequence[str]) -> list[np.uint64]:
    """Terms as they are looked up."""
    return list(_unpacked(pack_terms(terms)))


@dataclass(frozen=True, slots=True)
class Postings:
    """The slots that hold a term, and how often."""

    slots: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Terms and slots side by side, and the number of terms in each slot."""

    terms: NDArray[np.uint64]
    slots: NDArray[np.int32]
    #: As they came, block by block: to join them would take memory that is new.
    tail_terms: tuple[NDArray[np.uint64], ...]
    tail_slots: NDArray[np.int32]
    lengths: NDArray[np.float32]

    @classmethod
    def of(cls, packed: Sequence[bytes]) -> "Lexicon":
        """Make the lexicon of these items, one for each slot; not sorted yet.

        To sort takes as long as some hundred terms take that are looked up without.
        """
        return cls.of_runs([b"".join(packed)], _sizes(packed), np.arange(len(packed)), len(packed))

    @classmethod
    def of_runs(
        cls,
        blocks: Sequence[bytes],
        sizes: NDArray[np.int64],
        slots: NDArray[np.int64],
        count: int,
    ) -> "Lexicon":
        """Make the same of *count* slots, where *blocks* hold so many terms of each of *slots*."""
        lengths = np.zeros(count, dtype=np.float32)
        lengths[slots] = sizes
        owners = np.repeat(slots.astype(np.int32), sizes)
        nothing = np.zeros(0, np.uint64), np.zeros(0, np.int32)
        return cls(*nothing, tuple(map(_unpacked, blocks)), owners, lengths)

    @property
    def is_sorted(self) -> bool:
        """Whether most of it is."""
        return len(self.tail_slots) <= max(_TAIL, len(self.terms) // 8)

    def in_order(self) -> "Lexicon":
        """Return one that is sorted as a whole."""
        terms = np.concatenate([self.terms, *self.tail_terms])
        slots = np.concatenate([self.slots, self.tail_slots])
        order = np.argsort(terms)  # a stable sort takes five times as long
        return Lexicon(terms[order], slots[order], (), np.zeros(0, np.int32), self.lengths)

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        arrays: tuple[NDArray[Any], ...] = (
            self.terms, self.slots, *self.tail_terms, self.tail_slots, self.lengths,
        )  # fmt: skip
        return sum(array.nbytes for array in arrays)

    def appended(self, packed: Sequence[bytes]) -> "Lexicon":
        """Another one with more slots at the end."""
        *blocks, terms = *self.tail_terms, _unpacked(b"".join(packed))
        if blocks and len(blocks[-1]) < _TAIL:  # many short ones would take long to look through
            terms = np.concatenate([blocks.pop(), terms])
        sizes, first = _sizes(packed), len(self.lengths)
        slots = np.repeat(np.arange(first, first + len(sizes), dtype=np.int32), sizes)
        longer = Lexicon(
            self.terms,
            self.slots,
            (*blocks, terms),
            np.concatenate([self.tail_slots, slots]),
            np.concatenate([self.lengths, sizes], dtype=np.float32),
        )
        return longer.in_order() if self.is_sorted and not longer.is_sorted else longer

    def postings(self, term: np.uint64) -> Postings:
        """Where *term* stands; slots in ascending order."""
        low, high = (
            np.searchsorted(self.terms, term, "left"),
            np.searchsorted(self.terms, term, "right"),
        )
        found, start = [self.slots[low:high]], 0
        for block in self.tail_terms:
            found.append(self.tail_slots[start : start + len(block)][block == term])
            start += len(block)
        return _run_lengths(np.sort(np.concatenate(found)))


def _run_lengths(slots: NDArray[np.int32]) -> Postings:
    """Run lengths, without the overhead that np.diff has on the few slots of most terms."""
    if len(slots) == 0:
        return Postings(slots.astype(np.int64), slots.astype(np.int64))
    starts = np.concatenate([[0], np.flatnonzero(slots[1:] != slots[:-1]) + 1])
    ends = np.concatenate([starts[1:], [len(slots)]])
    return Postings(slots[starts].astype(np.int64), ends - starts)


def _unpacked(packed: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(packed, dtype="<u8").astype(np.uint64, copy=False)


def _sizes(packed: Sequence[bytes]) -> NDArray[np.int64]:
    return np.array([len(terms) // TERM_BYTES for terms in packed], dtype=np.int64)
