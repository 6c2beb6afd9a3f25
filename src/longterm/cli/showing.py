"""How commands show things: tables on standard output, progress on standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

__all__ = ["bar", "table"]

T = TypeVar("T")


def table(rows: Sequence[Sequence[str]], title: str) -> Table:
    """Make a table of *rows*; the first one holds its heads."""
    heads, *rest = rows
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, head in enumerate(heads):
        made.add_column(head, justify="right" if number else "left", no_wrap=True)
    for row in rest:
        made.add_row(*row)
    return made


def bar(what: str, steps: Iterable[T], total: int) -> Iterator[T]:
    """Hand on *steps*, with a bar while they last."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        yield from progress.track(steps, total=total, description=what)
