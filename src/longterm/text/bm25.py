"""BM25: how well a text fits a query, by the terms they share. Pure.

S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009);
the inverse document frequency is Lucene's, which is never negative. A term adds
``idf(…) * saturated(count, norm(length, mean))``. The parts of the formula take arrays as well
as numbers, so that stores score all their items at once by the same one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from math import log1p
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = TypeVar("Numbers", float, NDArray[np.floating[Any]])

__all__ = ["BM25_B", "BM25_K1", "bm25", "idf", "norm", "saturated"]

#: How soon more of a term adds nothing, and how much length counts: the usual values (3.4 there).
BM25_K1, BM25_B = 1.2, 0.75


def bm25(query: Collection[str], texts: Sequence[Sequence[str]]) -> list[float]:
    """Return the score of each of *texts* for the terms of *query*; 0 where none is shared."""
    mean = sum(map(len, texts)) / len(texts) if texts else 0.0
    counts = [Counter(terms) for terms in texts]
    holders = Counter(term for count in counts for term in set(query) & count.keys())
    idfs = {term: idf(held, len(texts)) for term, held in holders.items()}
    return [
        sum(
            idfs[term] * saturated(float(count[term]), norm(float(len(terms)), mean))
            for term in idfs.keys() & count.keys()
        )
        for terms, count in zip(texts, counts, strict=True)
    ]


def idf(holders: int, total: int) -> float:
    """Return the inverse document frequency of a term that *holders* of *total* texts hold."""
    return log1p((total - holders + 0.5) / (holders + 0.5))


def norm(length: Numbers, mean: float) -> Numbers:
    """Return what a text of *length* terms is held to, where the *mean* text has so many."""
    return BM25_K1 * (1 - BM25_B + BM25_B * length / mean)


def saturated(count: Numbers, norm: Numbers) -> Numbers:
    """Return what *count* occurrences of a term are worth, at most ``BM25_K1 + 1``."""
    return (BM25_K1 + 1) * (count / (count + norm))
