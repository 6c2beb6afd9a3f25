"""What cannot travel is seen, and mended where what was said must be kept."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.text.characters import is_json, json_data, mapped, whole_characters

HALF = "\ud83d"
ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=20)
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_half_an_emoji_is_replaced_and_two_halves_are_one() -> None:
    assert whole_characters(f"tea {HALF} please") == "tea \ufffd please"
    assert whole_characters("\ud83c\udf75 tea") == "🍵 tea"


@given(ANY_TEXT)
def test_whole_characters_have_a_form_in_utf_8(text: str) -> None:
    whole = whole_characters(text)
    assert whole.encode().decode() == whole
    assert whole_characters(whole) == whole


@given(st.text())
def test_a_text_without_halves_stays_as_it_is(text: str) -> None:
    assert whole_characters(text) == text


@pytest.mark.parametrize(
    "data", [HALF, {"a": HALF}, {HALF: 1}, [math.nan], {"a": -math.inf}, {1, 2}, {"a": object()}]
)
def test_what_no_reader_takes_is_no_json(data: Any) -> None:
    assert not is_json(data)


def test_what_is_nested_too_deeply_is_no_json() -> None:
    data: Any = "x"
    for _ in range(300):
        data = {"a": data}
    assert not is_json(data)


@given(ANY_JSON)
def test_json_data_is_json_and_stays_as_it_is_where_it_was(data: Any) -> None:
    sent = json_data(data)
    assert is_json(sent)
    assert json.loads(json.dumps(sent, allow_nan=False)) == sent
    if is_json(data):
        assert sent == data


def test_every_text_is_changed_and_nothing_else() -> None:
    data = {"a": ["b", 1, None, {"c": "d"}], "e": True}
    assert mapped(str.upper, data) == {"A": ["B", 1, None, {"C": "D"}], "E": True}
