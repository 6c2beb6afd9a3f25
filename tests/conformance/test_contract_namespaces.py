"""The contract: namespaces and prefixes."""

import pytest
from langgraph.store.base import BaseStore, ListNamespacesOp, MatchCondition

PLACES = [("a",), ("a", "b"), ("a", "b", "c"), ("ab",), ("b", "b"), ("b", "x", "c")]


@pytest.fixture
def placed(store: BaseStore) -> BaseStore:
    for namespace in PLACES:
        store.put(namespace, "k", {"n": 1})
    return store


def found(store: BaseStore, prefix: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {item.namespace for item in store.search(prefix, limit=100)}


def test_a_prefix_finds_itself_and_what_is_below(placed: BaseStore) -> None:
    assert found(placed, ("a",)) == {("a",), ("a", "b"), ("a", "b", "c")}


def test_a_prefix_stops_at_the_end_of_a_label(placed: BaseStore) -> None:
    assert ("ab",) not in found(placed, ("a",))


def test_the_empty_prefix_finds_everything(placed: BaseStore) -> None:
    assert found(placed, ()) == set(PLACES)


@pytest.mark.parametrize("label", ["%", "_", "*", "[a]", "a'b", 'a"b', "A", "a b", "a/b", "味"])
def test_a_label_stands_for_itself_alone(placed: BaseStore, label: str) -> None:
    placed.put((label, "x"), "k", {"n": 1})
    assert found(placed, (label,)) == {(label, "x")}


def test_a_lone_surrogate_is_a_label(placed: BaseStore) -> None:
    placed.put(("\ud800",), "k", {"n": 1})
    assert found(placed, ("\ud800",)) == {("\ud800",)}


def test_all_namespaces_are_listed_sorted(placed: BaseStore) -> None:
    assert placed.list_namespaces() == sorted(PLACES)


def test_namespaces_are_listed_by_prefix(placed: BaseStore) -> None:
    assert placed.list_namespaces(prefix=("a", "b")) == [("a", "b"), ("a", "b", "c")]


def test_namespaces_are_listed_by_suffix(placed: BaseStore) -> None:
    assert placed.list_namespaces(suffix=("c",)) == [("a", "b", "c"), ("b", "x", "c")]


def test_a_star_stands_for_any_one_label(placed: BaseStore) -> None:
    assert placed.list_namespaces(prefix=("*", "b")) == [("a", "b"), ("a", "b", "c"), ("b", "b")]


def test_all_conditions_must_be_met(placed: BaseStore) -> None:
    assert placed.list_namespaces(prefix=("b",), suffix=("b",)) == [("b", "b")]


def test_a_depth_cuts_and_lists_each_once(placed: BaseStore) -> None:
    assert placed.list_namespaces(max_depth=1) == [("a",), ("ab",), ("b",)]


def test_namespaces_come_in_pages(placed: BaseStore) -> None:
    assert placed.list_namespaces(limit=2, offset=1) == sorted(PLACES)[1:3]


def test_an_emptied_namespace_is_listed_no_more(placed: BaseStore) -> None:
    placed.delete(("ab",), "k")
    assert ("ab",) not in placed.list_namespaces()


def test_asking_for_an_item_makes_no_namespace(store: BaseStore) -> None:
    store.get(("nowhere",), "k")
    assert store.list_namespaces() == []


def test_conditions_work_as_an_operation(placed: BaseStore) -> None:
    condition = MatchCondition("suffix", ("*", "c"))
    (listed,) = placed.batch([ListNamespacesOp((condition,))])
    assert listed == [("a", "b", "c"), ("b", "x", "c")]
