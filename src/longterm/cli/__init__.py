"""The command line: ``longterm demo``, … . Needs the extra ``[cli]``.

With ``--json`` errors and warnings are JSON too: one object a line on standard error, beside the
exit code.
"""

from __future__ import annotations

import json
import sys
import warnings
from functools import partial
from typing import Protocol, runtime_checkable

from longterm.errors import LongtermError, MissingExtraError, UnreadableAnswerError

__all__ = ["main"]


@runtime_checkable
class _UsageError(Protocol):
    """What typer raises for a wrong option; its class is click's, or typer's own copy of it."""

    exit_code: int

    def format_message(self) -> str: ...


def main() -> None:
    """Run the command line; an error of ours is a sentence and exit code 1, not a traceback."""
    words = sys.argv[1:]
    if words[:1] == ["eval"] and "--json" in words[:-1]:
        at = words.index("--json")
        if not words[at + 1].startswith("-"):  # as the first release had it: --json FILE
            words[at] = "--report"
            sys.stderr.write("longterm: eval writes its report to --report FILE from now on.\n")
    for_programs = "--json" in words
    # No line of any program that calls us here: a warning is for who typed the command.
    warnings.formatwarning = partial(_warning, for_programs=for_programs)
    try:
        try:
            from longterm.cli.app import app
        except ImportError as error:
            raise MissingExtraError("The command line", "cli") from error
        sys.exit(app(words, prog_name="longterm", standalone_mode=not for_programs))
    except LongtermError as error:
        # What is installed may not be whole, and then installing it again does not help. What a
        # model's server said instead of an answer, only its client's error knows.
        tells = isinstance(error, UnreadableAnswerError) or isinstance(error.__cause__, ImportError)
        cause = f" ({error.__cause__})" if tells and str(error.__cause__) not in str(error) else ""
        if not for_programs:
            sys.exit(f"longterm: {error}{cause}")
        _print_error(error, f"{error}{cause}")
        sys.exit(1)
    except Exception as error:
        if not isinstance(error, _UsageError):
            raise
        _print_error(error, error.format_message())
        sys.exit(error.exit_code)


def _warning(message: Warning | str, *_where: object, for_programs: bool) -> str:
    if not for_programs:
        return f"longterm: {message}\n"
    said = {"warning": {"type": type(message).__name__, "message": str(message)}}
    return json.dumps(said, ensure_ascii=False) + "\n"


def _print_error(error: Exception, says: str) -> None:
    said = {"error": {"type": type(error).__name__, "message": says}}
    sys.stderr.write(json.dumps(said, ensure_ascii=False) + "\n")
