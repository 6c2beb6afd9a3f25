"""What holds of every summary, whatever the history."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings, strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.messages.utils import count_tokens_approximately

from longterm.errors import ConfigurationError
from longterm.short_term import RunningSummary, SummarizationResult, summarize_messages
from longterm.testing import Asked, ScriptedChatModel

words = st.integers(0, 60).map(lambda size: "word " * size)


@st.composite
def turns(draw: st.DrawFn) -> list[BaseMessage]:
    """One turn: the user, perhaps some rounds of parallel tool calls, an answer."""
    messages: list[BaseMessage] = [HumanMessage(draw(words))]
    for _ in range(draw(st.integers(0, 2))):
        # Few names, so that call ids are used again, as small models do.
        names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True))
        calls = [ToolCall(name="f", args={}, id=name) for name in names]
        messages.append(AIMessage(draw(words), tool_calls=calls))
        results = [ToolMessage(draw(words), tool_call_id=name) for name in names]
        messages.extend(draw(st.permutations(results)))
    return [*messages, AIMessage(draw(words))]


@st.composite
def histories(draw: st.DrawFn) -> list[BaseMessage]:
    """Draw turns, perhaps with a system message before and an unfinished turn behind."""
    messages = [message for turn in draw(st.lists(turns(), max_size=6)) for message in turn]
    last = draw(turns())
    messages += last[: draw(st.integers(1, len(last)))]
    numbered = [one.model_copy(update={"id": f"m{n}"}) for n, one in enumerate(messages)]
    return [*draw(st.sampled_from([[], [SystemMessage("be kind")]])), *numbered]


@dataclass(frozen=True)
class Limits:
    max_tokens: int
    max_tokens_before_summary: int | None
    max_summary_tokens: int

    @property
    def ceiling(self) -> int:
        return max(self.max_tokens, self.max_tokens_before_summary or 0)


limits = st.builds(
    Limits,
    st.integers(60, 400),
    st.none() | st.integers(1, 600),
    st.integers(20, 50),
)
replies = st.sampled_from(["", "short", "long " * 30, "longest " * 900])


def summarized(
    messages: list[Any], how: Limits, reply: str, running: RunningSummary | None = None
) -> tuple[SummarizationResult, str]:
    """Return the result and everything the model was shown."""
    model = ScriptedChatModel(*[reply] * 99)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        result = summarize_messages(messages, running_summary=running, model=model, **vars(how))
    return result, "\n".join(map(_text, model.asked))


def _text(asked: Asked) -> str:
    return asked.text


def ids(messages: list[BaseMessage]) -> list[str]:
    """Ids of what was said; a summary, in whatever place, was not."""
    said = (one for one in messages if not isinstance(one, SystemMessage))
    return [str(one.id) for one in said if "lc_source" not in one.additional_kwargs]


def unpaired(messages: list[BaseMessage]) -> set[tuple[str, str]]:
    """Results without a call before them, and calls without a result behind them."""
    waiting: set[str] = set()
    orphans: set[tuple[str, str]] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in waiting:
                orphans.add(("result", message.tool_call_id))
            waiting.discard(message.tool_call_id)
        elif isinstance(message, AIMessage):
            waiting |= {str(call["id"]) for call in message.tool_calls}
    return orphans | {("call", name) for name in waiting}


@given(histories(), limits, replies)
@settings(deadline=None, max_examples=150)
def test_nothing_is_lost_parted_or_too_much(
    messages: list[BaseMessage], how: Limits, reply: str
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = summarize_messages(
            messages, running_summary=None, model=ScriptedChatModel(*[reply] * 99), **vars(how)
        )
    everything = ids(messages)
    if any("The whole history stays" in str(one.message) for one in caught):
        assert ids(result.messages) == everything
        return
    covered = (
        result.running_summary.summarized_message_ids if result.running_summary else set[str]()
    )
    kept = ids(result.messages)
    assert kept == [name for name in everything if name not in covered]
    assert covered <= set(everything)
    assert unpaired(result.messages) <= unpaired(messages)
    assert [one for one in messages if one.type == "system"] == [
        one for one in result.messages if one.text == "be kind"
    ]
    if result.running_summary:
        assert count_tokens_approximately(result.messages) <= how.max_tokens
    elif reply:
        assert count_tokens_approximately(result.messages) <= how.ceiling


@given(st.lists(turns(), min_size=1, max_size=8), limits, st.tuples(st.booleans(), st.booleans()))
@settings(deadline=None, max_examples=80)
def test_every_word_of_a_growing_conversation_is_shown_or_kept(
    conversation: list[list[BaseMessage]], how: Limits, kind: tuple[bool, bool]
) -> None:
    overwrite, named = kind
    history: list[Any] = []
    running: RunningSummary | None = None
    shown = ""
    number = 0
    for turn in conversation:
        for message in turn:
            number += 1
            said = {"content": f"<{number}> {message.content}"}
            name = {"id": f"m{number}"} if named else {}
            history.append(message.model_copy(update={**said, **name}))
        try:
            result, asked = summarized(history, how, "short", running)
        except ConfigurationError:
            return
        shown += asked
        running = result.running_summary
        history = result.messages if overwrite else history
        everything = shown + "\n".join(str(message.content) for message in result.messages)
        assert all(f"<{n}>" in everything for n in range(1, number + 1))
        assert unpaired(result.messages) == set()
    if running:
        assert all(shown.count(f"<{n}>") <= 1 for n in range(1, number + 1))


@given(histories(), limits)
@settings(deadline=None, max_examples=60)
def test_a_history_without_ids_behaves_like_one_with_them(
    messages: list[BaseMessage], how: Limits
) -> None:
    bare = [message.model_copy(update={"id": None}) for message in messages]
    try:
        named, _ = summarized(messages, how, "short")
    except ConfigurationError:
        return
    result, _ = summarized(bare, how, "short")
    again, asked = summarized(bare, how, "short", result.running_summary)
    assert [one.content for one in result.messages] == [one.content for one in named.messages]
    assert len(set(ids(result.messages))) == len(ids(result.messages))
    if not asked:
        assert again == result
