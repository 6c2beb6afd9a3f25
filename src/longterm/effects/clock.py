"""Time, as what waits sees it: a clock to read and a way to wait on it.

`SystemClock` is the real one. `ManualClock` stands still until a test moves it, so that a test
of half an hour's delay takes no time and never depends on how busy the machine is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

__all__ = ["Clock", "ManualClock", "MonotonicTimestamps", "SystemClock", "utc_now"]


#: Returns the time of this machine, in UTC.
utc_now: Callable[[], datetime] = partial(datetime.now, UTC)


class Clock(Protocol):
    """What is asked about time."""

    def now(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""
        ...

    def wall(self) -> float:
        """Seconds since 1970, for dates."""
        ...

    def wait(self, changed: threading.Condition, until: float | None) -> None:
        """Wait, holding *changed*, until it is notified or `now` has reached *until*."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Seconds of the monotonic clock, which cannot be set back."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, changed: threading.Condition, until: float | None) -> None:
        """Wait for a notification, at most *until* then."""
        # A lock cannot wait longer than TIMEOUT_MAX (50 days on Windows): look again then.
        longest = threading.TIMEOUT_MAX
        changed.wait(None if until is None else min(max(0.0, until - self.now()), longest))


class ManualClock:
    """A clock that moves only when it is advanced. Thread-safe."""

    def __init__(self, wall: float = 0.0) -> None:
        self._start = wall
        self._passed = 0.0
        self._waiting: set[threading.Condition] = set()
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds that were advanced so far."""
        return self._passed

    def wall(self) -> float:
        """Return the moment given at construction plus what was advanced since."""
        return self._start + self._passed

    def wait(self, changed: threading.Condition, until: float | None) -> None:
        """Wait for a notification, or for `advance`, which is one for everybody."""
        with self._lock:
            if until is not None and until <= self._passed:
                return
            self._waiting.add(changed)
        changed.wait()

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass at once and wake everybody who waits."""
        with self._lock:
            self._passed += seconds
            waiting, self._waiting = self._waiting, set()
        for changed in waiting:
            with changed:
                changed.notify_all()


class MonotonicTimestamps:
    """Nanoseconds since 1970, each later than the one before, even if the clock is set back.

    By them all processes agree which of two things is newer. Thread-safe.
    """

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now = now
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return the next moment."""
        with self._lock:
            self._last = max(self._now(), self._last + 1)
            return self._last
