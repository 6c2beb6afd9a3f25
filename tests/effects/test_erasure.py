"""What a process keeps of texts to be faster is gone once they are erased."""

import functools
import gc
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

import longterm
from longterm.stores import EmbeddedStore

_Cache: Any = type(functools.lru_cache(len))


def cached(word: str) -> bool:
    """Whether the cache of a function holds *word*."""
    caches = (one for one in gc.get_objects() if isinstance(one, _Cache))
    return any(word in gc.get_referents(one) for one in caches)


@pytest.mark.parametrize("make", [lambda: EmbeddedStore(":memory:"), InMemoryStore])
def test_no_word_of_what_was_erased_is_kept(make: Any) -> None:
    store: BaseStore = make()
    word = "qzxvwjkb"
    with longterm.open(store, embeddings=None) as service:
        ann = service.user("ann")
        ann.record([HumanMessage(f"my code is {word}")])
        assert word in ann.recall("my code").text
        assert cached(word)
        ann.erase()
        assert not cached(word)
