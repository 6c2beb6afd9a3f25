"""How much of a history to summarise so that the rest fits a token budget. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from longterm.errors import ConfigurationError
from longterm.short_term.history import HistoryView

__all__ = ["Limits", "OverBudgetError", "TokenCounter", "choose_cut", "chunks", "cut_text"]

#: Counts the tokens of a list of messages.
TokenCounter = Callable[[Sequence[Any]], int]


class OverBudgetError(ConfigurationError):
    """No cut brings a history within its budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a history may weigh, in tokens."""

    #: The most that comes out of a summarisation.
    max_tokens: int
    #: What unsummarised messages may weigh before they are summarised.
    max_tokens_before_summary: int
    #: What is set aside for the summary itself.
    max_summary_tokens: int

    def __post_init__(self) -> None:
        if not 0 <= self.max_summary_tokens < self.max_tokens:
            raise ConfigurationError(
                f"max_summary_tokens ({self.max_summary_tokens}) must be 0 or more and less "
                f"than max_tokens ({self.max_tokens}), which has to hold the summary and more."
            )

    @property
    def ceiling(self) -> int:
        """The most that ever comes out."""
        return max(self.max_tokens, self.max_tokens_before_summary)

    @property
    def most_at_once(self) -> int:
        """The most to show the model that summarises: a full history and what made it overflow."""
        return self.ceiling * 3 // 2


def choose_cut(view: HistoryView, limits: Limits, counter: TokenCounter, extra: int) -> int | None:
    """Return how many messages of *view* to summarise; None while nothing is due.

    *extra* is what an existing summary weighs, in tokens. The shortest beginning that is heavy
    enough is taken, so that the newest messages stay; the user's last words stay if they can.
    Raises `OverBudgetError` where no cut holds the budget.
    """
    head = counter(view.head) if view.head else 0
    sizes = list(accumulate((counter([message]) for message in view.body), initial=0))
    weight = counter(view.body) if view.body else 0
    overdue = weight >= limits.max_tokens_before_summary or weight + head + extra > limits.ceiling
    if not view.body or not (overdue or 0 not in view.cuts):
        return None
    room = limits.max_tokens - limits.max_summary_tokens - head
    fitting = [cut for cut in view.cuts if cut and sizes[-1] - sizes[cut] <= room]
    if not fitting and sizes[-1] + head + extra <= limits.ceiling:
        return None
    if not fitting:
        raise OverBudgetError(
            f"The history cannot be brought down to max_tokens={limits.max_tokens}: its system "
            f"message has {head} tokens, the summary may have {limits.max_summary_tokens}, and "
            "the newest messages, which cannot be summarised yet because they wait for the "
            f"results of tools, have {sizes[-1] - sizes[max(view.cuts, default=0)]}. Raise "
            "max_tokens, or shorten the system message or the results."
        )
    heavy = [cut for cut in fitting if sizes[cut] >= limits.max_tokens_before_summary]
    users = (place for place, one in enumerate(view.body) if isinstance(one, HumanMessage))
    last_words = max(users, default=-1)
    keeping = [cut for cut in fitting if cut <= last_words]
    if heavy and heavy[0] <= last_words:
        return heavy[0]
    return keeping[-1] if keeping else [*heavy, fitting[-1]][0]


def chunks(
    messages: Sequence[BaseMessage], cuts: Sequence[int], limit: int, counter: TokenCounter
) -> Iterator[Sequence[BaseMessage]]:
    """*messages* in parts of at most *limit* tokens, or one uncuttable group, never less."""
    sizes = list(accumulate((counter([message]) for message in messages), initial=0))
    ends = [cut for cut in cuts if 0 < cut <= len(messages)]
    start = 0
    while start < len(messages):
        later = [end for end in ends if end > start]
        within = [end for end in later if sizes[end] - sizes[start] <= limit]
        end = max(within, default=later[0])
        yield messages[start:end]
        start = end


def cut_text(text: str, fits: Callable[[str], bool]) -> str:
    """Return the longest beginning of *text* that fits, found in a few tries; or nothing."""
    return text[: bisect_right(range(1, len(text) + 1), 0, key=lambda end: not fits(text[:end]))]
