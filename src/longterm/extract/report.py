"""Reports: what happened on the way to a result, beside the result itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

__all__ = ["Dropped", "Report", "is_cut_off", "refusals_in", "usage_of"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something a model proposed that was not carried out."""

    #: The model's own words for it.
    said: str
    reason: str

    def __str__(self) -> str:
        return f"{self.said}: {self.reason}" if self.said else self.reason


@dataclass(frozen=True, slots=True)
class Report:
    """What happened on the way to a result."""

    #: How many times a model was asked.
    asked: int = 0
    dropped: tuple[Dropped, ...] = ()
    #: Tokens, as the models count them; None where none did.
    usage: UsageMetadata | None = None

    def __add__(self, other: Report) -> Report:
        usage = add_usage(self.usage, other.usage) if self.usage or other.usage else None
        return Report(self.asked + other.asked, self.dropped + other.dropped, usage)


def usage_of(answer: Any) -> UsageMetadata | None:
    """Return the tokens *answer* cost, where its provider says so."""
    message = _message(answer)
    return message.usage_metadata if message else None


def refusals_in(answer: Any) -> tuple[Dropped, ...]:
    """Return the refusal in *answer*, where its provider marks one as such."""
    message = _message(answer)
    if message is None:
        return ()
    words = message.additional_kwargs.get("refusal") or _refusal_block(message)
    if words or _stop_reason(message) in _REFUSED:
        return (Dropped(str(words or message.text), "The model refused."),)
    return ()


def is_cut_off(message: AIMessage) -> bool:
    """Tell whether the provider says that *message* ends where its tokens ran out."""
    return _stop_reason(message) in ("max_tokens", "length")


#: Anthropic's word, and OpenAI's for an answer that its filter stopped.
_REFUSED = ("refusal", "content_filter")


def _stop_reason(message: AIMessage) -> Any:
    metadata = cast("dict[str, Any]", message.response_metadata)
    return metadata.get("stop_reason") or metadata.get("finish_reason")


def _refusal_block(message: AIMessage) -> str | None:
    for block in message.content:
        match block:
            case {"type": "refusal", "refusal": str(words)}:
                return words
            case _:
                pass
    return None


def _message(answer: Any) -> AIMessage | None:
    """Return the message in *answer*, which structured output wraps in a dict."""
    match answer:
        case {"raw": raw}:
            return _message(raw)
        case AIMessage():
            return answer
        case _:
            return None
