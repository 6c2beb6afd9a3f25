"""Rules: functions that say what stands where in a text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

__all__ = ["Match", "Rule"]


class Match(NamedTuple):
    """A stretch of a text, and the class of what stands there."""

    class_: str
    start: int
    end: int


#: Finds in a text what belongs to one class or several; (class, start, end) tuples will do.
Rule = Callable[[str], Iterable[tuple[str, int, int]]]
