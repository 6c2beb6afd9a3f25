"""What comes by standard input, where a command is given ``-`` in place of a file or a text."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from longterm.errors import InvalidInputError

__all__ = ["STDIN", "argument", "stdin_lines", "stdin_text"]

STDIN = "-"


def argument(given: str) -> str:
    """Return *given*, or for ``-`` the text on standard input without its last line break."""
    if given != STDIN:
        return given
    text = stdin_text().rstrip("\r\n")
    if not text.strip():
        raise InvalidInputError("There is nothing on standard input, which - stands for.")
    return text


def stdin_text() -> str:
    """Return all of standard input."""
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError("Standard input is not text in UTF-8.") from error


def stdin_lines() -> Iterable[bytes]:
    """Return the lines of standard input, as they come."""
    return sys.stdin.buffer
