"""Namespaces and keys as text columns, and which namespaces a condition means. Pure.

A namespace is one string, its labels joined by the dot that no label may hold. So everything
below a prefix is one range of strings, and a prefix stops at label boundaries by itself.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import eq

from langgraph.store.base import ListNamespacesOp, MatchCondition

__all__ = ["below", "from_column", "listed", "may_share", "to_column", "to_labels", "to_path"]

# SQLite's text is UTF-8, which has no lone surrogates; they travel behind a marker.
_UNSTORABLE = re.compile("[\ud800-\udfff\U0010ffff]")
_ESCAPED = re.compile("\U0010ffff([0-9a-f]{6})")


def to_path(labels: Sequence[str]) -> str:
    """Join a namespace into one string; the root is the empty string."""
    path = ".".join(labels)
    return path if path.isascii() else ".".join(map(to_column, labels))


@lru_cache(4096)
def to_labels(path: str) -> tuple[str, ...]:
    """Split the string of a namespace into its labels."""
    return tuple(from_column(label) for label in path.split(".")) if path else ()


def to_column(text: str) -> str:
    """Text as SQLite can keep it."""
    if text.isascii():
        return text
    return _UNSTORABLE.sub(lambda found: f"\U0010ffff{ord(found.group()):06x}", text)


def from_column(text: str) -> str:
    """Text as it was before `to_column`."""
    if "\U0010ffff" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)


def below(path: str) -> tuple[str, str]:
    """Bound the namespaces below *path*: from, and up to."""
    return f"{path}.", f"{path}/"  # the slash is the character after the dot


def may_share(path: str, namespace: tuple[str, ...]) -> bool:
    """Whether something may lie both at or below *path* and at or below *namespace*."""
    return all(map(eq, to_labels(path), namespace))


def listed(namespaces: Iterable[tuple[str, ...]], op: ListNamespacesOp) -> list[tuple[str, ...]]:
    """Choose the namespaces that *op* asks for: matched, cut to its depth, sorted, one page."""
    conditions = op.match_conditions or ()
    found = {
        labels[: op.max_depth]
        for labels in namespaces
        if all(_matches(condition, labels) for condition in conditions)
    }
    return sorted(found)[op.offset : op.offset + op.limit]


def _matches(condition: MatchCondition, labels: tuple[str, ...]) -> bool:
    path = condition.path
    if len(labels) < len(path):
        return False
    start = 0 if condition.match_type == "prefix" else len(labels) - len(path)
    return all(wanted in ("*", label) for wanted, label in zip(path, labels[start:], strict=False))
