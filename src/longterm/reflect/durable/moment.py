"""Moments of submits, by which all processes agree which of two payloads is newer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Moments"]


class Moments:
    """Nanoseconds since 1970, each later than the one before, even if the clock is set back."""

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now = now
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return the next moment."""
        with self._lock:
            self._last = max(self._now(), self._last + 1)
            return self._last
