"""LangMem's path to summaries; the code lives in `summarizer` and `node`."""

from longterm.short_term.history import RunningSummary
from longterm.short_term.node import SummarizationNode
from longterm.short_term.prompts import (
    DEFAULT_EXISTING_SUMMARY_PROMPT,
    DEFAULT_FINAL_SUMMARY_PROMPT,
    DEFAULT_INITIAL_SUMMARY_PROMPT,
)
from longterm.short_term.summarizer import (
    SummarizationResult,
    asummarize_messages,
    summarize_messages,
)

__all__ = [
    "DEFAULT_EXISTING_SUMMARY_PROMPT",
    "DEFAULT_FINAL_SUMMARY_PROMPT",
    "DEFAULT_INITIAL_SUMMARY_PROMPT",
    "RunningSummary",
    "SummarizationNode",
    "SummarizationResult",
    "asummarize_messages",
    "summarize_messages",
]
