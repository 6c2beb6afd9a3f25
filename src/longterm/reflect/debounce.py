"""Which task runs next: at most one waits and one runs per key; a newer one replaces the waiting.

Pure: no threads, no clock, no I/O. Every moment is an argument, and who shares a
`Debounce` between threads brings the lock.

Rule 1: a key has at most one waiting item; `put` replaces it, its due time included.
Rule 2: a key has at most one running item; the waiting one stays until `done`.
Rule 3: of all that is due, what was due first goes first.
Rule 4: what replaces is due no later than the latest moment of the first that it replaces.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["Debounce"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class _Entry(Generic[T]):
    due: float
    turn: int
    key: Hashable = field(compare=False)
    item: T = field(compare=False)
    latest: float = field(compare=False)


class Debounce(Generic[T]):
    """Items that wait under a key until they are due, see the rules above."""

    #: Replaced entries stay in the heap until they surface; with more than this many they go.
    _SLACK = 64

    def __init__(self) -> None:
        self._waiting: dict[Hashable, _Entry[T]] = {}
        self._running: dict[Hashable, _Entry[T]] = {}
        self._heap: list[_Entry[T]] = []
        self._turn = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._waiting

    @property
    def running(self) -> int:
        """How many items were taken and are not done."""
        return len(self._running)

    def waiting_items(self) -> list[T]:
        """Return the items that wait, as they are due."""
        return [entry.item for entry in sorted(self._waiting.values())]

    def running_items(self) -> list[T]:
        """Return the items that were taken and are not done."""
        return [entry.item for entry in self._running.values()]

    def items(self) -> list[T]:
        """Return all items that wait or run."""
        return self.waiting_items() + self.running_items()

    def put(self, key: Hashable, item: T, due: float, latest: float = math.inf) -> T | None:
        """Let *item* wait until *due*, at the *latest* until then; return the item it replaces."""
        replaced = self._waiting.get(key)
        if replaced is not None:
            latest = replaced.latest
        self._turn += 1
        self._push(_Entry(min(due, latest), self._turn, key, item, latest))
        return None if replaced is None else replaced.item

    def take(self, now: float) -> tuple[Hashable, T] | None:
        """Start the next item that is due, if any."""
        due = self.next_due()
        if due is None or due > now:
            return None
        entry = heapq.heappop(self._heap)
        del self._waiting[entry.key]
        self._running[entry.key] = entry
        return entry.key, entry.item

    def done(self, key: Hashable) -> None:
        """End the running item of *key*; what waits behind it may go on."""
        self._running.pop(key, None)
        if (entry := self._waiting.get(key)) is not None:
            self._push(entry)

    def is_first(self, key: Hashable, together: float) -> bool:
        """Tell whether nothing runs that comes before the running item of *key*.

        What was due more than *together* seconds before it does not count.
        """
        own, running = self._running[key], self._running.values()
        return not any(own.due - together <= one.due and one < own for one in running)

    def next_due(self) -> float | None:
        """When the next item can start; None where nothing waits but behind a running one."""
        # What was replaced, and what waits behind a running one that pushes it again, is idle.
        while self._heap and (
            self._waiting.get(self._heap[0].key) is not self._heap[0]
            or self._heap[0].key in self._running
        ):
            heapq.heappop(self._heap)
        return self._heap[0].due if self._heap else None

    def drop(self, key: Hashable, item: T) -> bool:
        """Forget *item*, if it is the one that waits."""
        entry = self._waiting.get(key)
        if entry is None or entry.item is not item:
            return False
        del self._waiting[key]
        return True

    def drain(self, concerns: Callable[[T], bool] = lambda _: True) -> list[T]:
        """Forget every waiting item that *concerns* is true of, and return them by due time."""
        entries = sorted(entry for entry in self._waiting.values() if concerns(entry.item))
        for entry in entries:
            del self._waiting[entry.key]
        return [entry.item for entry in entries]

    def hurry(self, now: float) -> None:
        """Make everything that waits due *now*, in the order it was due anyway."""
        for entry in sorted(self._waiting.values()):
            self.put(entry.key, entry.item, min(entry.due, now))

    def _push(self, entry: _Entry[T]) -> None:
        self._waiting[entry.key] = entry
        heapq.heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self._waiting) + self._SLACK:
            self._heap = list(self._waiting.values())
            heapq.heapify(self._heap)
