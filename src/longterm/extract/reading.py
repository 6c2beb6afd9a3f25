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
from typing import Any, cast

from json_repair import loads

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
#: Brackets closed by the wrong sign: for each, repairing may read all of the text once more.
_SLIPS = 100

_JSON_START = re.compile(r"[{\[]")
#: What JSON is cut by: its brackets, its strings, and the marks of templates that end it early.
_SIGNS = re.compile(r'\\.|["{}\[\]]|<(?=[/|｜]|tool|function)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonPart:
    """Where an object or a list stands in a text, and whether it is closed there."""

    start: int
    end: int
    closed: bool
    #: How many of its brackets the sign of the other kind closes.
    slips: int


def read_json(text: str) -> Any | None:
    """Return the JSON value in *text*, or None where there is none; several come as a list."""
    if not _JSON_START.search(text) or len(text) > TEXT_LIMIT:
        return None
    try:
        found = list(json_parts(text))
        if any(part.slips > _SLIPS for part in found):
            return None
        parts = [text[part.start : part.end] for part in found]
        # One by one: json-repair takes an object of the same fields for a newer form of the last.
        value: Any = list(map(loads, parts)) if len(parts) > 1 else loads(text)
    except (RecursionError, ValueError):  # brackets within brackets, which json-repair may say
        return None
    return None if isinstance(value, str) or too_deep(value) else value


def parsed(text: str) -> tuple[Any, bool]:
    """Return the JSON value that *text* is, a scalar too, and whether half of it is missing.

    What is not JSON to the letter is read as by `read_json`.
    """
    try:
        return json.loads(text), False
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
    start, slips, in_string = 0, 0, False
    opened: list[str] = []
    for sign in _SIGNS.finditer(text):
        match sign.group():
            case '"':
                # A quotation mark in the words around means nothing.
                in_string = bool(opened) and not in_string
            case "{" | "[" as bracket if not in_string:
                if not opened:
                    start, slips = sign.start(), 0
                opened.append(bracket)
            case "}" | "]" as bracket if not in_string and opened:
                slips += f"{opened.pop()}{bracket}" not in ("{}", "[]")
                if not opened:
                    yield JsonPart(start, sign.end(), closed=True, slips=slips)
            case "<" if not in_string and opened:
                yield JsonPart(start, sign.start(), closed=False, slips=slips)
                opened.clear()
            case _:
                pass
    if opened:
        yield JsonPart(start, len(text), closed=False, slips=slips)
