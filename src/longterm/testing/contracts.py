"""What a store promises that has a capability, as tests for a store of yours.

Derive a class of tests from a contract and give it a fixture ``store``: an empty store, opened
anew for each test. pytest finds the tests that the contract brings::

    class TestMyStore(CompareAndSetContract, RevisionsContract):
        @pytest.fixture
        def store(self):
            return MyStore()

Sync and async forms are held to the same. Of a vector search nothing is assumed but that equal
texts are nearest, so any embedding model will do.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from math import isnan
from typing import Any, Protocol

from langgraph.store.base import BaseStore, Item, PutOp

from longterm.effects.capabilities import (
    ColumnSearch,
    CompareAndSet,
    EncodedItem,
    HybridSearch,
    RevisionNote,
    Revisions,
    SearchHit,
)
from longterm.errors import ConflictError

__all__ = [
    "ColumnSearchContract",
    "CompareAndSetContract",
    "HybridSearchContract",
    "RevisionsContract",
]

_NAMESPACE = ("contract", "ann")


class _CompareAndSetStore(CompareAndSet, Protocol):
    """What a store is beside the capability is LangGraph's to say."""

    def put(self, *args: Any) -> None: ...
    def get(self, *args: Any) -> Item | None: ...


class CompareAndSetContract:
    """A write of what was changed since it was read is refused, and nothing of it is written."""

    def test_the_store_compares_and_sets(self, store: Any) -> None:
        """It has the methods, and is a LangGraph store."""
        assert isinstance(store, CompareAndSet)
        assert isinstance(store, BaseStore)

    def test_what_nobody_changed_is_written(self, store: _CompareAndSetStore) -> None:
        """Each operation is carried out where each item is as it was read."""
        store.put(_NAMESPACE, "old", {"n": 1})
        store.put_all_if(
            [PutOp(_NAMESPACE, "old", {"n": 2}), PutOp(_NAMESPACE, "new", {"n": 3})],
            [_time_of(store, "old"), None],
        )
        assert [_value_of(store, key) for key in ("old", "new")] == [{"n": 2}, {"n": 3}]

    def test_a_change_meanwhile_is_a_conflict(self, store: _CompareAndSetStore) -> None:
        """What was read is out of date."""
        store.put(_NAMESPACE, "a", {"n": 1})
        read = _time_of(store, "a")
        store.put(_NAMESPACE, "a", {"n": 2})
        assert _conflicts(store, [PutOp(_NAMESPACE, "a", {"n": 3})], [read])
        assert _value_of(store, "a") == {"n": 2}

    def test_an_item_that_has_come_meanwhile_is_a_conflict(
        self, store: _CompareAndSetStore
    ) -> None:
        """None says that there was none."""
        store.put(_NAMESPACE, "a", {"n": 1})
        assert _conflicts(store, [PutOp(_NAMESPACE, "a", {"n": 2})], [None])
        assert _value_of(store, "a") == {"n": 1}

    def test_an_item_that_has_gone_meanwhile_is_a_conflict(
        self, store: _CompareAndSetStore
    ) -> None:
        """A time says that there was one."""
        store.put(_NAMESPACE, "a", {"n": 1})
        read = _time_of(store, "a")
        store.put_all_if([PutOp(_NAMESPACE, "a", None)], [read])
        assert _conflicts(store, [PutOp(_NAMESPACE, "a", {"n": 2})], [read])
        assert store.get(_NAMESPACE, "a") is None

    def test_one_conflict_leaves_nothing_of_the_batch(self, store: _CompareAndSetStore) -> None:
        """Neither what stands before it nor what stands behind it is written."""
        store.put(_NAMESPACE, "b", {"n": 1})
        ops = [PutOp(_NAMESPACE, key, {"n": 2}) for key in "abc"]
        assert _conflicts(store, ops, [None, None, None])
        assert [_value_of(store, key) for key in "abc"] == [None, {"n": 1}, None]

    def test_a_write_that_changes_nothing_counts_as_a_change(
        self, store: _CompareAndSetStore
    ) -> None:
        """Two writes never leave the same time."""
        store.put(_NAMESPACE, "a", {"n": 1})
        read = _time_of(store, "a")
        store.put_all_if([PutOp(_NAMESPACE, "a", {"n": 1})], [read])
        assert _time_of(store, "a") != read

    def test_the_async_form_does_the_same(self, store: _CompareAndSetStore) -> None:
        """It writes, and refuses."""
        asyncio.run(store.aput_all_if([PutOp(_NAMESPACE, "a", {"n": 1})], [None]))
        try:
            asyncio.run(store.aput_all_if([PutOp(_NAMESPACE, "a", {"n": 2})], [None]))
        except ConflictError:
            assert _value_of(store, "a") == {"n": 1}
        else:
            raise AssertionError("aput_all_if wrote over what it did not know")


