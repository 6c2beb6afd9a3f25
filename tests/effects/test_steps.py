"""Store operations, and what is left open for a store to decide."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st
from langgraph.store.base import Item, PutOp, SearchItem, TTLConfig
from langgraph.store.memory import InMemoryStore

from longterm.effects.steps import (
    get_op,
    in_batches,
    put_op,
    search_op,
    settled,
    with_zones,
)
from longterm.testing import HashEmbeddings

PLACE = ("memories",)


class Keeping(InMemoryStore):
    """A store that keeps times to live."""

    supports_ttl = True
    ttl_config = TTLConfig(default_ttl=7, refresh_on_read=False)


def embedding(*fields: str) -> InMemoryStore:
    return InMemoryStore(index={"dims": 64, "embed": HashEmbeddings(), "fields": [*fields]})


def ttl_of(op: Any) -> Any:
    return op.ttl


def test_an_open_time_to_live_is_the_store_s() -> None:
    assert ttl_of(settled(put_op(PLACE, "k", {}), Keeping())) == 7


@pytest.mark.parametrize("ttl", [None, 3, 0.5])
def test_a_given_time_to_live_stays(ttl: Any) -> None:
    assert ttl_of(settled(put_op(PLACE, "k", {}, ttl=ttl), Keeping())) == ttl


def test_a_store_that_keeps_no_time_says_so() -> None:
    with pytest.raises(NotImplementedError, match="time to live"):
        settled(put_op(PLACE, "k", {}, ttl=3), InMemoryStore())


def test_a_store_without_rules_renews_on_reading() -> None:
    assert settled(get_op(PLACE, "k"), InMemoryStore()) == get_op(PLACE, "k", refresh_ttl=True)


@pytest.mark.parametrize("refresh", [True, False])
def test_a_given_renewal_stays(refresh: bool) -> None:  # noqa: FBT001 - a parameter
    op = search_op(PLACE, refresh_ttl=refresh)
    assert settled(op, Keeping()) == op


@given(st.lists(st.sampled_from(["ann", "bob", "eve"])))
def test_batches_hold_every_operation_in_order(users: list[str]) -> None:
    ops = [put_op(PLACE, str(n), {"user": user}) for n, user in enumerate(users)]
    batches = in_batches(ops, embedding("user"))
    assert [op.key for batch in batches for op in batch if isinstance(op, PutOp)] == [
        op.key for op in ops
    ]
    for batch in batches:
        texts = [op.value["user"] for op in batch if isinstance(op, PutOp) and op.value]
        assert len(texts) == len(set(texts))


def test_any_other_store_takes_everything_at_once() -> None:
    ops = [put_op(PLACE, str(n), {"user": "ann"}) for n in range(3)]
    assert len(in_batches(ops, InMemoryStore())) == 1


def test_what_is_not_indexed_needs_no_batch_of_its_own() -> None:
    ops = [put_op(PLACE, str(n), {"user": "ann"}, index=False) for n in range(3)]
    assert len(in_batches(ops, embedding("user"))) == 1


def test_a_store_that_leaves_the_zone_out_means_utc() -> None:
    when = datetime(2026, 5, 1, 9)  # noqa: DTZ001 - as LangGraph's SqliteStore answers
    item = Item(value={}, key="k", namespace=("m",), created_at=when, updated_at=when)
    found = SearchItem(("m",), "k", {}, when, when)

    answers = with_zones([item, None, [found], [("m",)]])

    assert answers == [item, None, [found], [("m",)]]
    for one in (item, found):
        assert one.created_at == one.updated_at == when.replace(tzinfo=UTC)
