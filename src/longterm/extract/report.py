"""Reports: what happened on the way to a result, beside the result itself."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_core.messages.ai import UsageMetadata, add_usage

__all__ = ["Dropped", "ExtractionReport"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something a model proposed that was not carried out."""

    #: The model's own words for it.
    said: str
    reason: str
    #: The reason without a word of the model's or of a memory; "" where it has none.
    plain: str = ""

    @property
    def note(self) -> str:
        """The reason as a log may hold it."""
        return self.plain or self.reason

    def __str__(self) -> str:
        return f"{self.said}: {self.reason}" if self.said else self.reason


@dataclass(frozen=True, slots=True)
class ExtractionReport:
    """What happened on the way to a result."""

    #: How many times a model was asked.
    asked: int = 0
    dropped: tuple[Dropped, ...] = ()
    #: Tokens, as the models count them; None where none did.
    usage: UsageMetadata | None = None

    def __add__(self, other: ExtractionReport) -> ExtractionReport:
        usage = add_usage(self.usage, other.usage) if self.usage or other.usage else None
        return ExtractionReport(self.asked + other.asked, self.dropped + other.dropped, usage)
