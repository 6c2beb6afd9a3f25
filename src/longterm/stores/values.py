"""What an item holds, as JSON text. Pure.

Everything Python's json writes comes back as it was: NaN, integers of any size, NUL, lone
surrogates. Text that SQLite's own JSON functions might read differently is not *plain*; the
store then looks into it with Python alone.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, cast

from pydantic_core import from_json

from longterm.errors import InvalidInputError

__all__ = ["Encoded", "decode", "encode", "leaves"]

#: Levels of a value. Python and SQLite read a thousand at most, Python less on a deep stack.
_DEEPEST = 500
#: A memory is far smaller; the index of a text this long takes a few hundred megabytes to make.
_MOST_BYTES = 8 * 2**20
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]')


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value as text, and whether SQLite reads it as Python does."""

    text: str
    plain: bool


def encode(value: Mapping[str, Any]) -> Encoded:
    """Write a value as JSON; what JSON cannot say is an `InvalidInputError`."""
    plain = True
    try:
        try:
            text = _STRICT.encode(dict(value))
        except ValueError:  # NaN, or what no JSON can say
            text, plain = _LENIENT.encode(dict(value)), False
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidInputError(f"The value cannot be stored as JSON: {exc}") from exc
    if text.count("{") + text.count("[") > _DEEPEST:
        brackets = (found.group() for found in _BRACKETS.finditer(text))
        steps = ((one in ("{", "[")) - (one in ("}", "]")) for one in brackets)
        if max(accumulate(steps)) > _DEEPEST:
            raise InvalidInputError(
                f"The value cannot be stored as JSON: it is nested more than {_DEEPEST} levels deep"
            )
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:  # half an emoji
        text, plain = json.dumps(dict(value), separators=(",", ":")), False
        size = len(text)
    if size > _MOST_BYTES:
        raise InvalidInputError(
            f"A value may be {_MOST_BYTES // 2**20} MB long as JSON, and this one is longer. "
            "Split it over several items, or keep it elsewhere and store where it is."
        )
    return Encoded(text, plain)


_STRICT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_LENIENT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> dict[str, Any]:
    """Read a value from its JSON, a new object each time."""
    try:
        return cast("dict[str, Any]", from_json(text))
    except ValueError:  # half an emoji, deep brackets, or no JSON
        return cast("dict[str, Any]", _read_json(text))


_read_json = json.JSONDecoder().decode


def leaves(value: Any) -> list[str]:
    """Collect the strings and numbers inside *value*, without the names of their fields."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                found.append(text)
            case bool():
                pass
            case int() | float() as number:
                found.append(str(number))
            case {**fields}:
                waiting.extend(reversed(fields.values()))
            case [*parts]:
                waiting.extend(reversed(parts))
            case _:
                pass
    return found
