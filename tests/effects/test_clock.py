"""Clocks: the real one, and the one that stands until it is moved."""

from __future__ import annotations

import threading

from longterm import testing
from longterm.effects.clock import ManualClock, MonotonicTimestamps, SystemClock

SOON = 10


def test_a_manual_clock_moves_only_when_told_to() -> None:
    clock = ManualClock(wall=100.0)
    assert (clock.now(), clock.wall()) == (0.0, 100.0)
    clock.advance(1.5)
    assert (clock.now(), clock.wall()) == (1.5, 101.5)


def test_advancing_a_manual_clock_wakes_who_waits() -> None:
    clock, changed = ManualClock(), threading.Condition()
    at_work = threading.Event()

    def wait() -> None:
        with changed:
            at_work.set()
            while clock.now() < 60:
                clock.wait(changed, 60)

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    assert at_work.wait(SOON)
    clock.advance(60)
    waiter.join(SOON)
    assert not waiter.is_alive()


def test_nobody_waits_for_a_moment_that_is_over() -> None:
    for clock in (ManualClock(), SystemClock()):
        changed = threading.Condition()
        with changed:
            clock.wait(changed, clock.now())


def test_the_clock_for_tests_is_among_the_fakes() -> None:
    assert testing.ManualClock is ManualClock


def test_a_later_timestamp_is_newer_even_if_the_clock_stands_or_is_set_back() -> None:
    clock = iter([1000, 1000, 5, 2000])
    timestamps = MonotonicTimestamps(lambda: next(clock))
    assert [timestamps.next() for _ in range(4)] == [1000, 1001, 1002, 2000]
