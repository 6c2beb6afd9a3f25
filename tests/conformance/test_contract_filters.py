"""The contract: filters."""

from typing import Any

import pytest
from langgraph.store.base import BaseStore

NS = ("things",)

THINGS: dict[str, dict[str, Any]] = {
    "ten": {"n": 10, "kind": "number", "nested": {"deep": {"x": 1}, "y": 2}},
    "nine": {"n": 9, "kind": "number", "tags": ["a", "b"]},
    "half": {"n": 0.5, "kind": "number", "flag": True},
    "text": {"n": "10", "kind": "text", "味": "ramen", "a.b": 1, "a b": 2},
    "null": {"n": None, "kind": "null", "nested": {}},
    "none": {"kind": "none"},
}


@pytest.fixture
def things(store: BaseStore) -> BaseStore:
    for key, value in THINGS.items():
        store.put(NS, key, value)
    return store


def keys(store: BaseStore, wanted: dict[str, Any]) -> list[str]:
    return sorted(item.key for item in store.search(NS, filter=wanted, limit=100))


def test_equal(things: BaseStore) -> None:
    assert keys(things, {"kind": "number"}) == ["half", "nine", "ten"]


def test_equal_by_operator(things: BaseStore) -> None:
    assert keys(things, {"kind": {"$eq": "text"}}) == ["text"]


def test_all_fields_must_match(things: BaseStore) -> None:
    assert keys(things, {"kind": "number", "n": 9}) == ["nine"]


def test_a_number_is_not_its_text(things: BaseStore) -> None:
    assert keys(things, {"n": 10}) == ["ten"]


def test_numbers_compare_as_numbers(things: BaseStore) -> None:
    assert keys(things, {"kind": "number", "n": {"$gt": 9}}) == ["ten"]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("$gte", ["nine", "ten"]), ("$lt", ["half"]), ("$lte", ["half", "nine"])],
)
def test_ranges(things: BaseStore, operator: str, expected: list[str]) -> None:
    assert keys(things, {"kind": "number", "n": {operator: 9}}) == expected


def test_two_bounds_make_a_range(things: BaseStore) -> None:
    assert keys(things, {"kind": "number", "n": {"$gt": 0.5, "$lt": 10}}) == ["nine"]


def test_a_range_passes_over_what_is_no_number(things: BaseStore) -> None:
    assert keys(things, {"n": {"$gte": 0}}) == ["half", "nine", "ten"]


def test_not_equal_holds_for_a_missing_key(things: BaseStore) -> None:
    assert keys(things, {"n": {"$ne": 9}}) == ["half", "none", "null", "ten", "text"]


def test_null_is_found_by_null_and_so_is_a_missing_key(things: BaseStore) -> None:
    assert keys(things, {"n": None}) == ["none", "null"]


def test_a_boolean_is_found(things: BaseStore) -> None:
    assert keys(things, {"flag": True}) == ["half"]


def test_nested_fields(things: BaseStore) -> None:
    assert keys(things, {"nested": {"deep": {"x": 1}}}) == ["ten"]


def test_an_operator_on_a_nested_field(things: BaseStore) -> None:
    assert keys(things, {"nested": {"y": {"$gte": 2}}}) == ["ten"]


def test_a_list_is_equal_to_the_same_list(things: BaseStore) -> None:
    assert keys(things, {"tags": ["a", "b"]}) == ["nine"]


def test_a_list_is_equal_by_operator(things: BaseStore) -> None:
    assert keys(things, {"tags": {"$eq": ["a", "b"]}}) == ["nine"]


def test_an_object_is_equal_by_operator(things: BaseStore) -> None:
    assert keys(things, {"nested": {"$eq": {"deep": {"x": 1}, "y": 2}}}) == ["ten"]


@pytest.mark.parametrize(("name", "value"), [("味", "ramen"), ("a.b", 1), ("a b", 2)])
def test_every_text_names_a_field(things: BaseStore, name: str, value: Any) -> None:
    assert keys(things, {name: value}) == ["text"]


def test_an_unknown_operator_is_refused(things: BaseStore) -> None:
    with pytest.raises(ValueError, match="\\$like"):
        keys(things, {"kind": {"$like": "n%"}})


@pytest.mark.parametrize("name", ["x') OR 1=1 --", 'x" OR 1=1', "x' UNION SELECT 1"])
def test_a_filter_is_never_run_as_sql(things: BaseStore, name: str) -> None:
    assert keys(things, {name: "x' OR '1'='1"}) == []


# Beyond LangGraph: $in, $nin, $exists, $and, $or, $not.


def test_one_of(things: BaseStore) -> None:
    assert keys(things, {"n": {"$in": [9, "10", 77]}}) == ["nine", "text"]


def test_none_of(things: BaseStore) -> None:
    assert keys(things, {"n": {"$nin": [9, 10, None]}}) == ["half", "text"]


def test_a_field_is_there_even_as_null(things: BaseStore) -> None:
    assert keys(things, {"n": {"$exists": True}}) == ["half", "nine", "null", "ten", "text"]


def test_a_field_is_not_there(things: BaseStore) -> None:
    assert keys(things, {"n": {"$exists": False}}) == ["none"]


def test_either(things: BaseStore) -> None:
    assert keys(things, {"$or": [{"n": 9}, {"kind": "text"}]}) == ["nine", "text"]


def test_both(things: BaseStore) -> None:
    assert keys(things, {"$and": [{"kind": "number"}, {"n": {"$lt": 9}}]}) == ["half"]


def test_the_opposite_of_a_filter(things: BaseStore) -> None:
    assert keys(things, {"$not": {"kind": "number"}}) == ["none", "null", "text"]


def test_the_opposite_of_a_range(things: BaseStore) -> None:
    assert keys(things, {"kind": "number", "n": {"$not": {"$gt": 5}}}) == ["half"]
