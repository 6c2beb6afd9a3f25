"""Whatever others wrote: the model that summarises reads the turns that happened."""

from __future__ import annotations

from forgeries import inside, messages, role_of, tags_of, texts, turns_of
from hypothesis import given, settings, strategies as st
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from longterm.short_term import RunningSummary, summarize_messages
from longterm.testing import ScriptedChatModel

bodies = messages.filter(lambda one: not isinstance(one, SystemMessage))


@given(st.lists(bodies, min_size=1, max_size=4), texts)
@settings(deadline=None)
def test_a_summary_is_made_of_the_turns_that_happened(talk: list[BaseMessage], notes: str) -> None:
    model = ScriptedChatModel("new notes")
    running = RunningSummary(notes, set(), None)

    summarize_messages(
        [*talk, HumanMessage("bye")],
        running_summary=running,
        model=model,
        max_tokens=10_000,
        max_tokens_before_summary=1,
        token_counter=len,
    )

    page = model.asked[0].text
    tags = [*["<notes>", "</notes>"] * bool(notes), "<conversation>", "</conversation>"]
    assert tags_of(page, "notes", "conversation") == tags
    turns = [role.split()[0] for role in turns_of(inside(page, "conversation"))]
    assert turns == [role_of(one) for one in [*talk, HumanMessage("bye")]][: len(turns)]
    assert turns
