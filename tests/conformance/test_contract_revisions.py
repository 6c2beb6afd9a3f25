"""Revisions: what an item was, kept with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langgraph.store.base import PutOp
from subjects import DIMS, Make, Options

from longterm.effects.capabilities import RevisionNote, RevisionRow
from longterm.errors import ConflictError, InvalidInputError
from longterm.stores import CapableStore
from longterm.testing import HashEmbeddings

NS = ("memories", "ann")
RUN = {"id": "r", "memories": 2, "input_tokens": 90, "output_tokens": 10, "cost": None}
CREATED = RevisionNote("created", "manager", model="m", reason="she said so", run=RUN)
CHANGED = RevisionNote("changed", "tool", ({"origin": "user", "quote": "now Kyoto"},))
DELETED = RevisionNote("deleted", "user")


def put(
    store: CapableStore,
    key: str,
    value: dict[str, Any] | None,
    note: RevisionNote = CHANGED,
    **options: Any,
) -> RevisionRow | None:
    item = store.get(NS, key)
    before = item.updated_at if item else None
    (row,) = store.put_all_noted([PutOp(NS, key, value)], [before], [note], **options)
    return row


def numbers(store: CapableStore, key: str, namespace: tuple[str, ...] = NS) -> list[int]:
    return [row.number for row in store.get_revisions(namespace, key)]


def actions(store: CapableStore, key: str) -> list[str]:
    return [row.note.action for row in store.get_revisions(NS, key)]


def contents(store: CapableStore, time: datetime, **options: Any) -> list[Any]:
    return [item.value["text"] for item in store.search_as_of(NS, time, **options)]


@pytest.fixture
def moved(revised: CapableStore) -> list[RevisionRow]:
    """Return the revisions of a memory that said Oslo, then Kyoto, and then was deleted."""
    for value, note in (
        ({"text": "lives in Oslo"}, CREATED),
        ({"text": "lives in Kyoto"}, CHANGED),
        (None, DELETED),
    ):
        put(revised, "city", value, note)
    return revised.get_revisions(NS, "city")


def test_each_noted_write_leaves_a_revision(moved: list[RevisionRow]) -> None:
    assert [row.number for row in moved] == [1, 2, 3]
    assert [row.note for row in moved] == [CREATED, CHANGED, DELETED]
    assert [row.value and row.value["text"] for row in moved] == [
        "lives in Oslo",
        "lives in Kyoto",
        None,
    ]
    assert moved[0].time < moved[1].time < moved[2].time
    assert len({row.created_at for row in moved}) == 1


def test_the_revision_that_a_write_answers_is_the_one_that_is_kept(revised: CapableStore) -> None:
    assert [put(revised, "a", {"text": "x"}, CREATED)] == revised.get_revisions(NS, "a")
    item = revised.get(NS, "a")
    assert item is not None
    assert item.updated_at == revised.get_revisions(NS, "a")[0].time


def test_a_delete_that_meets_nothing_leaves_none(revised: CapableStore) -> None:
    assert put(revised, "a", None, DELETED) is None
    assert revised.get_revisions(NS, "a") == []


def test_a_conflict_leaves_nothing(revised: CapableStore) -> None:
    put(revised, "a", {"text": "x"}, CREATED)
    with pytest.raises(ConflictError):
        revised.put_all_noted([PutOp(NS, "a", {"text": "y"})], [None], [CHANGED])
    assert numbers(revised, "a") == [1]


def test_a_plain_put_of_an_item_without_revisions_leaves_none(revised: CapableStore) -> None:
    revised.put(NS, "a", {"text": "x"})
    assert revised.get_revisions(NS, "a") == []


def test_the_first_revision_keeps_what_was_there_before(revised: CapableStore) -> None:
    revised.put(NS, "a", {"text": "old"})
    put(revised, "a", {"text": "new"})
    before, after = revised.get_revisions(NS, "a")
    assert (before.number, before.note.action, before.value) == (1, "created", {"text": "old"})
    assert (after.number, after.value) == (2, {"text": "new"})


def test_a_plain_put_of_an_item_with_revisions_leaves_one(revised: CapableStore) -> None:
    put(revised, "a", {"text": "x"}, CREATED)
    revised.put(NS, "a", {"text": "y"})
    revised.delete(NS, "a")
    revised.put(NS, "a", {"text": "z"})
    assert actions(revised, "a") == ["created", "changed", "deleted", "created"]
    assert {row.note.actor for row in revised.get_revisions(NS, "a")} == {"manager", "user"}


def test_as_of_tells_every_state_by_its_time(
    revised: CapableStore, moved: list[RevisionRow]
) -> None:
    oslo, kyoto, deleted = (row.time for row in moved)
    assert contents(revised, oslo - timedelta(seconds=1)) == []
    assert contents(revised, oslo) == ["lives in Oslo"]
    assert contents(revised, kyoto - timedelta(microseconds=1)) == ["lives in Oslo"]
    assert contents(revised, kyoto) == ["lives in Kyoto"]
    assert contents(revised, deleted) == []


def test_as_of_knows_items_without_revisions_by_when_they_were_written(
    revised: CapableStore,
) -> None:
    revised.put(NS, "a", {"text": "x"})
    item = revised.get(NS, "a")
    assert item is not None
    assert contents(revised, item.updated_at) == ["x"]
    assert contents(revised, item.updated_at - timedelta(microseconds=1)) == []


def test_as_of_searches_what_was_valid_then(make: Make) -> None:
    index: Any = {"embed": HashEmbeddings(), "dims": DIMS, "fields": ["text"]}
    store = make(Options(index=index))
    if not isinstance(store, CapableStore):
        pytest.skip("keeps no revisions")
    put(store, "a", {"text": "noodle soup in winter"}, CREATED)
    put(store, "b", {"text": "hiking in the mountains"}, CREATED)
    row = put(store, "c", {"text": "skiing"}, CREATED)
    put(store, "a", {"text": "only salads"})
    assert row is not None
    then = store.search_as_of(NS, row.time, query="noodle soup", limit=2)
    assert then[0].value == {"text": "noodle soup in winter"}
    assert (then[0].score or 0) > (then[1].score or 0)
    now = store.search_as_of(NS, datetime.now(UTC) + timedelta(days=1), query="salads")
    plain = store.search(NS, query="salads")
    assert [item.key for item in now] == [item.key for item in plain]
    assert [item.score for item in now] == pytest.approx([item.score for item in plain], abs=1e-3)


def test_as_of_filters_and_pages(revised: CapableStore) -> None:
    for number in range(5):
        put(revised, str(number), {"text": str(number), "even": number % 2 == 0}, CREATED)
    now = datetime.now(UTC) + timedelta(days=1)
    assert contents(revised, now, filter={"even": True}) == ["4", "2", "0"]
    assert contents(revised, now, limit=2, offset=1) == ["3", "2"]
    assert contents(revised, now, key="3") == ["3"]


def test_as_of_may_leave_out_what_lies_below(revised: CapableStore) -> None:
    put(revised, "a", {"text": "here"}, CREATED)
    revised.put((*NS, "work"), "b", {"text": "below"})
    now = datetime.now(UTC) + timedelta(days=1)
    assert sorted(contents(revised, now)) == ["below", "here"]
    assert contents(revised, now, exact=True) == ["here"]


def test_no_search_shows_a_revision(revised: CapableStore, moved: list[RevisionRow]) -> None:
    assert moved
    assert revised.search((), query="Oslo", limit=100) == []
    assert revised.search((), limit=100) == []
    assert revised.list_namespaces() == []


def test_pages_bring_every_revision_once(revised: CapableStore) -> None:
    for key in ("a", "b", "c"):
        put(revised, key, {"text": "1"}, CREATED)
        put(revised, key, {"text": "2"})
    found: list[RevisionRow] = []
    while page := revised.list_revisions(("memories",), after=(found or [None])[-1], limit=4):
        found += page
    assert [(row.key, row.number) for row in found] == [
        (key, number) for key in ("a", "b", "c") for number in (1, 2)
    ]
    assert revised.list_revisions(("elsewhere",)) == []


def test_only_as_many_are_kept_as_are_wanted(revised: CapableStore) -> None:
    for number in range(5):
        put(revised, "a", {"text": str(number)}, keep=2)
    assert numbers(revised, "a") == [4, 5]


def test_only_those_younger_than_an_age_are_kept_and_the_last(revised: CapableStore) -> None:
    put(revised, "a", {"text": "1"}, CREATED)
    put(revised, "a", {"text": "2"}, keep=timedelta(days=1))
    assert numbers(revised, "a") == [1, 2]
    put(revised, "a", {"text": "3"}, keep=timedelta(microseconds=1))
    assert numbers(revised, "a") == [3]


def test_pruning_counts_what_it_drops(revised: CapableStore) -> None:
    for key in ("a", "b"):
        for number in range(3):
            put(revised, key, {"text": str(number)})
    assert revised.prune_revisions(NS, 1) == 4
    assert numbers(revised, "a") == numbers(revised, "b") == [3]
    assert revised.prune_revisions(("elsewhere",), 1) == 0


@pytest.mark.parametrize("keep", [0, -1, timedelta()])
def test_nothing_to_keep_is_refused(revised: CapableStore, keep: Any) -> None:
    with pytest.raises(InvalidInputError, match="kept"):
        put(revised, "a", {"text": "1"}, keep=keep)


def test_notes_are_replaced_and_nothing_else(
    revised: CapableStore, moved: list[RevisionRow]
) -> None:
    other = replace(CHANGED, sources=({"origin": "user"},))

    revised.replace_notes(NS, "city", {2: other, 9: other})

    now = revised.get_revisions(NS, "city")
    assert [row.note for row in now] == [CREATED, other, DELETED]
    assert [(row.value, row.time) for row in now] == [(row.value, row.time) for row in moved]


def test_an_erase_leaves_only_that_something_was_erased(
    revised: CapableStore, moved: list[RevisionRow]
) -> None:
    put(revised, "city", {"text": "lives in Rome"}, CREATED)
    removed = revised.erase(NS, "city")
    assert (removed["items"], removed["revisions"]) == (1, 4)
    (left,) = revised.get_revisions(NS, "city")
    assert (left.number, left.note, left.value) == (5, RevisionNote("erased", "user"), None)
    assert contents(revised, moved[0].time) == []
    assert revised.get(NS, "city") is None


def test_an_erase_of_a_prefix_reaches_what_lies_below_and_nothing_beside(
    revised: CapableStore,
) -> None:
    revised.put(NS, "a", {"text": "x"})
    revised.put((*NS, "work"), "b", {"text": "x"})
    revised.put(("memories", "anna"), "c", {"text": "x"})
    assert revised.erase(NS)["items"] == 2
    assert [item.key for item in revised.search((), limit=10)] == ["c"]
    assert [row.note.action for row in revised.list_revisions(())] == ["erased", "erased"]


def test_erasing_twice_finds_nothing_the_second_time(revised: CapableStore) -> None:
    put(revised, "a", {"text": "x"}, CREATED)
    revised.erase(NS)
    assert set(revised.erase(NS).values()) == {0}
    assert numbers(revised, "a") == [2]


def test_what_is_written_after_an_erase_counts_on(revised: CapableStore) -> None:
    put(revised, "a", {"text": "x"}, CREATED)
    revised.erase(NS, "a")
    put(revised, "a", {"text": "y"}, CREATED)
    assert actions(revised, "a") == ["erased", "created"]
    assert numbers(revised, "a") == [2, 3]


def test_an_export_is_added_elsewhere_as_it_was(
    revised: CapableStore, moved: list[RevisionRow]
) -> None:
    put(revised, "city", {"text": "lives in Rome"}, CREATED)
    rows = revised.list_revisions(NS)
    copies = [replace(row, namespace=("copy",)) for row in rows]
    assert revised.add_revisions(copies) == len(moved) + 1
    assert revised.add_revisions(copies) == 0
    assert revised.get_revisions(("copy",), "city") == copies
    item = revised.get(("copy",), "city")
    assert item is not None
    assert (item.value, item.updated_at) == ({"text": "lives in Rome"}, rows[-1].time)
    (found, *_) = revised.search(("copy",), query="Rome")
    assert found.key == "city"


def test_rows_out_of_order_are_refused(revised: CapableStore, moved: list[RevisionRow]) -> None:
    with pytest.raises(InvalidInputError, match="order"):
        revised.add_revisions(moved[::-1])
