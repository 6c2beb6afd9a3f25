"""The contract: what is put is got."""

from datetime import timedelta
from typing import Any

import pytest
from langgraph.store.base import BaseStore, GetOp, InvalidNamespaceError, Item, PutOp

NS = ("users", "ann")


def got(store: BaseStore, key: str, namespace: tuple[str, ...] = NS) -> Item:
    item = store.get(namespace, key)
    assert item is not None
    return item


def test_an_item_comes_back_as_it_was_put(store: BaseStore) -> None:
    store.put(NS, "k", {"text": "ramen", "tags": ["a", {"b": None}], "n": 1.5, "yes": True})
    item = got(store, "k")
    assert (item.namespace, item.key) == (NS, "k")
    assert item.value == {"text": "ramen", "tags": ["a", {"b": None}], "n": 1.5, "yes": True}


def test_what_was_never_put_is_none(store: BaseStore) -> None:
    assert store.get(NS, "k") is None


def test_a_second_put_replaces_the_value(store: BaseStore) -> None:
    store.put(NS, "k", {"a": 1})
    store.put(NS, "k", {"b": 2})
    assert got(store, "k").value == {"b": 2}


def test_a_deleted_item_is_gone(store: BaseStore) -> None:
    store.put(NS, "k", {"a": 1})
    store.delete(NS, "k")
    assert store.get(NS, "k") is None


def test_deleting_what_is_not_there_is_fine(store: BaseStore) -> None:
    store.delete(NS, "k")
    assert store.get(NS, "k") is None


def test_the_same_key_in_two_namespaces_is_two_items(store: BaseStore) -> None:
    store.put(("a",), "k", {"n": 1})
    store.put(("b",), "k", {"n": 2})
    assert got(store, "k", ("a",)).value == {"n": 1}


def test_an_update_keeps_the_time_of_creation(store: BaseStore) -> None:
    store.put(NS, "k", {"n": 1})
    first = got(store, "k")
    store.put(NS, "k", {"n": 2})
    assert got(store, "k").created_at == first.created_at


def test_an_update_is_later_than_what_it_replaces(store: BaseStore) -> None:
    store.put(NS, "k", {"n": 1})
    first = got(store, "k")
    store.put(NS, "k", {"n": 2})
    assert got(store, "k").updated_at > first.updated_at


def test_times_are_utc(store: BaseStore) -> None:
    store.put(NS, "k", {"n": 1})
    assert got(store, "k").created_at.utcoffset() == timedelta(0)


def test_what_is_got_is_a_copy(store: BaseStore) -> None:
    store.put(NS, "k", {"tags": ["a"]})
    got(store, "k").value["tags"].append("b")
    assert got(store, "k").value == {"tags": ["a"]}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\x00b", id="NUL"),
        pytest.param("味噌拉面 🍜", id="CJK"),
        pytest.param(2**63 - 1, id="the largest 64-bit integer"),
        pytest.param(-(2**63), id="the least 64-bit integer"),
        pytest.param(1e-320, id="a denormal number"),
        pytest.param("x" * 1_000_000, id="a megabyte"),
        pytest.param("", id="empty text"),
        pytest.param({}, id="an empty object"),
    ],
)
def test_every_value_comes_back(store: BaseStore, value: Any) -> None:
    store.put(NS, "k", {"value": value, "clé": 1})
    assert got(store, "k").value == {"value": value, "clé": 1}


def test_a_lone_surrogate_comes_back(store: BaseStore) -> None:
    store.put(NS, "k", {"value \ud800": "a\udfffb"})
    assert got(store, "k").value == {"value \ud800": "a\udfffb"}


def test_an_integer_of_any_size_comes_back(store: BaseStore) -> None:
    store.put(NS, "k", {"value": 2**70})
    assert got(store, "k").value == {"value": 2**70}


def test_infinity_comes_back(store: BaseStore) -> None:
    store.put(NS, "k", {"value": float("-inf")})
    assert got(store, "k").value == {"value": float("-inf")}


