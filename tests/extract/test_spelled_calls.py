"""Calls that models write as words, in the spellings of their families."""

import json

import pytest
from hypothesis import given, strategies as st

from longterm.extract.calls import named
from longterm.extract.spelled_calls import SpelledCall, spelled_calls

TOOLS = {"Person": "Person"}
CALL = SpelledCall("Person", {"name": "Ann"})
ARGUMENTS = '{"name": "Ann"}'


def read(text: str) -> list[SpelledCall]:
    return spelled_calls(text, lambda name: named(name, TOOLS) is not None)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Person", "arguments": {"name": "Ann"}}',
        '{"name": "Person", "parameters": {"name": "Ann"}}',
        f"I am calling Person with {ARGUMENTS}",
        f"Calling `Person` with arguments: {ARGUMENTS}",
        "<Person name='Ann'/>",
        '<Person name="Ann"></Person>',
        "<invoke><tool_name>Person</tool_name><parameters><name>Ann</name></parameters></invoke>",
        "<x_tool_call>Person<x_arg_key>name</x_arg_key><x_arg_value>Ann</x_arg_value></x_tool_call>",
        "&lt;call&gt;{&quot;Person&quot;: {&quot;name&quot;: &quot;Ann&quot;}}&lt;/call&gt;",
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
        "I keep this.\n\nPerson(name='Ann')",
        "```tool_code\nprint(default_api.Person(name='Ann'))\n```",
        '<|tool_call_start|>[Person(name="Ann")]<|tool_call_end|>',
        f"Person({ARGUMENTS})",
        f"Action: Person({ARGUMENTS})",
        f"Person: {ARGUMENTS}",
        f"Person\n{ARGUMENTS}",
        f"<function=Person({ARGUMENTS})</function>",
        f'<function name="Person">{ARGUMENTS}</function>',
        f"<tool_call><name>Person</name><arguments>{ARGUMENTS}</arguments></tool_call>",
        "<start_function_call>call:Person{name:<escape>Ann<escape>}<end_function_call>",
        f"<|tool_call_begin|>functions.Person:0<|tool_call_argument_begin|>{ARGUMENTS}",
        "<Person><name>Ann</name></Person>",
        "<tool_call><Person><name>Ann</name></Person></tool_call>",
        "<tool_call><function=Person><parameter=name>\nAnn\n</function></tool_call>",
        "<invoke name='Person'><parameter name='name'>Ann</parameter></invoke>",
        '<｜x｜invoke name="Person"><｜x｜parameter name="name">Ann</｜x｜parameter></｜x｜invoke>',
        f'{{"Person": {ARGUMENTS}}}',
        f'<|tools_prefix|>[{{"Person": {ARGUMENTS}}}]<|tools_suffix|>',
        f'{{"tool_uses": [{{"recipient_name": "Person", "parameters": {ARGUMENTS}}}]}}',
        f'{{"function_call": {{"name": "Person", "arguments": {ARGUMENTS}}}}}',
        f'{{"toolName": "Person", "toolInput": {ARGUMENTS}}}',
        '{"tool": "Person", "name": "Ann"}',
        '<|tool_call>call:Person{name:<|"|>Ann<|"|>}<tool_call|>',
        f"✿FUNCTION✿: Person\n✿ARGS✿: {ARGUMENTS}",
        f"<|start|>assistant to=functions.Person<|channel|>commentary json<|message|>{ARGUMENTS}",
        "Person({ name: `Ann` })",
        '<Person name="Ann" />',
        "<tool_use><name>Person</name><parameters><name>Ann</name></parameters></tool_use>",
        '<invoke name="Person"><name>Ann</name></invoke>',
        f'{{"method": "tools/call", "params": {{"name": "Person", "arguments": {ARGUMENTS}}}}}',
        f'{{"method": "Person", "params": {ARGUMENTS}}}',
    ],
)
def test_a_call_is_understood_in_the_spelling_of_every_family(text: str) -> None:
    (call,) = read(text)
    assert named(call.name, TOOLS) == "Person"
    assert (call.arguments, call.cut) == (CALL.arguments, False)


@pytest.mark.parametrize(
    "one",
    [
        '<tool_call>{{"name": "Person", "arguments": {{"name": "{}"}}}}</tool_call>\n',
        '{{"name": "Person", "arguments": {{"name": "{}"}}}}\n',
        '{{"name": "Person", "parameters": {{"name": "{}"}}}}; ',
        "<tool_call>{{'name': 'Person', 'arguments': {{'name': '{}'}}}}</tool_call>",
        'Person(name="{}")\n',
        'Person({{"name": "{}"}}) and ',
        '{{"Person": [{{"name": "{}"}}]}} ',
    ],
)
def test_several_calls_keep_their_order(one: str) -> None:
    calls = read(one.format("Ann") + one.format("Bob"))
    assert [call.arguments["name"] for call in calls] == ["Ann", "Bob"]


@pytest.mark.parametrize(
    "text",
    [
        "Person(0), Person(1)",
        "Person(0); Person(1)",
        "[Person(0), Person(1)]",
        "- Person(0)\n- Person(1)",
        "1. Person(0)\n2. Person(1)",
        "`Person(0)`\n`Person(1)`",
    ],
)
def test_each_call_of_a_list_is_read(text: str) -> None:
    assert [call.positional for call in read(text)] == [(0,), (1,)]


