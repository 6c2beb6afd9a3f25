"""Characters that cannot travel: halves of emoji (lone surrogates) and NUL. Pure.

A text that was cut in the middle of an emoji, as streams of models are, holds one half of it. No
UTF-8 has it: databases, tokenizers and every answer in JSON refuse the whole text for its sake.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from pydantic_core import to_json

__all__ = ["NO_JSON", "is_json", "json_bytes", "json_data", "mapped", "whole_characters"]


def whole_characters(text: str) -> str:
    """Return *text* with U+FFFD for each half of a character; two that belong together are one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def mapped(change: Callable[[str], str], data: Any) -> Any:
    """Return JSON *data* with each text in it, names of fields as well, changed by *change*."""
    match data:
        case str():
            return change(data)
        case dict():
            fields = cast("dict[str, Any]", data)
            return {change(name): mapped(change, one) for name, one in fields.items()}
        case list():
            return [mapped(change, one) for one in cast("list[Any]", data)]
        case _:
            return data


#: Levels that are left of the 254 which `to_json` writes.
_AROUND = 54
#: What to say of data for which `is_json` is false.
NO_JSON = (
    "This is not JSON data that could be sent on: leave out NaN, infinite numbers, halves of emoji "
    "and more than 200 levels."
)


def is_json(data: Any) -> bool:
    """Return whether any reader of JSON takes *data* as it is; Python's own takes more."""
    try:
        json.dumps(data, allow_nan=False)
        # Of halves of emoji, and of many levels, json.dumps makes something.
        to_json(_in_an_answer(data))
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _in_an_answer(data: Any) -> Any:
    """Return *data* some levels down: what a page or a protocol puts around it may be as many."""
    for _ in range(_AROUND):
        data = [data]
    return data


def json_bytes(data: Any) -> bytes:
    """Write *data* as any reader of JSON takes it: whole characters, null for NaN and infinity."""
    try:
        return to_json(data, inf_nan_mode="null")
    except ValueError:
        return to_json(mapped(whole_characters, data), inf_nan_mode="null")


def json_data(data: Any) -> Any:
    """Return what `json_bytes` writes, as data again."""
    return json.loads(json_bytes(data))  # pydantic's own reader takes fewer levels than it writes
