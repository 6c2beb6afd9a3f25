"""BM25 over texts in memory: how well each of a few hundred texts fits a query.

S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009);
the inverse document frequency is Lucene's, which is never negative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from math import log

__all__ = ["bm25"]

_K1 = 1.2
_B = 0.75


def bm25(query: Collection[str], texts: Sequence[Sequence[str]]) -> list[float]:
    """Return the score of each of *texts* for the terms of *query*; 0 where none is shared."""
    average = sum(map(len, texts)) / len(texts) if texts else 0.0
    counts = [Counter(terms) for terms in texts]
    holders = Counter(term for count in counts for term in set(query) & count.keys())
    rarity = {
        term: log(1 + (len(texts) - held + 0.5) / (held + 0.5)) for term, held in holders.items()
    }
    return [
        sum(
            rarity[term]
            * count[term]
            * (_K1 + 1)
            / (count[term] + _K1 * (1 - _B + _B * len(terms) / average))
            for term in rarity.keys() & count.keys()
        )
        for terms, count in zip(texts, counts, strict=True)
    ]
