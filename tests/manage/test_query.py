"""Queries that a model writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from forgeries import inside, messages, role_of, tags_of, turns_of
from hypothesis import given, settings, strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from longterm.effects.drivers import run
from longterm.manage.query import QueryWriter
from longterm.testing import ScriptedChatModel, tool_calls


@given(st.lists(messages, min_size=1, max_size=4))
@settings(deadline=None)
def test_the_writer_of_queries_reads_the_turns_that_happened(talk: list[BaseMessage]) -> None:
    model = ScriptedChatModel('["tea"]')

    assert run(QueryWriter(model, "Write queries.").write(talk)) == ["tea"]

    page = model.asked[0].messages[-1].text
    assert tags_of(page, "conversation") == ["<conversation>", "</conversation>"]
    turns = [role.split()[0] for role in turns_of(inside(page, "conversation"))]
    assert turns == [role_of(one) for one in talk]


CALL = '{"name": "search_memory", "arguments": {"query": "tea"}}'


@pytest.mark.parametrize(
    "answer",
    [
        tool_calls(("search_memory", {"query": "tea"})),
        AIMessage(
            "", additional_kwargs={"function_call": {"name": "s", "arguments": '{"query": "tea"}'}}
        ),
        AIMessage([{"type": "function_call", "name": "s", "arguments": '{"query": "tea"}'}]),
        f"<tool_call>\n{CALL}\n</tool_call>",
        CALL.replace('{"query": "tea"}', json.dumps('{"query": "tea"}')),
        f"<think>or {CALL.replace('tea', 'ale')}</think>" + CALL,
        '```json\n{"queries": ["tea"]}\n```',
    ],
)
def test_queries_are_read_in_every_form_of_a_call(answer: Any) -> None:
    model = ScriptedChatModel(answer)
    assert run(QueryWriter(model, "Write queries.").write([HumanMessage("hi")])) == ["tea"]
