"""The lines of an export, in files that only their owner reads."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from os import O_CREAT, O_TRUNC, O_WRONLY, PathLike, fdopen, fsync, open as os_open
from pathlib import Path
from typing import Any, TextIO, cast
from uuid import uuid4

from longterm.errors import InvalidInputError

__all__ = ["holds_turn", "lines_in", "written"]

#: How SQLite's files begin.
_SQLITE = b"SQLite format 3\0"


@contextmanager
def written(where: str | PathLike[str] | TextIO) -> Generator[TextIO]:
    """Open a path that only its owner reads; an open file is handed on.

    What was there before stays until all is written: half an export looks like a whole one.
    """
    if not isinstance(where, str | PathLike):
        yield where
        return
    path = Path(where).resolve()
    is_special = path.exists() and not path.is_file()  # a pipe, or a terminal
    beside = path if is_special else path.with_name(f".longterm-{uuid4().hex}")
    if path.is_file() and _is_database(path):
        raise InvalidInputError(f"{where} is a database, and no export: name another file.")
    try:
        file = fdopen(os_open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0o600), "w", -1, "utf-8")
    except OSError as error:
        raise InvalidInputError(f"{where} cannot be written: {error.strerror}.") from error
    if is_special:
        with file:
            yield file
        return
    try:
        with file:
            yield file
            file.flush()
            fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _is_database(path: Path) -> bool:
    """Whether a SQLite file is there already: the store itself, named by mistake."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


@contextmanager
def lines_in(
    source: str | PathLike[str] | Iterable[str | bytes],
) -> Generator[Iterable[str | bytes]]:
    """Open a path for its lines; lines themselves are handed on, and data, as Mem0 gives it."""
    if not isinstance(source, str | PathLike):
        given = cast("Iterable[Any]", [source] if isinstance(source, Mapping) else source)
        yield (json.dumps(one) if isinstance(one, Mapping) else one for one in given)
        return
    try:
        file = open(source, "rb")  # noqa: SIM115, PTH123 - closed below; only opening may fail here
    except OSError as error:
        raise InvalidInputError(f"{source} cannot be read: {error.strerror}.") from error
    with file:
        yield file


def holds_turn(line: str | bytes) -> bool:
    """Tell whether *line* of an export holds a turn."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return False
    match data:
        case {"namespace": ["turns", *_]}:
            return True
        case _:
            return False