class _HybridSearchStore(HybridSearch, Protocol):
    """What a store is beside the capability is LangGraph's to say."""

    def put(self, *args: Any) -> None: ...

    def delete(self, *args: Any) -> None: ...


class HybridSearchContract:
    """Full text and vectors each say what they find; values have their text in a field "text"."""

    def test_the_store_searches_by_words_and_vectors(self, store: Any) -> None:
        """It has the methods, and is a LangGraph store."""
        assert isinstance(store, HybridSearch)
        assert isinstance(store, BaseStore)

    def test_full_text_finds_a_word(self, store: _HybridSearchStore) -> None:
        """With "" as the query of vectors they take no part."""
        _put_three(store)
        hits = store.hybrid_search(_NAMESPACE, "basil", vector_query="")
        assert _keys(hits) == ["soup"]
        assert [hit.cosine for hit in hits] == [None]

    def test_vectors_find_an_equal_text(self, store: _HybridSearchStore) -> None:
        """Its cosine is 1, give or take what half precision costs."""
        _put_three(store)
        hits = store.hybrid_search(_NAMESPACE, "", vector_query="a hike in the rain")
        cosines = {key: hit.cosine for key, hit in zip(_keys(hits), hits, strict=True)}
        assert max(cosines, key=lambda key: cosines[key] or -1) == "hike"
        assert abs((cosines["hike"] or 0) - 1) < 0.02

    def test_each_signal_has_a_query_of_its_own(self, store: _HybridSearchStore) -> None:
        """What either finds is there."""
        _put_three(store)
        hits = store.hybrid_search(_NAMESPACE, "basil", vector_query="a hike in the rain", limit=1)
        assert {"soup", "hike"} <= set(_keys(hits))

    def test_a_limit_counts_for_each_signal(self, store: _HybridSearchStore) -> None:
        """So no more come than twice as many."""
        _put_three(store)
        assert len(store.hybrid_search(_NAMESPACE, "a", limit=1)) <= 2

    def test_neighbours_come_along(self, store: _HybridSearchStore) -> None:
        """What was written before and after the best hits."""
        for number in range(40):
            store.put(_NAMESPACE, f"{number:02}", {"text": f"line {number}"})
        hits = store.hybrid_search(_NAMESPACE, "20", vector_query="", limit=8, neighbors=1)
        assert sorted(_keys(hits)) == ["19", "20", "21"]

    def test_a_small_prefix_comes_whole(self, store: _HybridSearchStore) -> None:
        """Whether its items are hits or not."""
        _put_three(store)
        hits = store.hybrid_search(_NAMESPACE, "basil", vector_query="", full_scan_limit=10)
        assert sorted(_keys(hits)) == ["hike", "soup", "tea"]

    def test_exact_leaves_out_what_lies_below(self, store: _HybridSearchStore) -> None:
        """And nothing beside the prefix is ever found."""
        _put_three(store)
        store.put((*_NAMESPACE, "below"), "deep", {"text": "basil"})
        store.put(("contract", "anna"), "other", {"text": "basil"})
        wide = store.hybrid_search(_NAMESPACE, "basil", vector_query="")
        narrow = store.hybrid_search(_NAMESPACE, "basil", vector_query="", exact=True)
        assert sorted(_keys(wide)) == ["deep", "soup"]
        assert _keys(narrow) == ["soup"]

    def test_the_async_form_finds_the_same(self, store: _HybridSearchStore) -> None:
        """It has the same answer."""
        _put_three(store)
        hits = asyncio.run(store.ahybrid_search(_NAMESPACE, "basil", vector_query=""))
        assert _keys(hits) == ["soup"]


