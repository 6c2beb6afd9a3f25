"""Filters: SQL lets through whatever Python says holds."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st
from longterm.errors import InvalidInputError
from longterm.stores.filters import holds, narrow, parse
from longterm.stores.values import encode

names = st.sampled_from(["a", "b", "a b", "味", "a.b", 'q"', "\\", "a$", "", "\x00", "\ud800", "*"])
numbers = st.sampled_from(
    [0, 1, -1, 9, 10, 2**53 + 1, 2**63, -(2**63), 0.1, 0.5, 1e300, -0.0, 5e-324]
)
scalars = (
    st.none() | st.booleans() | numbers | st.floats() | st.integers()
    | st.sampled_from(["", "x", "10", "味", "a\x00b", "\ud800", "'", '"', "%"])
    | st.text(st.characters(), max_size=3)
)  # fmt: skip
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(names, values, max_size=4)
bounds = scalars.filter(lambda value: value is not None)

conditions: st.SearchStrategy[Any] = st.recursive(
    values
    | st.builds(
        lambda op, bound: {op: bound}, st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), bounds
    )
    | st.builds(lambda op, value: {op: value}, st.sampled_from(["$eq", "$ne"]), values)
    | st.builds(
        lambda op, several: {op: several},
        st.sampled_from(["$in", "$nin"]),
        st.lists(values, max_size=3),
    )
    | st.builds(lambda wanted: {"$exists": wanted}, st.booleans()),
    lambda inner: (
        st.dictionaries(names, inner, max_size=2)
        | st.builds(lambda part: {"$not": part}, inner)
        | st.builds(
            lambda op, parts: {op: parts},
            st.sampled_from(["$and", "$or"]),
            st.lists(inner, max_size=2),
        )
    ),
    max_leaves=4,
)
filters = st.dictionaries(names, conditions, max_size=2) | st.builds(
    lambda op, parts: {op: parts},
    st.sampled_from(["$and", "$or"]),
    st.lists(st.dictionaries(names, conditions, max_size=2), max_size=2),
)


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def passes_sql(sqlite: sqlite3.Connection, wanted: dict[str, Any], value: dict[str, Any]) -> bool:
    narrowed, encoded = narrow(parse(wanted)), encode(value)
    row = sqlite.execute(
        f"SELECT {narrowed.text} FROM (SELECT ? AS value, ? AS plain)",
        (*narrowed.parameters, encoded.text, encoded.plain),
    ).fetchone()
    return bool(row[0])


@settings(max_examples=500, deadline=None)
@given(filters, objects)
@example({"a": {"$gt": 0.1}}, {"a": 0.10000000000000002})
@example({"a": {"$lt": 2**53}}, {"a": 2**53 - 0.5})
@example({"a": None}, {})
@example({"a": {"b": None}}, {"a": 1})
@example({"a": {"$eq": 1}}, {"a": True})
def test_sql_never_drops_what_holds(
    sqlite: sqlite3.Connection, wanted: dict[str, Any], value: dict[str, Any]
) -> None:
    if holds(parse(wanted), value):
        assert passes_sql(sqlite, wanted, value)


@given(objects)
def test_a_value_is_equal_to_itself(value: dict[str, Any]) -> None:
    assert holds(parse({"whole": {"$eq": value}}), {"whole": value}) == (value == value)  # noqa: PLR0124


@given(filters, objects)
def test_the_opposite_never_holds_too(wanted: dict[str, Any], value: dict[str, Any]) -> None:
    assert holds(parse({"$not": wanted}), value) != holds(parse(wanted), value)


def test_sql_says_simple_filters_exactly(sqlite: sqlite3.Connection) -> None:
    assert not passes_sql(sqlite, {"a": "x", "n": {"$gt": 3}}, {"a": "x", "n": 2})


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ({"a": 1}, {"a": {"$gt": "0"}}, False),
        ({"a": "b"}, {"a": {"$gt": "a"}}, True),
        ({"a": {"b": 1}}, {"a": {}}, True),
        ({"a": 1}, {"a": {}}, False),
        ({"a": 1}, {}, True),
        ({"a": [1, {"b": 2, "c": 3}]}, {"a": [1, {"b": 2}]}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": (1, 2)}, {"a": {"$eq": (1, 2)}}, False),
        ({"a": [1, 2]}, {"a": {"$eq": (1, 2)}}, True),
        ({}, {"a": {"$in": [None]}}, True),
        ({"a": 5}, {"a": {"$not": {"$in": [1, 5]}}}, False),
        ({"a": 5}, {"a": {"$or": [{"$lt": 1}, {"$gt": 4}]}}, True),
    ],
)
def test_what_holds(value: dict[str, Any], wanted: dict[str, Any], expected: bool) -> None:
    assert holds(parse(wanted), value) is expected


@pytest.mark.parametrize(
    "wanted",
    [{"a": {"$gt": None}}, {"a": {"$in": "abc"}}, {"$or": {"a": 1}}, {"a": {"$x": 1}}, [("a", 1)]],
)
def test_a_filter_that_means_nothing_is_refused(wanted: Any) -> None:
    with pytest.raises(InvalidInputError):
        parse(wanted)
