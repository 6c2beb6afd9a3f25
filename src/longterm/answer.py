"""What a model's answer says, in whatever form it came.

Models are asked for text between tags, which every model can write. Some answer with a tool
call or with JSON all the same; that is read as well. Nothing here asks a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from json_repair import repair_json
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import BaseModel

__all__ = ["field", "is_refusal", "words"]

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_FENCE = re.compile(r"\A```[\w-]*\n(.*)\n```\Z", re.DOTALL)
_REFUSAL = re.compile(
    r"(?:I['\u2019]m (?:sorry|unable)|I am (?:sorry|unable)|Sorry\b|I apologi[sz]e|"
    r"I can(?:no|['\u2019])t|I won['\u2019]t)\b",
    re.IGNORECASE,
)
_REFUSAL_LENGTH = 400  # a refusal is short; an answer that happens to begin so is not
_REFUSED = ("content_filter", "refusal", "safety", "blocklist", "prohibited_content")


def words(answer: Any) -> str:
    """Text of *answer* without the model's thoughts."""
    text = answer.text if isinstance(answer, BaseMessage) else answer
    return _THOUGHTS.sub("", text).strip() if isinstance(text, str) else ""


def is_refusal(answer: Any) -> bool:
    """Whether the model declined to answer."""
    if isinstance(answer, BaseMessage) and _is_marked(answer):
        return True
    said = words(answer)
    return len(said) <= _REFUSAL_LENGTH and bool(_REFUSAL.match(said))


def _is_marked(answer: BaseMessage) -> bool:
    data = answer.response_metadata
    reason = str(data.get("finish_reason") or data.get("stop_reason") or "").lower()
    content = cast("str | list[Any]", answer.content)
    blocks = [] if isinstance(content, str) else content
    refusals = [block for block in blocks if _is_refusal_block(block)]
    return bool(reason in _REFUSED or refusals or answer.additional_kwargs.get("refusal"))


def _is_refusal_block(block: Any) -> bool:
    match block:
        case {"type": "refusal"}:
            return True
        case _:
            return False


def field(answer: Any, *names: str) -> Any:
    """Value of the first of *names* in *answer*: between tags, or in a call's or JSON's keys.

    None where there is no such field; an empty one is "".
    """
    places = [*_mappings(answer), _tagged(words(answer), names), *_json(words(answer))]
    return next((one[name] for one in places for name in names if name in one), None)


def _mappings(answer: Any) -> Iterator[Mapping[str, Any]]:
    """Arguments of tool calls, and what a structured output gave."""
    match answer:
        case AIMessage():
            yield from (call["args"] for call in answer.tool_calls)
        case BaseModel():
            yield answer.model_dump()
        case {**values}:
            yield cast("Mapping[str, Any]", values)
        case _:
            pass


def _tagged(text: str, names: tuple[str, ...]) -> dict[str, str]:
    found = {name: _between(text, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _between(text: str, tag: str) -> str | None:
    """Text in the last pair of *tag* that holds any; to the end where it was never closed."""
    parts = re.split(rf"<{tag}(?:\s[^>]*)?>", text, flags=re.IGNORECASE)[1:]
    found = [re.split(rf"</{tag}\s*>", one, maxsplit=1, flags=re.IGNORECASE)[0] for one in parts]
    filled = [one for one in found if one.strip()]
    return _unfenced([*found, *filled][-1].strip()) if found else None


def _unfenced(text: str) -> str:
    match = _FENCE.match(text)
    return match[1].strip() if match else text


def _json(text: str) -> Iterator[Mapping[str, Any]]:
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end and '"' in text:
        value = cast("Any", repair_json(text[start : end + 1], return_objects=True))
        if isinstance(value, dict):
            yield cast("dict[str, Any]", value)
