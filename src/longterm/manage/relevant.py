"""Which of the memories that were found matter to a conversation, pure.

A store with an index has scored them. One without returns them in an order that says nothing;
then shared words decide, and among equals the newer memory comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TypeVar

from langgraph.store.base import Item, SearchItem

from longterm.memory.attribution import content_text
from longterm.memory.model import document_of
from longterm.memory.namespace import Namespace
from longterm.text.bm25 import idf
from longterm.text.tokenizer import query_terms, terms

__all__ = ["best", "in_turn", "is_scored", "merged", "sharing_words", "unique", "within"]


Found = TypeVar("Found", bound=Item)


def merged(found: Iterable[Sequence[SearchItem]], namespace: Namespace) -> list[SearchItem]:
    """Return the items of several searches once each, with their best score.

    Only items of exactly *namespace*: a search also finds what lies below it, which belongs to
    another.
    """
    items: dict[str, SearchItem] = {}
    for item in (item for items_of_one in found for item in items_of_one):
        if tuple(item.namespace) == namespace:
            items[item.key] = max(items.get(item.key, item), item, key=_score)
    return list(items.values())


def in_turn(found: Iterable[Sequence[SearchItem]], namespace: Namespace) -> list[SearchItem]:
    """Return the items of several searches once each: the best of every search, then the second.

    Scores of two queries do not compare, so that places count, and no search takes them all.
    """
    own = [[item for item in items if tuple(item.namespace) == namespace] for items in found]
    ranks = zip_longest(*own)
    return unique(item for rank in ranks for item in rank if item is not None)


def unique(items: Iterable[Found]) -> list[Found]:
    """Return *items* of one namespace once each, where they come first."""
    first: dict[str, Found] = {}
    for item in items:
        first.setdefault(item.key, item)
    return list(first.values())


def sharing_words(items: Sequence[SearchItem], query: str) -> list[SearchItem]:
    """Return the *items* that share a word with *query*, those that share most first."""
    shared = _shared_words(items, [query])
    order = sorted(range(len(items)), key=lambda n: shared[n], reverse=True)
    return [items[n] for n in order if shared[n]]


def within(items: Iterable[Found], tokens: int) -> list[Found]:
    """Return the first *items* that take no more than about *tokens* of a prompt."""
    used, fit = 0.0, list[Found]()
    for item in items:
        text = content_text(document_of(item.key, item.value).content)
        # About four letters of an alphabet are a token, and one of other scripts.
        used += 4 + sum(0.25 if letter.isascii() else 1 for letter in text)
        if used > tokens:
            break
        fit.append(item)
    return fit


def best(items: Sequence[SearchItem], queries: Sequence[str], limit: int) -> list[SearchItem]:
    """Return the *limit* items that matter most to *queries*, best first."""
    if any(map(is_scored, items)):
        return sorted(items, key=_score, reverse=True)[:limit]
    shared = _shared_words(items, queries)
    order = sorted(range(len(items)), key=lambda n: (shared[n], items[n].updated_at), reverse=True)
    return [items[n] for n in order[:limit]]


def is_scored(item: SearchItem) -> bool:
    """Tell whether the store gave *item* a score."""
    return item.score is not None


def _score(item: SearchItem) -> float:
    return float("-inf") if item.score is None else item.score


def _shared_words(items: Sequence[SearchItem], queries: Sequence[str]) -> list[float]:
    """Sum, for each item, the inverse document frequencies of the words it shares."""
    wanted = {term for query in queries for term in query_terms(query)}
    shared = [wanted & set(terms(str(item.value))) for item in items]
    frequency = Counter(term for words in shared for term in words)
    return [sum(idf(frequency[term], len(items)) for term in words) for words in shared]
