"""Which of the found memories matter."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, strategies as st
from langgraph.store.base import SearchItem

from longterm.effects.paging import Reach
from longterm.manage.relevant import best, in_turn, is_scored, merged
from longterm.manage.results import Results

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
    assert keys(best(items, ["x"], 3)) == ["c", "b", "a"]


def test_without_scores_shared_words_decide() -> None:
    items = [item("a", "drives a car", day=3), item("b", "likes green tea"), item("c", "tea")]
    assert keys(best(items, ["which green tea?"], 2)) == ["b", "c"]


def test_without_shared_words_the_newer_memory_comes_first() -> None:
    assert keys(best([item("old", day=1), item("new", day=2)], ["x"], 1)) == ["new"]


def test_words_without_spaces_are_shared_too() -> None:
    items = [item("a", "我喜欢汽车", day=2), item("b", "用户非常喜欢拉面")]
    assert keys(best(items, ["味噌拉面"], 1)) == ["b"]


scores = st.none() | st.floats(-1, 1)


@given(st.lists(scores, max_size=20), st.integers(0, 25))
def test_the_best_are_at_most_the_limit_and_none_better_is_left_out(
    scored: list[float | None], limit: int
) -> None:
    items = [item(str(n), score=score) for n, score in enumerate(scored)]
    chosen = best(items, [], limit)
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
