"""The command line: ``longterm demo``, … . Needs the extra ``[cli]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from longterm.errors import LongtermError, MissingExtraError

__all__ = ["main"]


def main() -> None:
    """Run the command line; an error of ours is a sentence and exit code 1, not a traceback."""
    try:
        try:
            from longterm.cli.app import app  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise MissingExtraError("The command line", "cli") from error
        app(_renamed_options(sys.argv[1:]), prog_name="longterm")
    except LongtermError as error:
        sys.exit(f"longterm: {error}")


def _renamed_options(words: Sequence[str]) -> list[str]:
    """Return *words* with ``eval``'s old ``--json FILE`` as ``--report FILE``."""
    renamed = list(words)
    if words[:1] == ["eval"] and "--json" in words[:-1]:
        at = renamed.index("--json")
        if not renamed[at + 1].startswith("-"):
            renamed[at] = "--report"
            sys.stderr.write("longterm: eval writes its report to --report FILE from now on.\n")
    return renamed
