"""The contract: time to live. A ttl of 0 is over at once, so no test waits."""

from typing import Any

from langgraph.store.base import TTLConfig
from subjects import Make, Options

NS = ("short",)
HIDES: TTLConfig = {"omit_expired": True}


def test_a_fraction_of_a_minute_is_not_nothing(make: Make) -> None:
    store = make(Options(ttl={"refresh_on_read": True}))
    store.put(NS, "k", {"n": 1}, ttl=0.4)
    assert store.get(NS, "k") is not None
    assert store.get(NS, "k") is not None


def test_without_a_ttl_nothing_expires(make: Make) -> None:
    store: Any = make(Options(ttl={}))
    store.put(NS, "k", {"n": 1})
    store.sweep_ttl()
    assert store.get(NS, "k") is not None


def test_a_sweep_deletes_what_has_expired(make: Make) -> None:
    store: Any = make(Options(ttl={}))
    store.put(NS, "old", {"n": 1}, ttl=0)
    store.put(NS, "new", {"n": 1}, ttl=60)
    assert store.sweep_ttl() == 1
    assert [item.key for item in store.search(NS)] == ["new"]


def test_the_default_ttl_applies(make: Make) -> None:
    store: Any = make(Options(ttl={"default_ttl": 0}))
    store.put(NS, "k", {"n": 1})
    assert store.sweep_ttl() == 1


def test_a_ttl_of_none_overrides_the_default(make: Make) -> None:
    store: Any = make(Options(ttl={"default_ttl": 0}))
    store.put(NS, "k", {"n": 1}, ttl=None)
    assert store.sweep_ttl() == 0


def test_an_expired_item_is_not_got(make: Make) -> None:
    store = make(Options(ttl=HIDES))
    store.put(NS, "k", {"n": 1}, ttl=0)
    assert store.get(NS, "k") is None


def test_an_expired_item_is_not_searched(make: Make) -> None:
    store = make(Options(ttl=HIDES))
    store.put(NS, "k", {"n": 1}, ttl=0)
    assert store.search(NS) == []


def test_an_expired_namespace_is_not_listed(make: Make) -> None:
    store = make(Options(ttl=HIDES))
    store.put(NS, "k", {"n": 1}, ttl=0)
    assert store.list_namespaces() == []
