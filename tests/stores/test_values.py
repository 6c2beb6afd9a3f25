"""Values as JSON."""

import json
import math
import sqlite3
from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.errors import InvalidInputError
from longterm.stores.values import decode, encode, leaves

texts = st.text(st.characters())
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(texts, json_values, max_size=4)


@given(objects)
def test_every_value_comes_back(value: dict[str, Any]) -> None:
    assert decode(encode(value).text) == value


@given(objects)
def test_every_encoded_value_is_utf_8(value: dict[str, Any]) -> None:
    encode(value).text.encode()


@given(objects)
def test_sqlite_reads_what_is_plain(value: dict[str, Any]) -> None:
    encoded = encode(value)
    connection = sqlite3.connect(":memory:")
    try:
        (valid,) = connection.execute("SELECT json_valid(?)", (encoded.text,)).fetchone()
    finally:
        connection.close()
    assert valid or not encoded.plain


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_standard_json_lacks_is_not_plain(number: float) -> None:
    assert not encode({"n": number}).plain


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"v": value}
    return value


@pytest.mark.parametrize(
    "value",
    [{"a": object()}, {"a": {1, 2}}, {("a", "b"): 1}, nested(100_000), {"a": 10**5000}],
    ids=["object", "set", "tuple as key", "too deep", "too many digits"],
)
def test_what_json_cannot_say_is_refused(value: dict[Any, Any]) -> None:
    with pytest.raises(InvalidInputError):
        encode(value)


def test_leaves_are_texts_and_numbers_without_field_names() -> None:
    value = {"kind": "Memory", "content": {"n": 3, "tags": ["a", None, True]}}
    assert leaves(value) == ["Memory", "3", "a"]


def test_a_stored_value_is_readable_by_people() -> None:
    assert json.loads(encode({"味": "拉面"}).text) == {"味": "拉面"}
    assert "拉面" in encode({"味": "拉面"}).text
