"""Reports: what happened on the way to a result, beside the result itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

__all__ = ["Dropped", "Report", "refusals_in", "usage_of"]


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
    refusal: Any = message.additional_kwargs.get("refusal") if message else None
    for block in message.content if message else ():
        match block:
            case {"type": "refusal", "refusal": str(words)}:
                refusal = words
            case _:
                pass
    return (Dropped(str(refusal), "The model refused."),) if refusal else ()


def _message(answer: Any) -> AIMessage | None:
    """Return the message in *answer*, which structured output wraps in a dict."""
    match answer:
        case {"raw": raw}:
            return _message(raw)
        case AIMessage():
            return answer
        case _:
            return None
