"""Tell the user what is about to be downloaded, how big it is, and how far it is.

Writes to standard error only, so that a program's own output stays clean.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from longterm.local.catalogue import KnownModel
from longterm.local.sources import Progress as Report

__all__ = ["announced"]


@contextmanager
def announced(model: KnownModel, folder: Path, source: str) -> Iterator[Report]:
    """Say what comes from where, then show a bar that the yielded function moves."""
    console = Console(stderr=True)
    console.print(
        f"Getting {model.name} from {source}: {model.size / 1e9:.2f} GB, licence "
        f"{model.licence}, into {folder}",
        highlight=False,
        soft_wrap=True,
    )
    with Progress(*_columns(), console=console) as bar:
        task = bar.add_task(model.name, total=model.size)
        yield lambda size: bar.advance(task, size)


def _columns() -> tuple[TextColumn, BarColumn, DownloadColumn, TimeRemainingColumn]:
    name = TextColumn("{task.description}")
    return name, BarColumn(), DownloadColumn(), TimeRemainingColumn()
