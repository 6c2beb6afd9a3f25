"""Moments of submits, whatever the clock does."""

from __future__ import annotations

from longterm.reflect.durable.moment import Moments


def test_a_later_submit_is_newer_even_if_the_clock_stands_or_is_set_back() -> None:
    clock = iter([1000, 1000, 5, 2000])
    moments = Moments(lambda: next(clock))
    assert [moments.next() for _ in range(4)] == [1000, 1001, 1002, 2000]
