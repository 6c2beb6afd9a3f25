"""Calls that models write as words, in the spellings of their families."""

import pytest
from hypothesis import given, strategies as st

from longterm.extract.spelled_calls import SpelledCall, spelled_calls

CALL = SpelledCall("Person", {"name": "Ann"})
ARGUMENTS = '{"name": "Ann"}'


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Person", "arguments": {"name": "Ann"}}',
        '{"name": "Person", "parameters": {"name": "Ann"}}',
        '{"type": "function", "function": {"name": "Person", "arguments": {"name": "Ann"}}}',
        '{"tool_calls": [{"name": "Person", "args": {"name": "Ann"}}]}',
        'I keep this:\n```json\n{"name": "Person", "arguments": {"name": "Ann"}}\n```',
        '<tool_call>\n{"name": "Person", "arguments": {"name": "Ann"}}\n</tool_call>',
        '<|python_tag|>{"name": "Person", "parameters": {"name": "Ann"}}',
        '[TOOL_CALLS][{"name": "Person", "arguments": {"name": "Ann"}}]',
        f"[TOOL_CALLS]Person{ARGUMENTS}",
        f"[TOOL_CALLS]Person[ARGS]{ARGUMENTS}",
        f"<function=Person>{ARGUMENTS}</function>",
        "<tool_call>\n<function=Person>\n<parameter=name>\nAnn\n</parameter>\n</function>\n</tool_call>",
        '<invoke name="Person"><parameter name="name">Ann</parameter></invoke>',
        "<tool_call>Person\n<arg_key>name</arg_key>\n<arg_value>Ann</arg_value>\n</tool_call>",
        f"<｜tool▁call▁begin｜>Person<｜tool▁sep｜>{ARGUMENTS}<｜tool▁call▁end｜>",
        f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>Person\n```json\n{ARGUMENTS}\n```<｜tool▁call▁end｜>",
        f"to=Person <|constrain|>json<|message|>{ARGUMENTS}",
        f"Thought: keep it\nAction: Person\nAction Input: {ARGUMENTS}",
        'Person(name="Ann")',
        "[Person(name='Ann')]",
    ],
)
def test_a_call_is_understood_in_the_spelling_of_every_family(text: str) -> None:
    assert spelled_calls(text) == [CALL]


def test_several_calls_keep_their_order() -> None:
    one = '<tool_call>{{"name": "Person", "arguments": {{"name": "{}"}}}}</tool_call>'
    calls = spelled_calls(one.format("Ann") + "\n" + one.format("Bob"))
    assert [call.arguments["name"] for call in calls] == ["Ann", "Bob"]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Person", "arguments": {"name": "An',
        '<function=Person>{"name": "An',
        "<tool_call><function=Person><parameter=name>Ann</parameter>",
    ],
)
def test_half_a_call_is_known_for_one(text: str) -> None:
    assert spelled_calls(text)[-1].cut


@pytest.mark.parametrize(
    "text", ["", "Nothing.", "Ann has arguments with Bob.", '{"name": "Ann"}', "f(x)", "open(…"]
)
def test_words_are_no_call(text: str) -> None:
    assert spelled_calls(text) == []


@given(st.text(st.sampled_from('<>{}[]()"|:=/ \nabPerson_arguments'), max_size=80))
def test_any_muddle_is_read_without_a_crash(text: str) -> None:
    spelled_calls(text)
