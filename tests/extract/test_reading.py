"""Tolerant reading: what a model meant, where it is plain, and never half a value for a whole."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.extract.reading import (
    DEPTH_LIMIT,
    TEXT_LIMIT,
    cut_off,
    json_parts,
    parsed,
    read_json,
    too_deep,
)

json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
).filter(lambda value: isinstance(value, dict | list))


@given(json_texts)
def test_valid_json_is_read_as_it_is(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps(value, ensure_ascii=False)) == value


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"a": [1, 2]}\n```',
        'Here you are: {"a": [1, 2]} Anything else?',
        "{'a': [1, 2]}",
        '{"a": [1, 2],}',
        "{a: [1, 2]}",
        '{"a": [1, 2',
    ],
)
def test_common_slips_are_forgiven(text: str) -> None:
    assert read_json(text) == {"a": [1, 2]}


@pytest.mark.parametrize("text", ["", "Nothing to remember.", "5", '"tea"', "null", "…"])
def test_words_are_no_json(text: str) -> None:
    assert read_json(text) is None


@given(st.text(st.sampled_from("{}[]\",:'\\ab1 \n`"), max_size=60))
def test_any_muddle_is_read_without_a_crash(text: str) -> None:
    read_json(text)
    cut_off(text)


def test_brackets_without_end_are_no_json() -> None:
    assert read_json("[" * 100_000) is None


def test_an_endless_answer_is_not_repaired() -> None:
    assert read_json("some {words} " * TEXT_LIMIT) is None


# Cut off


@given(json_texts)
def test_whole_json_is_not_cut_off(value: Any) -> None:
    assert not cut_off(json.dumps(value))


@given(json_texts, st.data())
def test_every_beginning_of_json_is_cut_off(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    length = data.draw(st.integers(1, len(text) - 1))
    assert cut_off(text[:length])


@pytest.mark.parametrize(
    "text",
    [
        'Ann said "hello: {"a": 1}',
        'A smile :-} and {"a": 1}',
    ],
)
def test_words_around_json_do_not_make_it_look_cut_off(text: str) -> None:
    assert not cut_off(text)


def test_quotes_and_brackets_in_strings_do_not_count() -> None:
    assert not cut_off(json.dumps({"a": 'she said "[{" and left \\'}))


def test_json_nested_beyond_all_meaning_is_not_read() -> None:
    deepest = "[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT
    assert not too_deep(read_json(deepest))
    assert read_json(f"[{deepest}]") is None


@pytest.mark.parametrize(
    "text",
    [
        "[" + "{]," * 10_000,
        "[{]" * 10_000,
        "{" * 20_000,
        '{"a" ' * 10_000,
        "[" + "(" * 20_000,
        '["' + '<a b="' * 10_000,
        '{"a":' + "[1]" * 10_000,
        "{\\" * 10_000,
    ],
)
def test_json_of_nothing_but_slips_is_not_repaired_which_would_take_its_length_for_each(
    text: str,
) -> None:
    assert read_json(text) is None


def test_a_slip_in_each_of_many_objects_is_repaired() -> None:
    slips = ", ".join(f'{{"a": [{n}}}' for n in range(50))
    assert read_json(f"[{slips}]") == [{"a": [n]} for n in range(50)]


def test_of_several_values_none_is_taken_for_a_newer_form_of_another() -> None:
    assert read_json('{"a": 1}\n{"a": 2}; {"a": 3} and {"a": 4}') == [
        {"a": n} for n in (1, 2, 3, 4)
    ]
    assert read_json("{'a': 1}{'a': 2}") == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('a {"b": "}"} c [1]', [('{"b": "}"}', True), ("[1]", True)]),
        ('{"a": {"b": 1}', [('{"a": {"b": 1}', False)]),
        ('{"a": 1</tool_call>{"b": 2}', [('{"a": 1', False), ('{"b": 2}', True)]),
        ('{"a": "</tool_call>"}', [('{"a": "</tool_call>"}', True)]),
        ('} "quoted" {}', [("{}", True)]),
    ],
)
def test_objects_and_lists_are_found_where_they_stand(
    text: str, parts: list[tuple[str, bool]]
) -> None:
    assert [(text[one.start : one.end], one.closed) for one in json_parts(text)] == parts


@pytest.mark.parametrize("text", ['{"a": "Zo \\ud83d"}', '{"a": "Zo \\ud83d",}'])
def test_half_an_emoji_that_is_written_as_an_escape_is_no_character(text: str) -> None:
    assert read_json(text) == {"a": "Zo \ufffd"}
    assert parsed(text) == ({"a": "Zo \ufffd"}, False)
    assert read_json('{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}
