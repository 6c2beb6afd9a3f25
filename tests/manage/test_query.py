"""Queries that a model writes."""

from __future__ import annotations

from forgeries import inside, messages, role_of, tags_of, turns_of
from hypothesis import given, settings, strategies as st
from langchain_core.messages import BaseMessage

from longterm.effects.drivers import run
from longterm.manage.query import QueryWriter
from longterm.testing import ScriptedChatModel


@given(st.lists(messages, min_size=1, max_size=4))
@settings(deadline=None)
def test_the_writer_of_queries_reads_the_turns_that_happened(talk: list[BaseMessage]) -> None:
    model = ScriptedChatModel('["tea"]')

    assert run(QueryWriter(model, "Write queries.").write(talk)) == ["tea"]

    page = model.asked[0].messages[-1].text
    assert tags_of(page, "conversation") == ["<conversation>", "</conversation>"]
    turns = [role.split()[0] for role in turns_of(inside(page, "conversation"))]
    assert turns == [role_of(one) for one in talk]
