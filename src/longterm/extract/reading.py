"""Tolerant reading of JSON from a model's words, pure.

Code fences, remarks around it, trailing commas, single quotes and a cut-off tail are forgiven
(by the json-repair library). What was cut off is told, so that half a value is never taken
for a whole one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, cast

from json_repair import loads

__all__ = ["DEPTH_LIMIT", "cut_off", "parsed", "read_json", "too_deep"]

#: Longer than any model's answer in earnest; repairing takes a microsecond or more a character.
TEXT_LIMIT = 500_000
#: Lists and objects within each other.
DEPTH_LIMIT = 100

_JSON_START = re.compile(r"[{\[]")


def read_json(text: str) -> Any | None:
    """Return the JSON value in *text*, or None where there is none; several come as a list."""
    if not _JSON_START.search(text) or len(text) > TEXT_LIMIT:
        return None
    try:
        value: Any = loads(text)
    except RecursionError:  # brackets within brackets: nothing anybody meant
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


def too_deep(value: Any) -> bool:
    """Whether *value* is nested deeper than anybody means, and than what walks it can take."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [inner for one in level for inner in _inside(one)]
    return bool(level)


def _inside(value: Any) -> Iterable[Any]:
    match value:
        case dict():
            return cast("dict[str, Any]", value).values()
        case list():
            return cast("list[Any]", value)
        case _:
            return ()


def cut_off(text: str) -> bool:
    """Tell whether the JSON in *text* ends before it closes."""
    depth, in_string, escaped = 0, False, False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = depth > 0  # a quotation mark in the words around it means nothing
        else:
            depth = max(0, depth + (character in "{[") - (character in "}]"))
    return depth > 0