class _ColumnSearchStore(ColumnSearch, _HybridSearchStore, Protocol):
    """What a store is beside the capability is LangGraph's to say."""


class ColumnSearchContract:
    """Columns hold what a hybrid search finds; values have their text in a field "text"."""

    def test_the_store_answers_in_columns(self, store: Any) -> None:
        """It has the methods, and those of `HybridSearch`."""
        assert isinstance(store, ColumnSearch)

    def test_columns_hold_the_items_and_cosines_of_the_hits(
        self, store: _ColumnSearchStore
    ) -> None:
        """By `best_first` in their order, whether a prefix comes whole or not."""
        _put_three(store)
        for whole in (0, 10):
            for query in ("", "a hike in the rain"):
                options: dict[str, Any] = {"vector_query": query, "full_scan_limit": whole}
                found = store.hybrid_columns(_NAMESPACE, "basil in the rain", **options)
                hits = store.hybrid_search(_NAMESPACE, "basil in the rain", **options)
                order = found.best_first()
                assert [found.encoded[at] for at in order] == [hit.encoded for hit in hits]
                cosines = [None if isnan(found.cosines[at]) else found.cosines[at] for at in order]
                assert cosines == [hit.cosine for hit in hits]

    def test_columns_are_as_the_store_is_now(self, store: _ColumnSearchStore) -> None:
        """What was written or deleted meanwhile counts, although they may be kept."""
        for number in range(4):
            store.put(_NAMESPACE, "soup", {"text": f"soup number {number}"})
            store.put(_NAMESPACE, f"{number}", {"text": "tea"})
            if number:
                store.delete(_NAMESPACE, f"{number - 1}")
            for _ in range(3):
                found = store.hybrid_columns(_NAMESPACE, "soup", full_scan_limit=10)
                items = map(_item_of, found.encoded)
                assert sorted(item.value["text"] for item in items) == [
                    f"soup number {number}",
                    "tea",
                ]

    def test_columns_have_an_async_form(self, store: _ColumnSearchStore) -> None:
        """It has the same answer."""
        _put_three(store)
        found = asyncio.run(store.ahybrid_columns(_NAMESPACE, "basil", vector_query=""))
        assert [_item_of(one).key for one in found.encoded] == ["soup"]


class _RevisionsStore(Revisions, _CompareAndSetStore, Protocol):
    """What a store is beside the capability is LangGraph's to say."""

    def search(self, *args: Any) -> list[Any]: ...


