"""Short-term memory: keep a conversation within a token budget without losing what matters."""

from longterm.summarize.history import RunningSummary
from longterm.summarize.job import SummarizationResult, asummarize_messages, summarize_messages
from longterm.summarize.node import SummarizationNode

__all__ = [
    "RunningSummary",
    "SummarizationNode",
    "SummarizationResult",
    "asummarize_messages",
    "summarize_messages",
]
