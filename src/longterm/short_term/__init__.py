"""Short-term memory: keep a conversation within a token budget without losing what matters."""

from longterm.short_term.history import RunningSummary
from longterm.short_term.node import SummarizationNode
from longterm.short_term.summarizer import (
    SummarizationResult,
    asummarize_messages,
    summarize_messages,
)

__all__ = [
    "RunningSummary",
    "SummarizationNode",
    "SummarizationResult",
    "asummarize_messages",
    "summarize_messages",
]
