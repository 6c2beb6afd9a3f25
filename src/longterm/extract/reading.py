"""Tolerant reading of JSON from a model's words, pure.

Code fences, remarks around it, trailing commas, single quotes and a cut-off tail are forgiven
(by the json-repair library). What was cut off is said, so that half a value is never taken
for a whole one; and of several values none is taken for a newer form of another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex, cast

from json_repair import loads
from typing_extensions import override

from longterm.text.characters import mapped, whole_characters

__all__ = [
    "DEPTH_LIMIT",
    "JsonPart",
    "as_value",
    "cut_off",
    "json_parts",
    "parsed",
    "read_json",
    "too_deep",
    "unwrapped",
]

#: Longer than any model's answer in earnest; repairing takes a microsecond or more a character.
TEXT_LIMIT = 500_000
#: Lists and objects within each other.
DEPTH_LIMIT = 100
#: How often each character may be read to repair a text, and how many reads are free: what models
#: write takes three. From a slip json-repair may read on to the end, and for each list after a list
#: it copies those before, so that without limits a muddle costs the square of its length.
_READS, _FREE_READS = 20, 2_000
_LISTS_IN_A_ROW = 200

_JSON_START = re.compile(r"[{\[]")
_LIST_AFTER_LIST = re.compile(r"\]\s*\[")
#: What JSON is cut by: its brackets, its strings, and the marks of templates that end it early.
_SIGNS = re.compile(r'\\.|["{}\[\]]|<(?=[/|｜]|tool|function)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonPart:
    """Where an object or a list stands in a text, and whether it is closed there."""

    start: int
    end: int
    closed: bool


class _Metered(str):
    """A text that may be read only so often."""

    __slots__ = ("_left",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self._left = _READS * len(text) + _FREE_READS

    @override
    def __getitem__(self, key: SupportsIndex | slice) -> str:
        found = super().__getitem__(key)
        self._left -= len(found)
        if self._left < 0:
            raise ValueError("The text has been read too often.")
        return found


def read_json(text: str) -> Any | None:
    """Return the JSON value in *text*, or None where there is none; several come as a list."""
    if not _JSON_START.search(text) or len(text) > TEXT_LIMIT:
        return None
    try:
        parts = [text[part.start : part.end] for part in json_parts(text)]
        # One by one: json-repair takes an object of the same fields for a newer form of the last.
        value: Any = list(map(_repaired, parts)) if len(parts) > 1 else _repaired(text)
    except (RecursionError, ValueError):  # brackets within brackets, or a muddle
        return None
    return None if isinstance(value, str) or too_deep(value) else _in_whole_characters(text, value)


def _repaired(text: str) -> Any:
    """Return the JSON value in *text*; raises ValueError where it is a muddle."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    if len(_LIST_AFTER_LIST.findall(text)) > _LISTS_IN_A_ROW:
        raise ValueError("There are too many lists in a row.")
    return loads(_Metered(text), skip_json_loads=True)


def _in_whole_characters(text: str, value: Any) -> Any:
    """Return *value*, read from *text*, without halves of emoji, which are written as escapes."""
    return mapped(whole_characters, value) if "\\u" in text else value


def parsed(text: str) -> tuple[Any, bool]:
    """Return the JSON value that *text* is, a scalar too, and whether half of it is missing.

    What is not JSON to the letter is read as by `read_json`.
    """
    try:
        return _in_whole_characters(text, json.loads(text)), False
    except (ValueError, RecursionError):
        return read_json(text), cut_off(text)


def as_value(given: Any) -> tuple[Any, bool]:
    """Return *given*, decoded where it is JSON text, and whether half of it is missing.

    A client hands on as text what it could not parse, and some servers encode twice.
    """
    half = False
    for _ in range(3):
        if not isinstance(given, str):
            break
        given, missing = parsed(given.strip() or "{}")
        half = half or missing
    return given, half


def unwrapped(
    value: Mapping[str, Any], fields: Collection[str], wrappers: Collection[str] | None = None
) -> Mapping[str, Any]:
    """Return *value*, or the object inside where a model wrapped one with *fields* once more.

    That is plain where its only key is no field (and one of *wrappers*, where these are given),
    and all keys inside are fields.
    """
    match value:
        case {"type": "object", **rest} if len(rest) == 1 and "type" not in fields:
            value = rest
        case _:
            pass
    match list(value.items()):
        case [(key, inner)] if key not in fields and (wrappers is None or key in wrappers):
            found, half = as_value(inner)
            if half or not found or not isinstance(found, dict):
                return value
            inside = cast("dict[str, Any]", found)
            return inside if inside.keys() <= {*fields} else value
        case _:
            return value


def too_deep(value: Any) -> bool:
    """Whether *value* is nested deeper than anybody means, and than what walks it can take."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        below: list[Any] = []
        for one in level:
            match one:
                case dict():
                    below += cast("dict[str, Any]", one).values()
                case list():
                    below += cast("list[Any]", one)
                case _:
                    pass
        if not below:
            return False
        level = below
    return True


def cut_off(text: str) -> bool:
    """Tell whether JSON in *text* ends before it closes."""
    return not all(part.closed for part in json_parts(text))


def json_parts(text: str) -> Iterator[JsonPart]:
    """Yield the objects and lists that stand in *text*, none inside of another."""
    start, opened, in_string = 0, 0, False
    for sign in _SIGNS.finditer(text):
        match sign.group():
            case '"':
                # A quotation mark in the words around means nothing.
                in_string = bool(opened) and not in_string
            case "{" | "[" if not in_string:
                start = start if opened else sign.start()
                opened += 1
            case "}" | "]" if not in_string and opened:
                opened -= 1
                if not opened:
                    yield JsonPart(start, sign.end(), closed=True)
            case "<" if not in_string and opened:
                yield JsonPart(start, sign.start(), closed=False)
                opened = 0
            case _:
                pass
    if opened:
        yield JsonPart(start, len(text), closed=False)
