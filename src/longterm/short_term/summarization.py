"""Summarise the beginning of a history so that the rest fits a token budget.

One flow does it: look at the history, choose a cut, ask the model for notes on what lies
before, put the notes in its place. What the model does not summarise stays as it is: an empty
answer or a refusal changes nothing but a warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Required

from langchain_core.language_models import BaseLanguageModel
from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.prompts import ChatPromptTemplate
from typing_extensions import TypedDict, Unpack

from longterm.effects.drivers import arun, run
from longterm.effects.steps import ask
from longterm.errors import ConfigurationError
from longterm.memory.conversation import as_messages, message_text, render
from longterm.models.answer import is_refusal, words
from longterm.models.names import ChatModel, as_model
from longterm.short_term.budget import Limits, TokenCounter, choose_cut, chunks, cut_text
from longterm.short_term.history import RunningSummary, View, as_running, digest, look
from longterm.short_term.prompts import (
    DEFAULT_EXISTING_SUMMARY_PROMPT,
    DEFAULT_FINAL_SUMMARY_PROMPT,
    DEFAULT_INITIAL_SUMMARY_PROMPT,
    SHORTEN_PROMPT,
)
from longterm.text.fences import fenced
from longterm.text.truncation import shortened

__all__ = [
    "SummarizationResult",
    "Summarizer",
    "SummaryOptions",
    "asummarize_messages",
    "make_summarizer",
    "shown",
    "summarize_messages",
    "summarizing",
]


@dataclass(frozen=True)
class SummarizationResult:
    """A history that fits its budget, and the summary to pass to the next call."""

    messages: list[BaseMessage]
    running_summary: RunningSummary | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarizer:
    """Everything a summarisation needs besides the history."""

    model: ChatModel
    limits: Limits
    counter: TokenCounter
    initial_prompt: ChatPromptTemplate
    existing_prompt: ChatPromptTemplate
    final_prompt: ChatPromptTemplate

    def show(self, running: RunningSummary, view: View | None = None) -> list[BaseMessage]:
        """Messages that stand for *running* and what is left of *view*."""
        system, rest = (view.head, view.body) if view else ((), ())
        values = {"system_message": list(system), "messages": list(rest)}
        return self.final_prompt.format_messages(**values, summary=running.summary)

    def count(self, messages: Sequence[BaseMessage]) -> int:
        """Tokens of *messages*."""
        return self.counter(messages) if messages else 0


class SummaryOptions(TypedDict, total=False):
    """Options of a summarisation; only the first two are needed."""

    model: Required[str | ChatModel]
    #: The most tokens that come out of a summarisation.
    max_tokens: Required[int]
    #: What messages may weigh before they are summarised; max_tokens if not given.
    max_tokens_before_summary: int | None
    #: What is set aside for the summary: 256 if not given.
    max_summary_tokens: int
    #: A function of a list of messages, or a model that counts; approximate if not given.
    token_counter: TokenCounter | BaseLanguageModel[Any]
    #: Prompts; `longterm.short_term.prompts` says what they may use.
    initial_summary_prompt: ChatPromptTemplate
    existing_summary_prompt: ChatPromptTemplate
    final_prompt: ChatPromptTemplate


def make_summarizer(**options: Unpack[SummaryOptions]) -> Summarizer:
    """Check *options* and fill in what was not given."""
    most, before = options["max_tokens"], options.get("max_tokens_before_summary")
    return Summarizer(
        model=as_model(options["model"]),
        limits=Limits(
            max_tokens=most,
            max_tokens_before_summary=most if before is None else before,
            max_summary_tokens=options.get("max_summary_tokens", 256),
        ),
        counter=_counter(options.get("token_counter", count_tokens_approximately)),
        initial_prompt=options.get("initial_summary_prompt", DEFAULT_INITIAL_SUMMARY_PROMPT),
        existing_prompt=options.get("existing_summary_prompt", DEFAULT_EXISTING_SUMMARY_PROMPT),
        final_prompt=options.get("final_prompt", DEFAULT_FINAL_SUMMARY_PROMPT),
    )


def _counter(counter: TokenCounter | BaseLanguageModel[Any]) -> TokenCounter:
    if isinstance(counter, BaseLanguageModel):
        return lambda messages: counter.get_num_tokens_from_messages(list(messages))
    return counter


def summarize_messages(
    messages: Any, *, running_summary: RunningSummary | None, **options: Unpack[SummaryOptions]
) -> SummarizationResult:
    """Return *messages*, their beginning summarised once they outgrow their token budget.

    Pass the `running_summary` of each result with the next call; see `SummaryOptions`.
    """
    return run(summarizing(messages, running_summary, make_summarizer(**options)))


async def asummarize_messages(
    messages: Any, *, running_summary: RunningSummary | None, **options: Unpack[SummaryOptions]
) -> SummarizationResult:
    """Do what `summarize_messages` does, on the running event loop."""
    return await arun(summarizing(messages, running_summary, make_summarizer(**options)))


async def summarizing(messages: Any, running: Any, how: Summarizer) -> SummarizationResult:
    """Bring *messages* within the limits of *how*: the whole job, as a flow."""
    view = _view(messages, as_running(running), how)
    extra = how.count(how.show(view.running)) if view.running else 0
    cut = choose_cut(view, how.limits, how.counter, extra)
    if cut is None:
        return _result(view, how)
    notes = await _notes(view, cut, how)
    if not notes:
        _warn("The model gave no usable summary, so the whole history stays as it is.")
        return _result(view, how)
    return await _fit(_moved_on(view, cut, notes), how)


def shown(messages: Any, running: Any, how: Summarizer) -> list[BaseMessage]:
    """*messages* with what *running* covers left to it; asks nobody."""
    return _result(_view(messages, as_running(running), how), how).messages


def _view(messages: Any, running: RunningSummary | None, how: Summarizer) -> View:
    shown = how.show(running) if running else []
    return look(as_messages(messages), running, shown)


def _result(view: View, how: Summarizer) -> SummarizationResult:
    if view.running is None:
        return SummarizationResult([*view.head, *view.body])
    return SummarizationResult(how.show(view.running, view), view.running)


def _moved_on(view: View, cut: int, notes: str) -> View:
    """Return *view* after its first *cut* messages went into *notes*."""
    old = view.running or RunningSummary("", set(), None)
    told = {str(message.id): digest(message) for message in view.body[:cut]}
    running = RunningSummary(
        notes, old.summarized_message_ids | told.keys(), [*told][-1], {**old.digests, **told}
    )
    return replace(view, body=view.body[cut:], cuts=(), running=running)


async def _notes(view: View, cut: int, how: Summarizer) -> str:
    """Ask for notes on the first *cut* messages, in as many parts as one call may weigh each."""
    notes = view.running.summary if view.running else ""
    for part in chunks(view.body[:cut], view.cuts, how.limits.most_at_once, how.counter):
        prompt = how.existing_prompt if notes else how.initial_prompt
        notes = await _asked(prompt, _short_enough(part, how), notes, how)
        if not notes:
            return ""
    return notes


async def _asked(
    prompt: ChatPromptTemplate, part: Sequence[BaseMessage], notes: str, how: Summarizer
) -> str:
    length = max(10, how.limits.max_summary_tokens * 6 // 10)  # a token is about 0.75 words
    texts = {"conversation": render(part), "existing_summary": notes}
    shown = {name: fenced(text, "conversation", "notes") for name, text in texts.items()}
    asked = prompt.format_messages(messages=list(part), max_words=length, **shown)
    answer = await ask(how.model, asked)
    return "" if is_refusal(answer) else words(answer)


def _short_enough(part: Sequence[BaseMessage], how: Summarizer) -> Sequence[BaseMessage]:
    """*part*; where it is too much for one call, its long messages only by their two ends."""
    if how.count(part) <= how.limits.most_at_once:
        return part
    fair = how.limits.most_at_once / len(part)
    return [
        _ends(one, fair / weight) if (weight := how.count([one])) > fair else one for one in part
    ]


def _ends(message: BaseMessage, share: float) -> BaseMessage:
    text = message_text(message)
    return message.model_copy(update={"content": shortened(text, int(len(text) * share))})


async def _fit(view: View, how: Summarizer) -> SummarizationResult:
    """Hold the budget although the notes came out longer than was set aside for them."""
    result = _result(view, how)
    if view.running is None or _fits(view, how):
        return result
    shorter = await _asked(SHORTEN_PROMPT, (), view.running.summary, how)
    told = _told(view, shorter) if shorter else view
    return _result(told if _fits(told, how) else _cut_down(told, how), how)


def _fits(view: View, how: Summarizer) -> bool:
    return how.count(_result(view, how).messages) <= how.limits.max_tokens


def _told(view: View, notes: str) -> View:
    running = view.running or RunningSummary("", set(), None)
    return replace(view, running=replace(running, summary=notes))


def _cut_down(view: View, how: Summarizer) -> View:
    notes = view.running.summary if view.running else ""
    short = cut_text(notes, lambda text: _fits(_told(view, text), how))
    if not short:
        raise ConfigurationError(
            f"The summary finds no room in max_tokens={how.limits.max_tokens} beside the "
            "system message and the newest messages. Raise max_tokens or max_summary_tokens."
        )
    _warn("The model's summary was longer than its budget even when asked again; it was cut.")
    return _told(view, short)


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)
