"""How commands show things: tables on standard output, progress on standard error."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from longterm.errors import ConfigurationError

__all__ = [
    "advancing",
    "bar",
    "one_line",
    "output",
    "print_json",
    "print_line",
    "print_table",
    "report_file",
    "table",
    "write_report",
]

T = TypeVar("T")

#: What would move the cursor or change colours of the terminal it is printed on.
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f]")
#: Columns for what is no terminal: a file, or another program.
_WIDE = 1_000


def output(*, quiet: bool = False) -> Console:
    """Return standard output; where it is no terminal, no table is folded or cut."""
    console = Console(quiet=quiet)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def table(rows: Sequence[Sequence[str]], title: str) -> Table:
    """Make a table of *rows*; the first one holds its heads."""
    heads, *rest = rows
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, head in enumerate(heads):
        made.add_column(head, justify="right" if number else "left", no_wrap=True)
    for row in rest:
        made.add_row(*row)
    return made


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print *rows* as a table, the first as its heads; long cells are folded, never cut."""
    heads, *rest = rows
    made = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_header=any(heads))
    for head in heads:
        made.add_column(head, overflow="fold")
    for row in rest:
        made.add_row(*map(escape, row))
    output().print(made)


def print_json(data: object) -> None:
    """Print *data* as JSON, for programs."""
    print_line(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def print_line(text: str, *, err: bool = False) -> None:
    """Print *text* as it is, without colours or folding."""
    Console(stderr=err).out(text, highlight=False)


def one_line(content: object) -> str:
    """Return a memory's content, or any other value, as one line of text."""
    shown = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return " ".join(_CONTROLS.sub(" ", shown).split())


def bar(
    what: str, steps: Iterable[T], total: int | None, weight: Callable[[T], int] = lambda _: 1
) -> Iterator[T]:
    """Hand on *steps*, with a bar while they last; their weights make *total*, if it is known."""
    with advancing(what) as advance:
        done = 0
        for step in steps:
            yield step
            done += weight(step)
            advance(done, total)


@contextmanager
def advancing(what: str) -> Generator[Callable[[int, int | None], None]]:
    """Show a bar, and give a function that says how much is done of how much."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)

        def advance(done: int, total: int | None) -> None:
            """Move the bar; where the end is not known, count."""
            counted = what if total is not None else f"{what} {done:,}"
            progress.update(task, completed=done, total=total, description=counted)

        yield advance


def report_file(path: Path | None) -> Path | None:
    """Return *path* if a report can be written there: known before the long run, not after."""
    if path is None:
        return None
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise _unwritable(path, "no such folder or file")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise _unwritable(path, "we may not write there")
    return path


def write_report(path: Path | None, report: dict[str, Any]) -> None:
    """Write *report* to *path*, if there is one."""
    if path is not None:
        text = json.dumps(report, indent=2, ensure_ascii=False)
        try:
            path.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise _unwritable(path, error.strerror or str(error)) from error


def _unwritable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"The report cannot be written to {path}: {why}.")
