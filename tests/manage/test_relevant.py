"""Known memories in every natural shape, and which of those that were found matter."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st
from langgraph.store.base import Item, SearchItem
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel
from typing_extensions import TypedDict

from longterm.effects.steps import Reach
from longterm.errors import InvalidInputError
from longterm.extract.schema import memory_schemas
from longterm.manage.manager import Results
from longterm.manage.relevant import (
    best,
    in_turn,
    is_scored,
    merged,
    normalize_existing,
    sharing_words,
)
from longterm.memory.model import Document, ExtractedMemory, Memory, RemoveDoc

PLACE = ("memories", "alice")


def item(key: str, text: str = "", *, score: float | None = None, day: int = 1) -> SearchItem:
    at = datetime(2024, 1, day, tzinfo=UTC)
    return SearchItem(PLACE, key, {"content": text}, at, at, score)


def keys(items: Any) -> list[str]:
    return [one.key for one in items]


def test_an_item_found_twice_keeps_its_best_score() -> None:
    (one,) = merged([[item("k", score=0.1)], [item("k", score=0.9)], [item("k")]], Reach(PLACE))
    assert one.score == 0.9


def test_items_beside_a_namespace_are_left_out_and_those_below_only_if_exact() -> None:
    assert merged([[item("k")]], Reach(("memories", "ali"))) == []
    assert merged([[item("k")]], Reach(("memories",), exact=True)) == []
    assert keys(merged([[item("k")]], Reach(("memories",)))) == ["k"]


def test_equal_keys_in_two_namespaces_are_two_memories() -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    below = SearchItem((*PLACE, "work"), "k", {"content": "works"}, at, at)
    assert len(merged([[item("k"), below]], Reach(PLACE))) == 2
    assert len(in_turn([[item("k"), below], [below]], Reach(PLACE))) == 2


def test_a_turn_is_no_memory() -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    said = SearchItem(PLACE, "said", {"kind": "Turn", "content": "hello"}, at, at)
    assert keys(merged([[item("k"), said]], Reach(PLACE))) == ["k"]


def test_scored_items_come_best_first_and_unscored_ones_last() -> None:
    items = [item("a"), item("b", score=-0.5), item("c", score=0.5)]
    [found] = best(items, [["x"]], 3)
    assert keys(found) == ["c", "b", "a"]


def test_without_scores_shared_words_decide() -> None:
    items = [item("a", "drives a car", day=3), item("b", "likes green tea"), item("c", "tea")]
    [found] = best(items, [["which green tea?"]], 2)
    assert keys(found) == ["b", "c"]


def test_the_words_of_an_item_are_read_once_for_all_queries() -> None:
    class Counted(dict[str, Any]):
        read = 0

        def __str__(self) -> str:
            self.read += 1
            return "likes green tea"

    value, at = Counted(), datetime(2024, 1, 1, tzinfo=UTC)
    items = [SearchItem(PLACE, "tea", value, at, at), item("car", "drives a car")]
    found = best(items, [["tea"], ["a car", "cars"], []], 1)
    assert [keys(one) for one in found[:2]] == [["tea"], ["car"]]
    assert value.read == 1
    shared = sharing_words(items, ["green", "my car", "nothing"])
    assert [keys(one) for one in shared] == [["tea"], ["car"], []]
    assert value.read == 2


def test_without_shared_words_the_newer_memory_comes_first() -> None:
    [found] = best([item("old", day=1), item("new", day=2)], [["x"]], 1)
    assert keys(found) == ["new"]


def test_among_those_that_share_the_same_words_the_newer_comes_first_in_every_process() -> None:
    # The order of a set is another in each process; one of these groups shows it, if any can.
    for group in range(20):
        words = [f"word{group}x{number}" for number in range(14)]
        holding = [
            item(f"{day}", " ".join(words[day:] + words[:day]), day=day) for day in range(1, 14)
        ]
        others = [item(f"other {n}", " ".join(words[:n])) for n in range(13)]
        [found] = best([*holding, *others], [[" ".join(words)]], 13)
        assert keys(found) == [f"{day}" for day in range(13, 0, -1)]


def test_words_without_spaces_are_shared_too() -> None:
    items = [item("a", "我喜欢汽车", day=2), item("b", "用户非常喜欢拉面")]
    [found] = best(items, [["味噌拉面"]], 1)
    assert keys(found) == ["b"]


scores = st.none() | st.floats(-1, 1)


@given(st.lists(scores, max_size=20), st.integers(0, 25))
def test_the_best_are_at_most_the_limit_and_none_better_is_left_out(
    scored: list[float | None], limit: int
) -> None:
    items = [item(str(n), score=score) for n, score in enumerate(scored)]
    [chosen] = best(items, [[]], limit)
    assert len(chosen) == min(limit, len(items))
    if any(map(is_scored, items)) and chosen:
        lowest = min(one.score if one.score is not None else -2 for one in chosen)
        rest = [one for one in items if one not in chosen]
        assert all((one.score if one.score is not None else -2) <= lowest for one in rest)


def test_results_are_a_list_like_any_other() -> None:
    results = Results([1, 2])
    assert results == [1, 2]
    assert isinstance(results, list)
    assert results.report.asked == 0


NOW = datetime(2024, 5, 3, tzinfo=UTC)
TEA = {"content": "tea"}


class Food(BaseModel):
    """A food."""

    name: str


class Unheard(BaseModel):
    """A schema the manager does not have."""

    x: int


@dataclass
class Walk:
    """A walk."""

    length: float


class Place(TypedDict):
    """A place."""

    city: str


KINDS = memory_schemas([Memory, Food, Walk, Place])


def documents(existing: Any) -> list[tuple[str | None, Any]]:
    return [(one.kind, one.content) for one, _ in normalize_existing(existing, KINDS).values()]


def stored_item(value: Any) -> Item:
    return Item(value=value, key="k", namespace=("m",), created_at=NOW, updated_at=NOW)


def found(value: Any) -> SearchItem:
    return SearchItem(("m",), "k", value, NOW, NOW)


SHAPES: list[tuple[Any, str | None, Any]] = [
    ("tea", "Memory", TEA),
    (TEA, "Memory", TEA),
    (Memory(content="tea"), "Memory", TEA),
    (("k", "tea"), "Memory", TEA),
    (["k", "tea"], "Memory", TEA),
    (("k", TEA), "Memory", TEA),
    (("k", Memory(content="tea")), "Memory", TEA),
    (("k", "Memory", TEA), "Memory", TEA),
    (("k", "Memory", "tea"), "Memory", TEA),
    (("k", "__any__", TEA), "Memory", TEA),
    (ExtractedMemory("k", Memory(content="tea")), "Memory", TEA),
    ({"id": "k", "content": "tea"}, "Memory", TEA),
    ({"id": "k", "kind": "Memory", "content": TEA}, "Memory", TEA),
    ({"key": "k", "value": {"kind": "Memory", "content": TEA}}, "Memory", TEA),
    (
        {"namespace": ("m",), "key": "k", "value": {"kind": "Memory", "content": TEA}},
        "Memory",
        TEA,
    ),
    (stored_item({"kind": "Memory", "content": TEA}), "Memory", TEA),
    (stored_item({"content": "tea"}), "Memory", TEA),
    (stored_item(Memory(content="tea")), "Memory", TEA),
    (found({"kind": "Memory", "content": TEA}), "Memory", TEA),
    (Food(name="ramen"), "Food", {"name": "ramen"}),
    ({"name": "ramen"}, "Food", {"name": "ramen"}),
    (Walk(2.0), "Walk", {"length": 2.0}),
    (stored_item(Walk(2.0)), "Walk", {"length": 2.0}),
    (stored_item({"city": "Rome"}), "Place", {"city": "Rome"}),
    (Unheard(x=1), "Unheard", {"x": 1}),
    (("k", "Gone", {"x": 1}), "Gone", {"x": 1}),
    (("k", {"x": 1}), None, {"x": 1}),
    (stored_item({"x": 1}), None, {"x": 1}),
]


@pytest.mark.parametrize(("shape", "kind", "content"), SHAPES)
def test_every_natural_shape_is_understood(shape: Any, kind: str | None, content: Any) -> None:
    assert documents([shape]) == [(kind, content)]


@pytest.mark.parametrize(
    "alone", ["tea", TEA, Memory(content="tea"), stored_item({"content": "tea"})]
)
def test_one_memory_needs_no_list(alone: Any) -> None:
    assert documents(alone) == [("Memory", TEA)]


@pytest.mark.parametrize("nothing", [None, [], (), {}])
def test_nothing_is_known(nothing: Any) -> None:
    assert documents(nothing or []) == []


def test_ids_and_order_are_kept() -> None:
    assert list(normalize_existing([("b", "tea"), ("a", "ale")], KINDS)) == ["b", "a"]


def test_what_has_no_id_gets_one_of_its_own() -> None:
    assert len(normalize_existing(["tea", "tea"], KINDS)) == 2


GONE = RemoveDoc(json_doc_id="k")


@pytest.mark.parametrize("marker", [GONE, ("k", GONE), ExtractedMemory("k", GONE)])
def test_markers_of_removed_memories_are_left_out(marker: Any) -> None:
    assert documents([marker]) == []


def test_a_store_s_search_can_be_fed_in(store: InMemoryStore) -> None:
    store.put(("m",), "k", {"kind": "Memory", "content": TEA})
    assert documents(store.search(("m",))) == [("Memory", TEA)]


def test_fields_called_id_and_content_are_not_taken_for_a_pair() -> None:
    class Note(TypedDict):
        id: str
        content: str
        title: str

    note = {"id": "n", "content": "tea", "title": "drinks"}
    ((document, _),) = normalize_existing([note], memory_schemas([Note])).values()
    assert (document.kind, document.content) == ("Note", note)


@pytest.mark.parametrize("odd", [5, object(), None, ("a", "b", "c", "d"), ("a", 1, "c"), {1, 2}])
def test_what_is_no_memory_is_refused(odd: Any) -> None:
    with pytest.raises(InvalidInputError, match="is not a memory"):
        normalize_existing([odd], KINDS)


def test_what_is_not_made_of_json_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="JSON"):
        normalize_existing([("k", {"x": object()})], KINDS)


def test_a_memory_that_no_longer_fits_its_kind_is_kept_as_it_is() -> None:
    assert documents([("k", "Food", {"old": 1})]) == [("Food", {"old": 1})]


def test_the_given_object_is_remembered() -> None:
    food = Food(name="ramen")
    known = normalize_existing([("k", food)], KINDS)
    assert known["k"] == (Document("k", "Food", {"name": "ramen"}), food)
    assert known["k"][1] is food
