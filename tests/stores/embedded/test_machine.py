"""The embedded store against a dict, by random operations."""

from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from langgraph.store.base import GetOp, Item, MatchCondition, PutOp

from longterm.errors import ConflictError
from longterm.stores import EmbeddedStore
from longterm.testing import HashEmbeddings
from longterm.text.tokenizer import query_terms, terms

labels = st.sampled_from(["a", "b", "ab", "A", "味", "\ud800", "%"])
places = st.lists(labels, min_size=1, max_size=3).map(tuple)
keys = st.sampled_from(["", "k", "K", "k.1", "\x00", "味", "\udfff"])
numbers = st.sampled_from([0, 1, 9, 10, -1, 2**63, 0.1, float("inf")])
words = st.lists(st.sampled_from(["tea", "milk", "rice", "拉面", "味噌"]), max_size=3).map(" ".join)
values = st.fixed_dictionaries(
    {"text": words}, optional={"n": numbers | st.none() | st.text(max_size=2)}
)

Place = tuple[str, ...]


class Model(RuleBasedStateMachine):
    """Every answer of the store is the one a dict would give."""

    written = Bundle("written")

    def __init__(self) -> None:
        super().__init__()
        self.store = EmbeddedStore(
            ":memory:",
            index={"embed": HashEmbeddings(16), "dims": 16, "fields": ["text"]},
            cache_bytes=20_000,
        )
        self.items: dict[tuple[Place, str], dict[str, Any]] = {}
        self.order: list[tuple[Place, str]] = []

    def teardown(self) -> None:
        assert self.store.check() == []
        self.store.close()

    def _note(self, place: Place, key: str, value: dict[str, Any] | None) -> None:
        self.items.pop((place, key), None)
        self.order = [one for one in self.order if one != (place, key)]
        if value is not None:
            self.items[place, key] = value
            self.order.insert(0, (place, key))

    def _below(self, prefix: Place) -> list[tuple[Place, str]]:
        return [one for one in self.order if one[0][: len(prefix)] == prefix]

    @rule(target=written, place=places, key=keys, value=values)
    def put(self, place: Place, key: str, value: dict[str, Any]) -> tuple[Place, str]:
        self.store.put(place, key, value)
        self._note(place, key, value)
        return place, key

    @rule(one=written)
    def delete(self, one: tuple[Place, str]) -> None:
        self.store.delete(*one)
        self._note(*one, None)

    @rule(place=places, key=keys)
    def get(self, place: Place, key: str) -> None:
        item = self.store.get(place, key)
        assert (item and item.value) == self.items.get((place, key))

    @rule(puts=st.lists(st.tuples(places, keys, values | st.none()), max_size=4))
    def batch(self, puts: list[tuple[Place, str, dict[str, Any] | None]]) -> None:
        ops = [op for put in puts for op in (PutOp(*put), GetOp(*put[:2]))]
        answers = self.store.batch(ops)
        for put, found in zip(puts, answers[1::2], strict=True):
            assert (found.value if isinstance(found, Item) else None) == put[2]
            self._note(*put)

    @rule(puts=st.lists(st.tuples(places, keys, values), max_size=3))
    def batch_that_fails(self, puts: list[tuple[Place, str, dict[str, Any]]]) -> None:
        try:
            self.store.batch([*(PutOp(*put) for put in puts), PutOp(("a",), "k", {"n": {1}})])
        except ValueError:
            return
        raise AssertionError

    @rule(one=written, value=values)
    def put_if(self, one: tuple[Place, str], value: dict[str, Any]) -> None:
        item = self.store.get(*one)
        expected = None if item is None else item.updated_at
        self.store.put_if(*one, value, expected_updated_at=expected)
        self._note(*one, value)
        try:
            self.store.put_if(*one, {"text": "lost"}, expected_updated_at=expected)
        except ConflictError:
            return
        raise AssertionError

    @rule(prefix=places | st.just(()), limit=st.integers(0, 5), offset=st.integers(0, 4))
    def search(self, prefix: Place, limit: int, offset: int) -> None:
        found = self.store.search(prefix, limit=limit, offset=offset)
        expected = self._below(prefix)[offset : offset + limit]
        assert [(item.namespace, item.key) for item in found] == expected

    @rule(prefix=places | st.just(()), bound=st.sampled_from([0, 9, 0.1]))
    def filtered(self, prefix: Place, bound: float) -> None:
        found = self.store.search(prefix, filter={"n": {"$gte": bound}}, limit=1000)
        expected = [
            one
            for one in self._below(prefix)
            if isinstance(n := self.items[one].get("n"), (int, float)) and n >= bound
        ]
        assert [(item.namespace, item.key) for item in found] == expected

    @rule(prefix=places | st.just(()), query=words.filter(bool))
    def ranked(self, prefix: Place, query: str) -> None:
        found = self.store.search(prefix, query=query, limit=1000)
        assert {(item.namespace, item.key) for item in found} == set(self._below(prefix))
        scores = [-1.0 if item.score is None else item.score for item in found]
        assert scores == sorted(scores, reverse=True)
        assert all(-1 <= score <= 1 for score in scores)

    @rule(prefix=places | st.just(()), query=words.filter(bool))
    def text_hits(self, prefix: Place, query: str) -> None:
        hits = self.store.hybrid_search(prefix, query, limit=1000)
        wanted = set(query_terms(query))
        expected = {
            one for one in self._below(prefix) if wanted & set(terms(self.items[one]["text"]))
        }
        assert {(hit.item.namespace, hit.item.key) for hit in hits if hit.bm25} == expected

    @rule(prefix=places, depth=st.none() | st.integers(1, 3))
    def namespaces(self, prefix: Place, depth: int | None) -> None:
        found = self.store.list_namespaces(prefix=prefix, max_depth=depth, limit=1000)
        matching = {place[:depth] for place, _ in self._below(prefix)}
        assert found == sorted(matching)
        assert MatchCondition("prefix", prefix)

    @rule()
    def reindex(self) -> None:
        assert self.store.reindex() == len(self.items)

    @rule()
    def vacuum(self) -> None:
        self.store.vacuum()

    @invariant()
    def counts(self) -> None:
        assert self.store.stats().items == len(self.items)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
