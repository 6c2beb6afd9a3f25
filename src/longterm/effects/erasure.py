"""Erasures: whatever keeps texts of a store in memory learns what was erased.

What erases calls `forget_texts` after it has written; each object that keeps texts has asked
for that by `inform_of_erasures`. Only objects are known here, weakly, and no text.
"""

from __future__ import annotations

from threading import Lock
from typing import Protocol
from weakref import WeakSet

__all__ = ["KeepsTexts", "forget_texts", "inform_of_erasures"]


class KeepsTexts(Protocol):
    """An object that holds texts of a store for later."""

    def forget(self, namespace: tuple[str, ...], key: str | None = None) -> None:
        """Drop what was kept of the item *key*, or of all at and below *namespace*."""
        ...


_KEEPERS: WeakSet[KeepsTexts] = WeakSet()
_LOCK = Lock()


def inform_of_erasures(keeper: KeepsTexts) -> None:
    """Have *keeper* forget what is erased from now on, as long as it lives."""
    with _LOCK:
        _KEEPERS.add(keeper)


def forget_texts(namespace: tuple[str, ...], key: str | None = None) -> None:
    """Have every keeper of this process drop the item *key*, or all at and below *namespace*."""
    with _LOCK:
        keepers = list(_KEEPERS)
    for keeper in keepers:
        keeper.forget(namespace, key)