def test_values_without_a_name_keep_their_order() -> None:
    (call,) = read("Person('Ann', age=4)")
    assert (call.arguments, call.positional) == ({"age": 4}, ("Ann",))


def test_elements_of_one_name_are_a_list() -> None:
    (call,) = read("<Person><name>Ann</name><pet>a &amp; b</pet><pet>c</pet></Person>")
    assert call.arguments == {"name": "Ann", "pet": ["a & b", "c"]}


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Person", "arguments": {"name": "An',
        '<function=Person>{"name": "An',
        "<tool_call><function=Person><parameter=name>Ann</parameter>",
        '<tool_call>{"name": "Person", "arguments": {"name": "Ann"}</tool_call>',
        'Person(name="An',
    ],
)
def test_half_a_call_is_known_for_one(text: str) -> None:
    assert read(text)[-1].cut


def test_a_call_after_half_a_call_is_whole() -> None:
    half = '<tool_call>{"name": "Person", "arguments": {"name": "Ann"}</tool_call>'
    whole = '<tool_call>{"name": "Person", "arguments": {"name": "Bob"}}</tool_call>'
    assert [call.cut for call in read(half + whole)] == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing.",
        "Ann has arguments with Bob.",
        '{"name": "Ann"}',
        "f(x)",
        "open(…",
        "The person (Ann) is known.",
        "A person(0) and a person(1).",
        'He spoke of the film Person("2006").',
        'I would call Person("...") only then.',
        'I found a user: {"name": "Ann"}',
        "<b><i>Person</i></b>",
        'There is no need for Person(name="Ann") here.',
        'I did not call Person(name="Ann").',
        'Person(name="Ann") is not needed.',
        f"There is no need to call Person with {ARGUMENTS}",
        "不需要调用 Person(name='Ann')。",
        "Person(name='Ann') は不要です。",
    ],
)
def test_words_are_no_call(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    "text",
    [
        'Ann is not known yet, so I call Person(name="Ann").',
        "她不喜欢茶了，于是 Person(name='Ann')",
        'I will save this: Person(name="Ann")',
    ],
)
def test_a_call_in_a_sentence_is_one(text: str) -> None:
    (call,) = read(text)
    assert call.arguments == {"name": "Ann"}


@pytest.mark.parametrize("before", ["1.", "2) ", "...", "=> ", "saving…"])
def test_a_call_in_python_may_stand_close_behind_a_sign(before: str) -> None:
    assert read(f'{before}Person(name="Ann")') == [CALL]


def test_many_calls_in_python_all_count() -> None:
    calls = read("\n".join(f'Person(name="Ann ({n})")' for n in range(60)))
    assert [call.arguments["name"] for call in calls] == [f"Ann ({n})" for n in range(60)]
    assert not any(call.cut for call in calls)


ANN = {"name": "Ann", "age": "3"}


@pytest.mark.parametrize(
    "text",
    [
        '<invoke name="Person"><parameter name="name">Ann<parameter name="age">3</invoke>',
        "<tool_call>Person"
        + "".join(f"<arg_key>{key}</arg_key><arg_value>{value}" for key, value in ANN.items())
        + "</tool_call>",
        "<function=Person><parameter=name>Ann<parameter=age>3</function>",
    ],
)
def test_a_parameter_without_an_end_ends_where_the_next_begins(text: str) -> None:
    assert [call.arguments for call in read(text)] == [ANN]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"<t{n}>" for n in range(2_000))
        + "".join(f"</t{n}>" for n in range(1_999, -1, -1)),
        "a" + ":" * 20_000 + 'x {"a": 1}',
        "Person(" * 2_000 + ")" * 2_000,
        '{"Person":' * 2_000,
        "<a>" * 20_000 + "</b>",
        "<a><b>" * 10_000 + "</a>" * 10_000,
        "a" * 1_000_000,
        "a." * 500_000,
        "<invoke name='a'>" + "<parameter name='a'>" * 20_000,
        "<invoke name='a'>" + "<parameter name='" * 20_000,
        "<tool_call>a<arg_key>" + "<arg_key>a</arg_key><arg_value>" * 20_000,
        "<tool_call>a<arg_key>" + "<arg_key>" * 20_000,
        "<function=" * 20_000,
    ],
    ids=[
        *("tags", "colons", "calls", "objects", "open", "crossed", "word", "path"),
        *("parameters", "attributes", "values", "keys", "names"),
    ],
)
def test_what_nests_or_repeats_without_end_is_read_without_a_crash(text: str) -> None:
    read(text)


@pytest.mark.parametrize("key", ["name", "tool", "toolName", "function"])
def test_a_list_or_an_object_is_no_name(key: str) -> None:
    assert read(json.dumps({key: ["Person"], "age": 4})) == []


@given(st.text(st.sampled_from('<>{}[]()"|:=/ \nabPerson_arguments'), max_size=80))
def test_any_muddle_is_read_without_a_crash(text: str) -> None:
    read(text)
