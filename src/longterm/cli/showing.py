"""How commands show things: tables on standard output, progress on standard error."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

__all__ = ["bar", "report_file", "table", "write_report"]

from longterm.errors import ConfigurationError

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
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(steps, total=total, description=what)


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
