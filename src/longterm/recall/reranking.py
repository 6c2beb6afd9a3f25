"""Reranking: another judge chooses among the best of a ranking, and adds nothing to them."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from langchain_core.documents import BaseDocumentCompressor, Document

from longterm.effects.steps import Compress
from longterm.errors import ConfigurationError
from longterm.recall.fusion import Ranking
from longterm.recall.results import RecallItem, recall_item

__all__ = ["Reranker", "reranked"]

#: How many of the best candidates a reranker is shown at least.
_RERANKED = 50

#: Chooses among what was recalled: LangChain's document compressors, or a function.
Reranker = BaseDocumentCompressor | Callable[[str, Sequence[RecallItem]], Sequence[RecallItem]]


async def reranked(reranker: Reranker, ranking: Ranking, limit: int | None) -> list[int]:
    """Places of what *reranker* chose, each once."""
    best = ranking.best(max(limit or 0, _RERANKED))
    text = ranking.question.text
    chosen: Iterable[Hashable]
    match reranker:
        case BaseDocumentCompressor() as compressor:
            candidates = ranking.candidates.candidates
            documents = tuple(
                Document(
                    f"[{candidates[at].time:%Y-%m-%d}] {candidates[at].text}",
                    metadata={"rank": rank},
                )
                for rank, at in enumerate(best)
            )
            given: Mapping[Hashable, int] = dict(enumerate(best))
            compressed = await Compress(compressor, documents, text)
            chosen = [it.metadata.get("rank") for it in compressed]
        case function:
            items = [recall_item(ranking[at]) for at in best]
            given = {(it.namespace, it.key): at for it, at in zip(items, best, strict=True)}
            chosen = [(it.namespace, it.key) for it in function(text, items)]
    once = dict.fromkeys(chosen)
    if not once.keys() <= given.keys():
        raise ConfigurationError(
            "The reranker returned something it was not given: it may only choose among the "
            "items, and a document compressor keeps their metadata."
        )
    return [given[one] for one in once]
