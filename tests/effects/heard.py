"""What loggers say while something is done, as it would be written."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from typing_extensions import override

__all__ = ["heard_of"]


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def heard_of(*loggers: str, level: int = logging.NOTSET) -> Generator[list[str]]:
    """Gather the lines of *loggers*; with *level* also those below what they usually say."""
    handler = _Heard()
    named = [logging.getLogger(name) for name in loggers]
    before = [one.level for one in named]
    for one in named:
        one.addHandler(handler)
        one.setLevel(level or one.level)
    try:
        yield handler.lines
    finally:
        for one, usual in zip(named, before, strict=True):
            one.removeHandler(handler)
            one.setLevel(usual)
