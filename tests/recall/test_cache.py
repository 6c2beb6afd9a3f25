"""What recall keeps of the store's texts: capped, never older than the store, gone when erased."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from langgraph.store.base import Item

from longterm.effects.erasure import forget_texts
from longterm.history import History
from longterm.recall.cache import ReadingCache
from longterm.stores import EmbeddedStore

NOW = datetime(2023, 6, 1, tzinfo=UTC)
ANN, BO = (("turns", "ann"),), (("turns", "bo"),)
LARGE = 10**7


@pytest.fixture
def item() -> Callable[..., Item]:
    def make(key: str, text: str, namespace: tuple[str, ...] = ("turns", "ann")) -> Item:
        value = {"content": text}
        return Item(value=value, key=key, namespace=namespace, created_at=NOW, updated_at=NOW)

    return make


def test_what_was_read_is_read_once(item: Callable[..., Item]) -> None:
    cache = ReadingCache(LARGE)

    (first,) = cache.candidates(ANN, [item("1", "I moved to Lyon")])
    (again,) = cache.candidates(ANN, [item("1", "I moved to Lyon")])
    timeline = cache.timeline(ANN, [first])

    assert again is first
    assert cache.timeline(ANN, [again]) is timeline


def test_what_a_store_answers_again_is_not_looked_at_again(item: Callable[..., Item]) -> None:
    cache = ReadingCache(LARGE)
    same, other = (item("1", "I moved to Lyon"),), (item("1", "I moved to Lyon"),)

    found = cache.found(ANN, [same])

    assert cache.found(ANN, [same]) is found
    assert cache.found(BO, [same]) is not found
    assert cache.found(ANN, [other]) is not found
    assert cache.found(ANN, [other]).candidates == found.candidates


def test_nothing_found_before_outlives_an_erase(item: Callable[..., Item]) -> None:
    cache, same = ReadingCache(LARGE), (item("1", "I moved to Lyon"),)
    found = cache.found(ANN, [same])

    forget_texts(ANN[0])

    assert cache.found(ANN, [same]) is not found


def test_where_a_memory_came_from_is_learned_once(item: Callable[..., Item]) -> None:
    cache, same = ReadingCache(LARGE), (item("1", "I moved to Lyon"),)
    (memory,) = cache.found(ANN, [same]).unsourced

    cache.replace(ANN, {memory: replace(memory, is_sourced=True)})

    assert not cache.found(ANN, [same]).unsourced


def test_what_the_store_changed_is_read_anew(item: Callable[..., Item]) -> None:
    cache = ReadingCache(LARGE)
    cache.candidates(ANN, [item("1", "I moved to Lyon")])

    (changed,) = cache.candidates(ANN, [item("1", "I moved to Rome")])

    assert changed.text == "I moved to Rome"


def test_no_more_is_kept_than_the_cap_allows(item: Callable[..., Item]) -> None:
    cache = ReadingCache(100_000)
    for user in range(50):
        namespace = ("turns", str(user))
        cache.candidates((namespace,), [item("1", "word " * 100, namespace)])
        assert cache.size <= 100_000

    assert cache.size > 50_000


def test_of_one_long_conversation_what_was_found_last_is_kept(item: Callable[..., Item]) -> None:
    cache = ReadingCache(100_000)
    (often,) = cache.candidates(ANN, [item("often", "I moved to Lyon")])
    (once,) = cache.candidates(ANN, [item("once", "I moved to Rome")])
    for number in range(200):
        cache.candidates(ANN, [item(str(number), "word " * 20)])
        assert cache.candidates(ANN, [item("often", "I moved to Lyon")]) == [often]
        assert 0 < cache.size <= 100_000

    assert cache.candidates(ANN, [item("once", "I moved to Rome")]) != [once]


def test_a_text_larger_than_the_cap_is_not_kept(item: Callable[..., Item]) -> None:
    cache = ReadingCache(1_000)

    (found,) = cache.candidates(ANN, [item("1", "word " * 100)])

    assert found.text
    assert cache.size == 0


@pytest.mark.parametrize("erased", [(), ("turns",), ("turns", "ann"), ("turns", "ann", "below")])
def test_an_erase_reaches_what_is_kept(item: Callable[..., Item], erased: tuple[str, ...]) -> None:
    cache = ReadingCache(LARGE)
    cache.candidates(ANN, [item("1", "I moved to Lyon")])

    forget_texts(erased)

    assert cache.size == 0


def test_an_erase_leaves_other_users_alone(item: Callable[..., Item]) -> None:
    cache = ReadingCache(LARGE)
    cache.candidates(BO, [item("1", "I moved to Lyon", ("turns", "bo"))])
    kept = cache.size

    forget_texts(("turns", "ann"))

    assert cache.size == kept > 0


def test_closing_drops_everything(item: Callable[..., Item]) -> None:
    cache = ReadingCache(LARGE)
    cache.candidates(ANN, [item("1", "I moved to Lyon")])

    cache.close()

    assert cache.size == 0


def test_what_is_erased_by_its_history_or_its_store_is_kept_nowhere() -> None:
    cache = ReadingCache(LARGE)
    with EmbeddedStore(":memory:") as store:
        for erase in (History(store).erase, store.erase):
            store.put(ANN[0], "1", {"content": "I moved to Lyon"})
            cache.candidates(ANN, store.search(ANN[0]))
            assert cache.size > 0

            erase(ANN[0])

            assert cache.size == 0
