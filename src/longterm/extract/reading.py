"""Tolerant reading of JSON from a model's words, pure.

Code fences, remarks around it, trailing commas, single quotes and a cut-off tail are forgiven
(by the json-repair library). What was cut off is told, so that half a value is never taken
for a whole one.
"""

from __future__ import annotations

import re
from typing import Any

from json_repair import loads

__all__ = ["cut_off", "read_json"]

#: Longer than any model's answer in earnest; repairing takes a microsecond or more a character.
TEXT_LIMIT = 500_000

_JSON_START = re.compile(r"[{\[]")


def read_json(text: str) -> Any | None:
    """Return the JSON value in *text*, or None where there is none; several come as a list."""
    if not _JSON_START.search(text) or len(text) > TEXT_LIMIT:
        return None
    try:
        value: Any = loads(text)
    except RecursionError:  # brackets within brackets: nothing anybody meant
        return None
    return None if isinstance(value, str) else value


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
