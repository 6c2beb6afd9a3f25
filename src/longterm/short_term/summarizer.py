"""Summarise the beginning of a history so that the rest fits a token budget.

One flow does it: look at the history, choose a cut, ask the model for notes on what lies
before, put the notes in its place. What the model does not summarise stays as it is: an empty
answer or a refusal changes nothing but a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models import BaseLanguageModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.prompts import ChatPromptTemplate
from typing_extensions import TypedDict, Unpack

from longterm.effects.drivers import arun, run
from longterm.effects.steps import ask
from longterm.effects.unsaid import Unsaid
from longterm.effects.warn import warn_caller
from longterm.memory.conversation import as_messages, message_text, render
from longterm.models.answer import Answer
from longterm.models.names import ChatModel, as_model
from longterm.short_term.budget import (
    Limits,
    OverBudgetError,
    TokenCounter,
    choose_cut,
    chunks,
    cut_text,
)
from longterm.short_term.history import (
    HistoryView,
    RunningSummary,
    as_running,
    digest,
    joined,
    look,
)
from longterm.short_term.prompts import (
    DEFAULT_EXISTING_SUMMARY_PROMPT,
    DEFAULT_FINAL_SUMMARY_PROMPT,
    DEFAULT_INITIAL_SUMMARY_PROMPT,
    SHORTEN_PROMPT,
)
from longterm.text.quoting import fenced, shortened

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


@dataclass
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

    def show(self, running: RunningSummary, view: HistoryView | None = None) -> list[BaseMessage]:
        """Messages that stand for *running* and what is left of *view*.

        A conversation begins with the user and has something to answer, or providers refuse
        it: where what is left does not begin so, the summary takes the user's place. Else it is
        the end of the system message, for many models refuse a second one.
        """
        messages = self.forms(running, view)
        first = next((one for one in messages if not isinstance(one, SystemMessage)), None)
        own = [place for place, one in enumerate(messages) if running.summary in one.text]
        if own and not isinstance(first, HumanMessage):
            text = messages[own[0]].content
            messages[own[0]] = HumanMessage(text, additional_kwargs={"lc_source": "summarization"})
        return joined(messages)

    def forms(self, running: RunningSummary, view: HistoryView | None = None) -> list[BaseMessage]:
        """Fill the final prompt with *running* and what is left of *view*."""
        system, rest = (view.head, view.body) if view else ((), ())
        values = {"system_message": list(system), "messages": list(rest)}
        return self.final_prompt.format_messages(**values, summary=running.summary)

    def count(self, messages: Sequence[BaseMessage]) -> int:
        """Tokens of *messages*."""
        return self.counter(messages) if messages else 0


class _NeededOptions(TypedDict):
    model: str | ChatModel
    #: The most tokens that come out of a summarisation.
    max_tokens: int


class SummaryOptions(_NeededOptions, total=False):
    """Options of a summarisation; only *model* and *max_tokens* are needed."""

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
    unknown = options.keys() - SummaryOptions.__annotations__.keys()
    missing = SummaryOptions.__required_keys__ - options.keys()
    if unknown or missing:
        what = f"has no option {sorted(unknown)}" if unknown else f"needs {sorted(missing)}"
        known = ", ".join(sorted(SummaryOptions.__annotations__))
        raise TypeError(f"A summarisation {what}; its options are {known}.")
    most, before = options["max_tokens"], options.get("max_tokens_before_summary")
    given = options.get("token_counter", count_tokens_approximately)

    def by_model(messages: Sequence[Any]) -> int:
        assert isinstance(given, BaseLanguageModel)  # noqa: S101 - chosen below only then
        return given.get_num_tokens_from_messages(list(messages))

    return Summarizer(
        model=as_model(options["model"]),
        limits=Limits(
            max_tokens=most,
            max_tokens_before_summary=most if before is None else before,
            max_summary_tokens=options.get("max_summary_tokens", 256),
        ),
        counter=by_model if isinstance(given, BaseLanguageModel) else given,
        initial_prompt=options.get("initial_summary_prompt", DEFAULT_INITIAL_SUMMARY_PROMPT),
        existing_prompt=options.get("existing_summary_prompt", DEFAULT_EXISTING_SUMMARY_PROMPT),
        final_prompt=options.get("final_prompt", DEFAULT_FINAL_SUMMARY_PROMPT),
    )


def summarize_messages(
    messages: Any, *, running_summary: RunningSummary | None, **options: Unpack[SummaryOptions]
) -> SummarizationResult:
    """Return *messages*, their beginning summarised once they outgrow their token budget.

    Pass the `running_summary` of each result with the next call; see `SummaryOptions`.
    """
    return run(_unsaid(messages, running_summary, make_summarizer(**options)))


async def asummarize_messages(
    messages: Any, *, running_summary: RunningSummary | None, **options: Unpack[SummaryOptions]
) -> SummarizationResult:
    """Do what `summarize_messages` does, on the running event loop."""
    return await arun(_unsaid(messages, running_summary, make_summarizer(**options)))


async def _unsaid(messages: Any, running: Any, how: Summarizer) -> SummarizationResult:
    """Summarise for a caller who may be a node of a graph and return the messages as they are."""
    result = await summarizing(messages, running, how)
    return replace(result, messages=await Unsaid(result.messages))


async def summarizing(messages: Any, running: Any, how: Summarizer) -> SummarizationResult:
    """Bring *messages* within the limits of *how*: the whole job, as a flow."""
    view = _view(messages, as_running(running), how)
    extra = how.count(how.show(view.running)) if view.running else 0
    try:
        cut = choose_cut(view, how.limits, how.counter, extra)
        if cut is None:
            return _result(view, how)
        notes = await _notes(view, cut, how)
        if not notes:
            _warn("The model gave no usable summary, so the whole history stays as it is.")
            return _result(view, how)
        old = view.running or RunningSummary("", set(), None)
        covered = {str(message.id): digest(message) for message in view.body[:cut]}
        ids = old.summarized_message_ids | covered.keys()
        running = RunningSummary(notes, ids, [*covered][-1], {**old.digests, **covered})
        moved_on = replace(view, body=view.body[cut:], cuts=(), running=running)
        return await _fit(moved_on, how)
    except OverBudgetError as error:  # a running agent does not die of a long system message
        _warn(f"The whole history stays as it is. {error}")
        return _result(view, how)


def shown(messages: Any, running: Any, how: Summarizer) -> list[BaseMessage]:
    """*messages* with what *running* covers left to it; no model is asked."""
    return _result(_view(messages, as_running(running), how), how).messages


def _view(messages: Any, running: RunningSummary | None, how: Summarizer) -> HistoryView:
    shown = [*how.forms(running), *how.show(running)] if running else []
    return look(as_messages(messages), running, shown)


def _result(view: HistoryView, how: Summarizer) -> SummarizationResult:
    if view.running is None:
        return SummarizationResult([*view.head, *view.body])
    return SummarizationResult(how.show(view.running, view), view.running)


async def _notes(view: HistoryView, cut: int, how: Summarizer) -> str:
    """Ask for notes on the first *cut* messages, in as many parts as one call may weigh each."""
    notes = view.running.summary if view.running else ""
    for part in chunks(view.body[:cut], view.cuts, how.limits.most_at_once, how.counter):
        prompt = how.existing_prompt if notes else how.initial_prompt
        notes = await _summary_by_model(prompt, _short_enough(part, how), notes, how)
        if not notes:
            return ""
    return notes


async def _summary_by_model(
    prompt: ChatPromptTemplate, part: Sequence[BaseMessage], notes: str, how: Summarizer
) -> str:
    length = max(10, how.limits.max_summary_tokens * 6 // 10)  # a token is about 0.75 words
    texts = {"conversation": render(part), "existing_summary": notes}
    shown = {name: fenced(text, "conversation", "notes") for name, text in texts.items()}
    answer = Answer.of("")
    for words in (length, length // 2):  # what was cut is asked for once more, in fewer words
        asked = prompt.format_messages(messages=list(part), max_words=words, **shown)
        answer = Answer.of(await ask(how.model, asked))
        if answer.end != "cut":
            break
    if answer.refused or answer.end == "malformed":
        return ""
    if answer.end == "cut" and answer.text:
        _warn("The model's summary was cut off, also when asked for in fewer words.")
    return answer.text


def _short_enough(part: Sequence[BaseMessage], how: Summarizer) -> Sequence[BaseMessage]:
    """*part*; where it is too much for one call, its long messages only by their two ends."""
    if how.count(part) <= how.limits.most_at_once:
        return part
    fair = how.limits.most_at_once / len(part)
    weights = [how.count([one]) for one in part]
    short: list[BaseMessage] = []
    for message, weight in zip(part, weights, strict=True):
        text = message_text(message)
        ends = shortened(text, int(len(text) * min(1, fair / (weight or 1))))
        short.append(message.model_copy(update={"content": ends}) if weight > fair else message)
    return short


async def _fit(view: HistoryView, how: Summarizer) -> SummarizationResult:
    """Hold the budget although the notes came out longer than was set aside for them."""
    result = _result(view, how)
    if view.running is None or _fits(view, how):
        return result
    running = view.running

    def saying(notes: str) -> HistoryView:
        return replace(view, running=replace(running, summary=notes))

    shorter = await _summary_by_model(SHORTEN_PROMPT, (), running.summary, how)
    best = saying(shorter) if shorter else view
    if _fits(best, how):
        return _result(best, how)
    notes = best.running.summary if best.running else ""
    short = cut_text(notes, lambda text: _fits(saying(text), how))
    if not short:
        raise OverBudgetError(
            f"The summary finds no room in max_tokens={how.limits.max_tokens} beside the "
            "system message and the newest messages. Raise max_tokens or max_summary_tokens."
        )
    _warn("The model's summary was longer than its budget even when asked again; it was cut.")
    return _result(saying(short), how)


def _fits(view: HistoryView, how: Summarizer) -> bool:
    return how.count(_result(view, how).messages) <= how.limits.max_tokens


def _warn(text: str) -> None:
    warn_caller(text, RuntimeWarning)
