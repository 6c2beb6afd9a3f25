"""The vectors of one scope in memory, and exact cosines over them. Pure.

Rows are unit vectors, so a cosine is one product. An item may own several rows; its best one
counts. A matrix is never changed: a longer one shares the memory of the shorter, whose rows
end earlier. What was loaded stays in the blocks it came in: one array would take its memory anew
each time it outgrows that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Matrix",
    "Vector",
    "best_by_owner",
    "distinct",
    "pack",
    "product",
    "unpack",
    "widened",
    "widened_product",
]

Vector = NDArray[np.float32]

#: So many numbers are widened at once.
_IN_CACHE = 65_536
#: The bits of a half that are widened, and by how much the exponents differ.
_SIGN_AND_NUMBER, _BIAS = np.int32(-0x7000_2000), np.float32(2.0 ** (127 - 15))


def pack(rows: NDArray[np.float64]) -> list[bytes]:
    """Shape vectors, a row each, as they stand in the file: of length one, in half precision."""
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    norms[norms == 0] = 1
    return list(map(bytes, (rows / norms[:, None]).astype("<f2")))


def unpack(packed: Sequence[bytes], dims: int) -> NDArray[np.float16]:
    """Vectors from the file, a row each."""
    return np.frombuffer(b"".join(packed), dtype="<f2").reshape(-1, dims)


def widened(rows: NDArray[np.float16], out: Vector | None = None) -> Vector:
    """Return *rows*, which hold finite numbers, in single precision; in *out*, if it is given.

    numpy converts one number after the other. Shifted to its place a half is the single of the
    same number but for the bias of the exponent, 127 instead of 15: one product puts that right.
    """
    wide = np.empty(rows.shape, np.float32) if out is None else out
    halves, singles = rows.reshape(-1).view("<i2"), wide.reshape(-1)
    for start in range(0, len(halves), _IN_CACHE):
        part = singles[start : start + _IN_CACHE]
        bits = part.view(np.int32)
        bits[:] = halves[start : start + _IN_CACHE]
        bits <<= 13
        bits &= _SIGN_AND_NUMBER
        part *= _BIAS
    return wide


def product(rows: NDArray[np.float32], query: Vector) -> Vector:
    """Multiply each row with *query*."""
    # BLAS wakes its threads even for a few rows, and waits for them at the processor's expense:
    # 10,000 rows take it four times as long, 100,000 still twice.
    return np.einsum("ij,j->i", rows, query)


def widened_product(rows: NDArray[np.float16], query: Vector) -> Vector:
    """Do the same with rows that are widened a few at a time, in memory that is used again."""
    found, at_once = np.empty(len(rows), np.float32), max(_IN_CACHE // len(query), 1)
    wide = np.empty((min(at_once, len(rows)), len(query)), np.float32)
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        found[start : start + at_once] = product(widened(part, wide[: len(part)]), query)
    return found


def distinct(slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each of *slots* once, in order."""
    # np.unique imports numpy.ma, which takes as long as the first question of a conversation.
    return np.flatnonzero(np.bincount(slots))


def best_by_owner(cosines: Vector, owners: NDArray[np.int32], slots: int) -> Vector:
    """Find the best cosine of every slot; NaN where it owns no row."""
    found = np.full(slots, np.nan, dtype=np.float32)
    np.fmax.at(found, owners, cosines)
    return found


@dataclass(frozen=True)
class Matrix:
    """Rows, the slots that own them, and how many rows there are."""

    #: The first rows, block by block.
    blocks: tuple[Vector, ...]
    #: Those behind, with room for more.
    rows: Vector
    owners: NDArray[np.int32]
    size: int

    @classmethod
    def of(cls, blocks: Sequence[Vector], owners: NDArray[np.int32], dims: int) -> "Matrix":
        """Make a matrix of *blocks* of rows."""
        return cls(tuple(blocks), np.empty((0, dims), np.float32), owners, len(owners))

    @cached_property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return sum(array.nbytes for array in (*self.blocks, self.rows, self.owners))

    def appended(self, rows: NDArray[np.float16], owners: NDArray[np.int32]) -> "Matrix":
        """Another one with more rows; only the longest of a family may be appended to."""
        before, size = self.size, self.size + len(rows)
        first = len(self.owners) - len(self.rows)
        longer = self
        if size > len(self.owners):
            room = size + size // 4
            longer = replace(
                self,
                rows=np.empty((room - first, self.rows.shape[1]), np.float32),
                owners=np.empty(room, np.int32),
            )
            longer.rows[: before - first] = self.rows[: before - first]
            longer.owners[:before] = self.owners[:before]
        widened(rows, longer.rows[before - first : size - first])
        longer.owners[before:size] = owners
        return replace(longer, size=size)

    def cosines(self, query: Vector, slots: int) -> Vector:
        """Find the best cosine of every slot; NaN where it has no vector."""
        parts = (*self.blocks, self.rows[: self.size + len(self.rows) - len(self.owners)])
        cosines = np.concatenate([product(part, query) for part in parts])
        owners = self.owners[: self.size]
        if not self._is_single:
            return best_by_owner(cosines, owners, slots)
        found = np.full(slots, np.nan, dtype=np.float32)
        found[owners] = cosines
        return found

    @cached_property
    def _is_single(self) -> bool:
        """Whether no slot owns two rows."""
        return np.bincount(self.owners[: self.size]).max(initial=0) <= 1
