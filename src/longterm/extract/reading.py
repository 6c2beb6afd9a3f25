"""Tolerant reading of JSON from a model's words, pure.

Code fences, remarks around it, trailing commas, single quotes and a cut-off tail are forgiven
(by the json-repair library). What was cut off is told, so that half a value is never taken
for a whole one.
"""

from __future__ import annotations

import re
from typing import Any

from json_repair import loads

__all__ = ["cut_off", "read_json", "without_thoughts"]

_THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_JSON_START = re.compile(r"[{\[]")


def without_thoughts(text: str) -> str:
    """Return *text* without what a reasoning model thought aloud."""
    return _THOUGHTS.sub("", text).strip()


def read_json(text: str) -> Any | None:
    """Return the JSON value in *text*, or None where there is none; several come as a list."""
    if not _JSON_START.search(text):
        return None
    value: Any = loads(text)
    return None if isinstance(value, str) else value


def cut_off(text: str) -> bool:
    """Tell whether the JSON in *text* ends before it closes."""
    start = _JSON_START.search(text)
    depth, in_string, escaped = 0, False, False
    for character in text[start.start() :] if start else "":
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        else:
            depth += (character in "{[") - (character in "}]")
    return in_string or depth > 0
