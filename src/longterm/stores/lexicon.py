"""The text index of one scope in memory: which item holds which term how often. Pure.

A term is the 64-bit hash of its text. What is asked often is sorted by term, so that a term is
one slice, with its counts; what came later waits in a short unsorted tail until it is worth
sorting in. An item is
known by its *slot*, its place in the arrays of the scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

    slots: NDArray[np.signedinteger[Any]]
    counts: NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Terms with the slots that hold them, and the number of terms in each slot."""

    #: Each once, ascending; and where its slots begin, those of the next being their end.
    terms: NDArray[np.uint64]
    starts: NDArray[np.int64]
    #: Of one term after the other, ascending; and how often each holds it.
    slots: NDArray[np.int32]
    counts: NDArray[np.int32]
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
        nothing = np.zeros(0, np.int32)
        sorted_part = np.zeros(0, np.uint64), np.zeros(1, np.int64), nothing, nothing
        return cls(*sorted_part, tuple(map(_unpacked, blocks)), owners, lengths)

    @property
    def is_sorted(self) -> bool:
        """Whether most of it is."""
        return len(self.tail_slots) <= max(_TAIL, len(self.slots) // 8)

    def in_order(self) -> "Lexicon":
        """Return one that is sorted as a whole."""
        known = np.repeat(self.terms, np.diff(self.starts))
        terms = np.concatenate([np.repeat(known, self.counts), *self.tail_terms])
        slots = np.concatenate([np.repeat(self.slots, self.counts), self.tail_slots])
        order = np.argsort(terms)  # a stable sort takes five times as long
        terms, slots = terms[order], slots[order]
        is_new = _differs(terms)
        # The number of the term and its slot in one, so that a sort of numbers does for both.
        pairs = (np.cumsum(is_new) - 1) << 32 | slots
        pairs.sort()
        firsts = np.flatnonzero(_differs(pairs))
        terms, pairs = terms[is_new], pairs[firsts]
        return Lexicon(
            terms,
            np.searchsorted(pairs >> 32, np.arange(len(terms) + 1)),
            (pairs & 0xFFFF_FFFF).astype(np.int32),
            np.diff(firsts, append=len(order)).astype(np.int32),
            (),
            np.zeros(0, np.int32),
            self.lengths,
        )

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        arrays: tuple[NDArray[Any], ...] = (
            self.terms, self.starts, self.slots, self.counts, *self.tail_terms, self.tail_slots,
            self.lengths,
        )  # fmt: skip
        return sum(array.nbytes for array in arrays)

    def appended(self, packed: Sequence[bytes]) -> "Lexicon":
        """Another one with more slots at the end."""
        *blocks, terms = *self.tail_terms, _unpacked(b"".join(packed))
        if blocks and len(blocks[-1]) < _TAIL:  # many short ones would take long to look through
            terms = np.concatenate([blocks.pop(), terms])
        sizes, first = _sizes(packed), len(self.lengths)
        slots = np.repeat(np.arange(first, first + len(sizes), dtype=np.int32), sizes)
        longer = replace(
            self,
            tail_terms=(*blocks, terms),
            tail_slots=np.concatenate([self.tail_slots, slots]),
            lengths=np.concatenate([self.lengths, sizes], dtype=np.float32),
        )
        return longer.in_order() if self.is_sorted and not longer.is_sorted else longer

    def postings(self, term: np.uint64) -> Postings:
        """Where *term* stands; slots in ascending order."""
        at = int(np.searchsorted(self.terms, term))
        known = slice(0, 0)
        if at < len(self.terms) and self.terms[at] == term:
            known = slice(*self.starts[at : at + 2].tolist())
        if not self.tail_terms:
            return Postings(self.slots[known], self.counts[known])
        late, start = [np.repeat(self.slots[known], self.counts[known])], 0
        for block in self.tail_terms:
            late.append(self.tail_slots[start : start + len(block)][block == term])
            start += len(block)
        slots = np.sort(np.concatenate(late))
        firsts = np.flatnonzero(_differs(slots))
        return Postings(slots[firsts], np.diff(firsts, append=len(slots)).astype(np.int32))


def _differs(sorted_numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which of the numbers is another than the one before it."""
    found = np.ones(len(sorted_numbers), np.bool_)
    np.not_equal(sorted_numbers[1:], sorted_numbers[:-1], out=found[1:])
    return found


def _unpacked(packed: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(packed, dtype="<u8").astype(np.uint64, copy=False)


def _sizes(packed: Sequence[bytes]) -> NDArray[np.int64]:
    return np.array([len(terms) // TERM_BYTES for terms in packed], dtype=np.int64)
