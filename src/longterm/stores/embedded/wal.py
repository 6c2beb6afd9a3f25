"""The write-ahead log: whether its end was lost to damage. Pure but for reading the file.

SQLite ends its log at the first frame whose checksum is wrong and says nothing, because a crash
in the middle of a write leaves just that. Frames of finished transactions behind it are another
matter: they were acknowledged. Format: https://www.sqlite.org/fileformat2.html#walformat.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["lost_commits"]

_HEADER, _FRAME = 32, 24
_MAGIC = (0x377F0682, 0x377F0683)  # checksums of little-endian words, of big-endian ones


class _Frame(NamedTuple):
    #: Pages of the database after a commit; 0 for a frame that ends no transaction.
    commit: int
    is_sound: bool


def lost_commits(path: Path) -> int:
    """Count the transactions in the log that SQLite ignores because of damage before them."""
    if not path.exists():
        return 0
    frames = list(_frames(path.read_bytes()))
    first_bad = next((at for at, frame in enumerate(frames) if not frame.is_sound), len(frames))
    # The damaged frame itself may be the one that a crash left half written.
    return sum(frame.commit > 0 for frame in frames[first_bad + 1 :])


def _frames(log: bytes) -> Iterator[_Frame]:
    """Yield the frames of this generation of the log; older ones behind it have other salts."""
    if len(log) < _HEADER:
        return
    magic, _, page, _, *salts = struct.unpack_from(">6I", log)
    if magic not in _MAGIC:
        return
    order = "<" if magic == _MAGIC[0] else ">"
    sums = _summed(log[:24], order, (0, 0))
    is_sound = sums == struct.unpack_from(">2I", log, 24)
    for start in range(_HEADER, len(log) - _FRAME - page + 1, _FRAME + page):
        _, commit, *rest = struct.unpack_from(">6I", log, start)
        if rest[:2] != salts:
            return
        body = log[start : start + 8] + log[start + _FRAME : start + _FRAME + page]
        sums = _summed(body, order, sums)
        is_sound = is_sound and list(sums) == rest[2:]
        yield _Frame(commit, is_sound)


def _summed(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for one, two in struct.iter_unpack(f"{order}2I", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