class RevisionsContract:
    """What an item was is kept, in the same transaction as what it is."""

    def test_the_store_keeps_revisions(self, store: Any) -> None:
        """It has the methods, and those of `CompareAndSet`."""
        assert isinstance(store, Revisions)
        assert isinstance(store, CompareAndSet)

    def test_each_noted_write_leaves_a_revision(self, store: _RevisionsStore) -> None:
        """Numbers count from 1, and a delete has no value."""
        _revision_note(store, {"n": 1}, "created")
        _revision_note(store, {"n": 2}, "changed")
        _revision_note(store, None, "deleted")
        rows = store.get_revisions(_NAMESPACE, "a")
        assert [row.number for row in rows] == [1, 2, 3]
        assert [row.note.action for row in rows] == ["created", "changed", "deleted"]
        assert [row.value for row in rows] == [{"n": 1}, {"n": 2}, None]
        assert sorted({row.time for row in rows}) == [row.time for row in rows]

    def test_a_conflict_leaves_none(self, store: _RevisionsStore) -> None:
        """Neither the item nor its history changes."""
        _revision_note(store, {"n": 1}, "created")
        op, note = PutOp(_NAMESPACE, "a", {"n": 2}), RevisionNote("changed", "user")
        try:
            store.put_all_noted([op], [None], [note])
        except ConflictError:
            assert [row.number for row in store.get_revisions(_NAMESPACE, "a")] == [1]
        else:
            raise AssertionError("put_all_noted wrote over what it did not know")

    def test_the_first_keeps_what_stood_there_before(self, store: _RevisionsStore) -> None:
        """An item that was put plainly has number 1 of what it was."""
        store.put(_NAMESPACE, "a", {"n": 1})
        _revision_note(store, {"n": 2}, "changed")
        rows = store.get_revisions(_NAMESPACE, "a")
        assert [row.value for row in rows] == [{"n": 1}, {"n": 2}]

    def test_a_plain_put_leaves_one_too(self, store: _RevisionsStore) -> None:
        """No state of an item that has a history is lost."""
        _revision_note(store, {"n": 1}, "created")
        store.put(_NAMESPACE, "a", {"n": 2})
        assert [row.value for row in store.get_revisions(_NAMESPACE, "a")] == [{"n": 1}, {"n": 2}]

    def test_a_time_tells_the_state(self, store: _RevisionsStore) -> None:
        """Searching as of a revision's time finds its value."""
        for number in (1, 2, 3):
            _revision_note(store, {"n": number}, "changed")
        for row in store.get_revisions(_NAMESPACE, "a"):
            (then,) = store.search_as_of(_NAMESPACE, row.time)
            assert then.value == row.value

    def test_only_as_many_are_kept_as_are_wanted(self, store: _RevisionsStore) -> None:
        """The newest stay, and keep their numbers."""
        for number in (1, 2, 3, 4):
            _revision_note(store, {"n": number}, "changed")
        assert store.prune_revisions(_NAMESPACE, 2) == 2
        assert [row.number for row in store.get_revisions(_NAMESPACE, "a")] == [3, 4]

    def test_an_erase_leaves_only_that_something_was_erased(self, store: _RevisionsStore) -> None:
        """No content is left, and numbers count on."""
        _revision_note(store, {"n": 1}, "created")
        _revision_note(store, {"n": 2}, "changed")
        store.erase(_NAMESPACE, "a")
        (row,) = store.get_revisions(_NAMESPACE, "a")
        assert (row.number, row.note.action, row.value) == (3, "erased", None)
        assert store.get(_NAMESPACE, "a") is None

    def test_no_search_shows_a_revision(self, store: _RevisionsStore) -> None:
        """Items are found once, as they are."""
        _revision_note(store, {"n": 1}, "created")
        _revision_note(store, {"n": 2}, "changed")
        assert [item.value for item in store.search(())] == [{"n": 2}]

    def test_an_export_is_added_elsewhere_once(self, store: _RevisionsStore) -> None:
        """Rows that are here already change nothing."""
        _revision_note(store, {"n": 1}, "created")
        rows = store.list_revisions(_NAMESPACE)
        assert store.add_revisions(rows) == 0
        assert store.get_revisions(_NAMESPACE, "a") == rows


def _time_of(store: _CompareAndSetStore, key: str) -> datetime | None:
    found = store.get(_NAMESPACE, key)
    return None if found is None else found.updated_at


def _value_of(store: _CompareAndSetStore, key: str) -> dict[str, Any] | None:
    found = store.get(_NAMESPACE, key)
    return None if found is None else found.value


def _conflicts(
    store: CompareAndSet, ops: Sequence[PutOp], expected: Sequence[datetime | None]
) -> bool:
    try:
        store.put_all_if(ops, expected)
    except ConflictError:
        return True
    return False


def _put_three(store: _HybridSearchStore) -> None:
    for key, text in (
        ("soup", "noodle soup with basil"),
        ("hike", "a hike in the rain"),
        ("tea", "a pot of green tea"),
    ):
        store.put(_NAMESPACE, key, {"text": text})


def _keys(hits: Sequence[SearchHit]) -> list[str]:
    return [_item_of(hit.encoded).key for hit in hits]


def _item_of(encoded: EncodedItem | Item) -> Item:
    return encoded if isinstance(encoded, Item) else encoded.decode()


def _revision_note(store: _RevisionsStore, value: dict[str, Any] | None, action: str) -> None:
    note = RevisionNote(action, "user")
    store.put_all_noted([PutOp(_NAMESPACE, "a", value)], [_time_of(store, "a")], [note])
