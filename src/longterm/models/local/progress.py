"""Tell the user what is about to be downloaded, how big it is, and how far it is.

Writes to standard error only, so that a program's own output stays clean.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from longterm.models.local.catalogue import KnownModel
from longterm.models.local.sources import Progress as Report

__all__ = ["announce", "download_bar"]


def announce(model: KnownModel) -> None:
    """Say what is about to be fetched and how big it is."""
    print(  # noqa: T201 (the one message that must be seen before a gigabyte moves)
        f"Getting the model {model.name}: {model.size / 1e9:.2f} GB, licence {model.licence}",
        file=sys.stderr,
    )


@contextmanager
def download_bar(model: KnownModel, source: str) -> Generator[Report]:
    """Yield a function that moves a bar, which appears with the first bytes reported."""
    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), DownloadColumn(), TimeRemainingColumn())
    shown = Progress(*columns, console=Console(stderr=True))
    task = shown.add_task(f"{model.name} from {source}", total=model.size)

    def report(size: int) -> None:
        # Not before: the hub's library shows a bar of its own.
        shown.start()
        shown.advance(task, size)

    try:
        yield report
    finally:
        shown.stop()
