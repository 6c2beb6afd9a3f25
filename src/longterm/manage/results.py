"""Results with something to say: lists that carry a report of what happened.

They are ordinary lists, equal to any other list with the same items.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from longterm.commit import Written
from longterm.effects.warn import warn_caller
from longterm.errors import DroppedWarning
from longterm.extract.report import ExtractionReport
from longterm.memory.revision import ExtractionRun

__all__ = ["Results", "warn_of_dropped"]

T = TypeVar("T")


class Results(list[T]):
    """A list of results; `report` tells calls, tokens, and what was dropped and why.

    `written` is what became of a store's items, what was deleted as well, and `run` what it took,
    as the revisions say it; None where the model did not say its tokens.
    """

    def __init__(
        self,
        items: Iterable[T] = (),
        report: ExtractionReport | None = None,
        written: Sequence[Written] = (),
        run: ExtractionRun | None = None,
    ) -> None:
        super().__init__(items)
        self.report = report or ExtractionReport()
        self.written = tuple(written)
        self.run = run


def warn_of_dropped(report: ExtractionReport) -> None:
    """Issue a `DroppedWarning` for each thing that was dropped; what it was, only the report says.

    Warnings end in logs, and what was left out may quote what people said.
    """
    for dropped in report.dropped:
        what = f"Left out of what a model wanted to remember, see the report: {dropped.note}"
        warn_caller(what, DroppedWarning)
