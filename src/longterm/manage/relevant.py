"""Which of the memories that were found matter to a conversation, pure.

A store with an index has scored them. One without returns them in an order that says nothing;
then shared words decide, and among equals the newer memory comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

from langgraph.store.base import Item, SearchItem

from longterm.effects.paging import Reach, best_of_each, place_of, score_of
from longterm.memory.attribution import content_text
from longterm.memory.model import document_of, is_turn
from longterm.text.bm25 import idf
from longterm.text.tokenizer import query_terms, terms

__all__ = [
    "best",
    "in_turn",
    "is_scored",
    "merged",
    "sharing_words",
    "unique",
    "within",
]


Found = TypeVar("Found", bound=Item)


def merged(found: Iterable[Sequence[SearchItem]], reach: Reach) -> list[SearchItem]:
    """Return the memories of several searches in *reach* once each, with their best score."""
    return best_of_each(_memories(chain.from_iterable(found), reach))


def in_turn(found: Iterable[Sequence[SearchItem]], reach: Reach) -> list[SearchItem]:
    """Return the memories in *reach* once each: the best of every search, then the second.

    Scores of two queries do not compare, so that places count, and no search takes them all.
    """
    ranks = zip_longest(*(_memories(items, reach) for items in found))
    return unique(item for rank in ranks for item in rank if item is not None)


def unique(items: Iterable[Found]) -> list[Found]:
    """Return *items* once each, where they come first."""
    first: dict[tuple[str, ...], Found] = {}
    for item in items:
        first.setdefault(place_of(item), item)
    return list(first.values())


def _memories(items: Iterable[SearchItem], reach: Reach) -> Iterator[SearchItem]:
    """Yield those of *items* that lie in *reach*; what was said, word for word, is no memory."""
    return (item for item in items if reach.holds(item.namespace) and not is_turn(item.value))


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
        return sorted(items, key=score_of, reverse=True)[:limit]
    shared = _shared_words(items, queries)
    order = sorted(range(len(items)), key=lambda n: (shared[n], items[n].updated_at), reverse=True)
    return [items[n] for n in order[:limit]]


def is_scored(item: SearchItem) -> bool:
    """Tell whether the store gave *item* a score."""
    return item.score is not None


def _shared_words(items: Sequence[SearchItem], queries: Sequence[str]) -> list[float]:
    """Sum, for each item, the inverse document frequencies of the words it shares."""
    wanted = {term for query in queries for term in query_terms(query)}
    shared = [wanted & set(terms(str(item.value))) for item in items]
    frequency = Counter(term for words in shared for term in words)
    return [sum(idf(frequency[term], len(items)) for term in words) for words in shared]
