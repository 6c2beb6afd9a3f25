"""Values as JSON, namespaces and keys as columns."""

import json
import math
import sqlite3
from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.effects.capabilities import DecodesColumns
from longterm.errors import InvalidInputError, StoreError
from longterm.stores.rows import (
    Row,
    below,
    checksum,
    checksum_of_bytes,
    decode,
    encode,
    from_column,
    leaves,
    to_column,
    to_labels,
    to_path,
)

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


@given(st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=4))
def test_a_flat_value_is_written_as_any_other(value: dict[str, Any]) -> None:
    (inner,) = json.loads(encode({"in": [value]}).text)["in"]

    assert encode({"in": [value]}).text == f'{{"in":[{encode(value).text}]}}'
    assert inner == value


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


any_text = st.text(st.characters())
labels = st.lists(any_text.filter(lambda text: text and "." not in text), max_size=4).map(tuple)


@given(any_text)
def test_every_text_comes_back(text: str) -> None:
    assert from_column(to_column(text)) == text


@given(any_text)
def test_every_column_is_utf_8(text: str) -> None:
    to_column(text).encode()


@given(any_text, any_text)
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert (to_column(one) == to_column(other)) == (one == other)


@given(labels)
def test_every_namespace_comes_back(namespace: tuple[str, ...]) -> None:
    assert to_labels(to_path(namespace)) == namespace


@given(labels.filter(bool), labels)
def test_the_range_below_a_path_holds_what_begins_with_it(
    prefix: tuple[str, ...], other: tuple[str, ...]
) -> None:
    low, high = (bound.encode() for bound in below(to_path(prefix)))
    inside = low < to_path(other).encode() < high
    assert inside == (len(other) > len(prefix) and other[: len(prefix)] == prefix)


def row(value: str, key: str = "a", time: int = 1_700_000_000_000_001) -> Row:
    mark = checksum(key, time, time, value)
    return Row(1, "notes.ann", key, value, time, time, None, 1, mark)


@given(st.lists(st.tuples(objects, texts), max_size=5))
def test_rows_are_decoded_together_as_one_by_one(values: list[tuple[dict[str, Any], str]]) -> None:
    rows = [row(encode(value).text, to_column(key)) for value, key in values]

    namespaces, keys, contents, times = Row.decode_columns(rows)

    items = [one.decode() for one in rows]
    assert [*namespaces] == [item.namespace for item in items]
    assert [*keys] == [item.key for item in items]
    assert [*contents] == [item.value for item in items]
    assert [*times] == [item.created_at.timestamp() for item in items]


def test_what_is_no_json_by_itself_is_no_value_beside_others() -> None:
    rows = [row('{"a": 1'), row('"b": 2}')]

    assert issubclass(Row, DecodesColumns)
    with pytest.raises(ValueError, match=r"delimiter|Expecting"):
        Row.decode_columns(rows)


@given(texts, objects, st.integers(0, 2**60))
def test_a_checksum_is_that_of_the_bytes(text: str, value: dict[str, Any], time: int) -> None:
    key, encoded = to_column(text), encode(value).text

    same = checksum_of_bytes(key.encode(), time, 7, encoded.encode())
    assert checksum(key, time, 7, encoded) == same


def test_one_damaged_row_is_noticed_among_others() -> None:
    damaged = row('{"text": "nuts"}')._replace(value='{"text": "nets"}')

    with pytest.raises(StoreError, match="damaged"):
        Row.decode_columns([row("{}"), damaged])