def test_nan_comes_back_as_nan(store: BaseStore) -> None:
    store.put(NS, "k", {"value": float("nan")})
    value = got(store, "k").value["value"]
    assert value != value  # noqa: PLR0124 - that is what NaN is


@pytest.mark.parametrize("key", ["", " ", "a.b", "a/b", "%_*?[]", "味", "a\x00b", "'\""])
def test_every_text_is_a_key(store: BaseStore, key: str) -> None:
    store.put(NS, key, {"n": 1})
    assert got(store, key).key == key


def test_a_lone_surrogate_is_a_key(store: BaseStore) -> None:
    store.put(NS, "\ud800", {"n": 1})
    assert got(store, "\ud800").key == "\ud800"


def test_keys_are_told_apart_by_case(store: BaseStore) -> None:
    store.put(NS, "K", {"n": 1})
    assert store.get(NS, "k") is None


@pytest.mark.parametrize("namespace", [("a", ""), ("a.b",), ("a\x00",)])
def test_a_label_that_is_no_label_is_refused(store: BaseStore, namespace: tuple[str, ...]) -> None:
    with pytest.raises(InvalidNamespaceError):
        store.batch([PutOp(namespace, "k", {"n": 1})])


def test_an_item_without_a_namespace_is_refused(store: BaseStore) -> None:
    with pytest.raises(InvalidNamespaceError):
        store.batch([PutOp((), "k", {"n": 1})])


# --- batches ----------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_operations(store: BaseStore) -> None:
    store.put(NS, "a", {"n": 1})
    store.put(NS, "b", {"n": 2})
    b, a = store.batch([GetOp(NS, "b"), GetOp(NS, "a")])
    assert isinstance(a, Item)
    assert isinstance(b, Item)
    assert (b.value, a.value) == ({"n": 2}, {"n": 1})


def test_a_read_sees_what_the_batch_wrote_before(store: BaseStore) -> None:
    answers = store.batch([PutOp(NS, "k", {"n": 1}), GetOp(NS, "k")])
    assert isinstance(answers[1], Item)


def test_a_read_does_not_see_what_the_batch_writes_later(store: BaseStore) -> None:
    answers = store.batch([GetOp(NS, "k"), PutOp(NS, "k", {"n": 1})])
    assert answers[0] is None


def test_a_delete_and_a_put_in_one_batch_leave_the_item(store: BaseStore) -> None:
    store.put(NS, "k", {"n": 1})
    store.batch([PutOp(NS, "k", None), PutOp(NS, "k", {"n": 2})])
    assert got(store, "k").value == {"n": 2}


def test_the_last_of_two_puts_wins(store: BaseStore) -> None:
    store.batch([PutOp(NS, "k", {"n": 1}), PutOp(NS, "k", {"n": 2})])
    assert got(store, "k").value == {"n": 2}


def test_equal_texts_in_one_batch_are_two_items(indexed: BaseStore) -> None:
    indexed.batch([PutOp(NS, "a", {"text": "ramen"}), PutOp(NS, "b", {"text": "ramen"})])
    assert len(indexed.search(NS, query="ramen")) == 2


def test_a_batch_that_fails_leaves_nothing(store: BaseStore) -> None:
    with pytest.raises((TypeError, ValueError)):
        store.batch([PutOp(NS, "a", {"n": 1}), PutOp(NS, "b", {"n": object()})])
    assert store.get(NS, "a") is None


def test_a_batch_that_fails_deletes_nothing(store: BaseStore) -> None:
    store.put(NS, "a", {"n": 1})
    with pytest.raises((TypeError, ValueError)):
        store.batch([PutOp(NS, "a", None), PutOp(NS, "b", {"n": object()})])
    assert store.get(NS, "a") is not None


def test_an_empty_batch_answers_nothing(store: BaseStore) -> None:
    assert store.batch([]) == []
