"""What a model's answer says in words, and whether it says no. Asks nobody."""

from __future__ import annotations

import re
from typing import Any, cast

from langchain_core.messages import BaseMessage

__all__ = ["is_refusal", "without_thoughts", "words"]

_THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
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
    return without_thoughts(text) if isinstance(text, str) else ""


def without_thoughts(text: str) -> str:
    """Return *text* without what a reasoning model thought aloud."""
    return _THOUGHTS.sub("", text).strip()


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
