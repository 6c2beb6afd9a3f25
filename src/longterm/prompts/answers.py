"""Single fields of a model's answer, in whatever form it came.

Models are asked for text between tags, which every model can write. Some answer with a tool
call or with JSON all the same; that is read as well. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from longterm.extract.reading import as_value, read_json
from longterm.models.answer import Answer

__all__ = ["field"]

_FENCE = re.compile(r"\A```[\w-]*\n(.*)\n```\Z", re.DOTALL)


def field(answer: Any, *names: str) -> Any:
    """Value of the first of *names* in *answer*: between tags, or in a call's or JSON's keys.

    None where there is no such field; an empty one is "".
    """
    read = Answer.of(answer)
    calls = [as_value(call["args"]) for call in read.calls]
    places: list[Any] = [arguments for arguments, half in calls if not half]
    tagged = {name: value for name in names if (value := _between(read.text, name)) is not None}
    value = read_json(read.text)
    places += [tagged, *(cast("list[Any]", value) if isinstance(value, list) else [value])]
    found = [cast("Mapping[str, Any]", one) for one in places if isinstance(one, Mapping)]
    return next((one[name] for one in found for name in names if name in one), None)


def _between(text: str, tag: str) -> str | None:
    """Text in the last pair of *tag* that holds any; to the end where it was never closed.

    A tag inside of a line is only spoken of where another begins its line, or ends it.
    """
    begin, end = rf"<{tag}(?:\s[^>]*)?>", rf"</{tag}\s*>"
    parts = _split(rf"^[ \t]*{begin}", text)[1:] or _split(begin, text)[1:]
    closed = [(_split(rf"{end}[ \t]*$", one), _split(end, one)) for one in parts]
    found = [(at_end if at_end[1:] else anywhere)[0] for at_end, anywhere in closed]
    if not found:
        return None
    last = [*found, *(one for one in found if one.strip())][-1].strip()
    fence = _FENCE.match(last)
    return fence[1].strip() if fence else last


def _split(pattern: str, text: str) -> list[str]:
    return re.split(pattern, text, flags=re.IGNORECASE | re.MULTILINE)
