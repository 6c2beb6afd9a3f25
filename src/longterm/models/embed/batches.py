"""Batches: which texts a network reads together. Pure."""

from collections.abc import Sequence

__all__ = ["batches"]

#: So many tokens, padding included, take least time for each; more take much more memory as well.
_TOKENS = 256


def batches(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Put the places of texts of like length, in tokens, together: at most *size*; long ones alone.

    So little is spent on padding, which takes half of the time where lengths are mixed.
    """
    found: list[list[int]] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if found and len(found[-1]) < min(size, _TOKENS // max(lengths[at], 1)):
            found[-1].append(at)
        else:
            found.append([at])
    return found
