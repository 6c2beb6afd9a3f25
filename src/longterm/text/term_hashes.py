"""Terms as numbers: 64 bits of a hash stand for a term, on disk and wherever terms are compared.

Pure, and the same in every process, so what one has read of a text another need not read again.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

__all__ = ["TERM_BYTES", "forget_terms", "pack_terms"]

#: What a term takes.
TERM_BYTES = 8
#: Longer terms are seldom met again, and may be megabytes: no cache keeps them.
_USUAL = 64


def _digest(term: str) -> bytes:
    return blake2b(term.encode("utf-8", "surrogatepass"), digest_size=TERM_BYTES).digest()


_usual_digest = lru_cache(maxsize=65_536)(_digest)


def pack_terms(terms: Sequence[str]) -> bytes:
    """Return the hashes of *terms*, one after the other: integers of 64 bits, little-endian."""
    usual = max(map(len, terms), default=0) <= _USUAL
    return b"".join(map(_usual_digest if usual else _digest, terms))


def forget_terms() -> None:
    """Drop the terms that were met and whose hashes are kept."""
    _usual_digest.cache_clear()
