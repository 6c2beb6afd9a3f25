"""The command line: ``longterm demo``, … . Needs the extra ``[cli]``."""

from __future__ import annotations

import sys

from longterm.errors import LongtermError, MissingExtraError

__all__ = ["main"]


def main() -> None:
    """Run the command line; an error of ours is a sentence and exit code 1, not a traceback."""
    try:
        _app()
    except LongtermError as error:
        sys.exit(f"longterm: {error}")


def _app() -> None:
    try:
        from longterm.cli.app import app  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("The command line", "cli") from error
    app()
