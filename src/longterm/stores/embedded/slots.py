"""Slots: the items of a scope, each at its place in the arrays. Pure.

An item that changes gets a new slot and its old one dies, so arrays only grow at the end and a
view that is still read stays true.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from longterm.stores.matrix import distinct

__all__ = ["Slots"]

Rows = list[tuple[int, ...]]


@dataclass(frozen=True)
class Slots:
    """The items of a scope: number, revision, namespace, and whether the slot is still theirs."""

    ids: NDArray[np.int64]
    revisions: NDArray[np.int64]
    namespaces: NDArray[np.int64]
    live: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Rows) -> "Slots":
        """Make a slot for each row of number, revision and namespace."""
        flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=3 * len(rows))
        ids, revisions, namespaces = flat.reshape(-1, 3).T.copy()
        return cls(ids, revisions, namespaces, np.ones(len(rows), dtype=np.bool_))

    @property
    def nbytes(self) -> int:
        """How much memory they take, with the orders they are looked up in."""
        return 6 * self.ids.nbytes + self.live.nbytes

    def appended(self, rows: Rows, removed: Sequence[int]) -> "Slots":
        """Others, where *rows* are new and what stood for them or for *removed* is dead."""
        new = Slots.of(rows)
        dead = np.isin(self.ids, np.concatenate([new.ids, np.array(removed, dtype=np.int64)]))
        return Slots(
            np.concatenate([self.ids, new.ids]),
            np.concatenate([self.revisions, new.revisions]),
            np.concatenate([self.namespaces, new.namespaces]),
            np.concatenate([self.live & ~dead, new.live]),
        )

    def places(self, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Find the living slots of items that are all there."""
        slots, numbers = self._by_number
        return slots[np.searchsorted(numbers, np.asarray(ids, dtype=np.int64))]

    def around(self, slots: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
        """Find living *slots* and those written up to *reach* before and after, ascending.

        Numbers are given in the order of writing; neighbours are of the same namespace.
        """
        line, places = self._in_line
        reach = min(reach, len(line))
        at = places[slots][:, None] + np.arange(-reach, reach + 1)
        near = line[np.clip(at, 0, len(line) - 1)]
        same = self.namespaces[near] == self.namespaces[slots][:, None]
        return distinct(near[same])

    @cached_property
    def _by_number(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        living = np.flatnonzero(self.live)
        ordered = living[np.argsort(self.ids[living], kind="stable")]
        return ordered, self.ids[ordered]

    @cached_property
    def _in_line(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Order the living slots by namespace and number; where each slot stands in it."""
        ordered, _ = self._by_number
        line = ordered[np.argsort(self.namespaces[ordered], kind="stable")]
        places = np.zeros(len(self.ids), dtype=np.int64)
        places[line] = np.arange(len(line))
        return line, places
