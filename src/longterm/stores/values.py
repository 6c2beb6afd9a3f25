"""What an item holds, as JSON text. Pure.

Everything Python's json writes comes back as it was: NaN, integers of any size, NUL, lone
surrogates. Text that SQLite's own JSON functions might read differently is not *plain*; the
store then looks into it with Python alone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from longterm.errors import InvalidInputError

__all__ = ["Encoded", "decode", "encode", "leaves"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value as text, and whether SQLite reads it as Python does."""

    text: str
    plain: bool


def encode(value: Mapping[str, Any]) -> Encoded:
    """Write a value as JSON; what JSON cannot say is an `InvalidInputError`."""
    try:
        return _encode(dict(value))
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidInputError(f"The value cannot be stored as JSON: {exc}") from exc


def decode(text: str) -> dict[str, Any]:
    """Read a value from its JSON, a new object each time."""
    return cast("dict[str, Any]", json.loads(text))


def leaves(value: Any) -> list[str]:
    """Collect the strings and numbers inside *value*, without the names of their fields."""
    match value:
        case str():
            return [value]
        case bool() | None:
            return []
        case int() | float():
            return [str(value)]
        case {**fields}:
            return [leaf for inner in fields.values() for leaf in leaves(inner)]
        case list() | tuple():
            inner = cast("list[Any]", value)
            return [leaf for part in inner for leaf in leaves(part)]
        case _:
            return []


def _encode(value: dict[str, Any]) -> Encoded:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if not _is_utf8(text):
        return Encoded(json.dumps(value, separators=(",", ":")), plain=False)
    return Encoded(text, plain=_is_standard(value))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_standard(value: dict[str, Any]) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
