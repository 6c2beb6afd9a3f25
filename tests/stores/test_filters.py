"""Filters: SQL lets through whatever Python says holds."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from longterm.errors import InvalidInputError
from longterm.stores.embedded.transaction import narrow
from longterm.stores.filters import holds, parse
from longterm.stores.rows import encode

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


def operator(name: str, operand: Any) -> dict[str, Any]:
    return {name: operand}


def operators(names: list[str], operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(operator, st.sampled_from(names), operands)


def compound(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.dictionaries(names, inner, max_size=2)
        | operators(["$not"], inner)
        | operators(["$and", "$or"], st.lists(inner, max_size=2))
    )


simple = (
    values
    | operators(["$gt", "$gte", "$lt", "$lte"], bounds)
    | operators(["$eq", "$ne"], values)
    | operators(["$in", "$nin"], st.lists(values, max_size=3))
    | operators(["$exists"], st.booleans())
)
fields = st.dictionaries(names, st.recursive(simple, compound, max_leaves=4), max_size=2)
filters: st.SearchStrategy[dict[str, Any]] = fields | operators(
    ["$and", "$or"], st.lists(fields, max_size=2)
)


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def passes_sql(sqlite: sqlite3.Connection, wanted: dict[str, Any], value: dict[str, Any]) -> bool:
    narrowed, encoded = narrow(parse(wanted)), encode(value)
    row = sqlite.execute(
        f"SELECT {narrowed.text} FROM (SELECT ? AS value, ? AS plain)",  # noqa: S608 - the subject
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


@pytest.mark.parametrize(
    "wanted",
    [
        {"n": {"$in": list(range(40_000))}},
        {"text": {"$in": [str(number) for number in range(40_000)]}},
        {"$or": [{"n": number} for number in range(40_000)]},
        {"$and": [{"n": {"$gt": -number}} for number in range(1, 40_000)]},
        {f"missing {number}": None for number in range(40_000)},
    ],
    ids=["$in", "$in texts", "$or", "$and", "fields"],
)
def test_a_filter_may_have_thousands_of_parts(
    sqlite: sqlite3.Connection, wanted: dict[str, Any]
) -> None:
    assert passes_sql(sqlite, wanted, {"n": 7, "text": "7"})


def test_a_filter_may_be_nested_deeply(sqlite: sqlite3.Connection) -> None:
    wanted: dict[str, Any] = {"n": 7}
    for _ in range(25):
        wanted = {"$and": [{"$or": [wanted, {"n": 8}]}, {"n": {"$gt": 0}}]}
    assert passes_sql(sqlite, wanted, {"n": 7})


def test_sql_narrows_by_one_of_many_texts(sqlite: sqlite3.Connection) -> None:
    wanted = {"a": {"$in": ["x", "y", "味", "it's"]}}
    passing = [text for text in ("x", "味", "it's", "z") if passes_sql(sqlite, wanted, {"a": text})]
    assert passing == ["x", "味", "it's"]


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
def test_what_holds(value: dict[str, Any], wanted: dict[str, Any], *, expected: bool) -> None:
    assert holds(parse(wanted), value) is expected


@pytest.mark.parametrize(
    "wanted",
    [{"a": {"$gt": None}}, {"a": {"$in": "abc"}}, {"$or": {"a": 1}}, {"a": {"$x": 1}}, [("a", 1)]],
)
def test_a_filter_that_means_nothing_is_refused(wanted: Any) -> None:
    with pytest.raises(InvalidInputError):
        parse(wanted)
