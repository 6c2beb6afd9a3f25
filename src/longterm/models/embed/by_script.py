"""Two embedded models as one: MiniLM for what it reads, multilingual-e5-small for the rest.

A text, and a question, gets the vector of its script's model; both have the same length. Between
the two models cosines mean nothing: they lie about 0, as those of unrelated texts do. So a
question in English finds what is written in Chinese by names, words and times, not by meaning;
`MultilingualEmbeddings` alone finds across languages, at some eight times the cost for English.
"""

import logging

from langchain_core.embeddings import Embeddings

from longterm.errors import LocalModelError
from longterm.models.embed.minilm import MiniLMEmbeddings
from longterm.models.embed.multilingual import MultilingualEmbeddings

__all__ = ["EmbeddingsByScript"]

_log = logging.getLogger(__name__)


class EmbeddingsByScript(Embeddings):
    """384-dimensional unit vectors of texts in any script; English costs what MiniLM costs."""

    dims = MiniLMEmbeddings.dims
    #: Files with MiniLM's vectors stay as they are: it gives Latin texts the same ones, and others
    #: had none.
    known_as = MiniLMEmbeddings.__qualname__

    def __init__(self, latin: MiniLMEmbeddings, others: MultilingualEmbeddings) -> None:
        """Prepare both; each is loaded when the first text of its scripts comes."""
        self._latin = latin
        self._others = others

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector for each text, in their order; zeros where its model cannot run."""
        read = [at for at, text in enumerate(texts) if self._latin.supports(text)]
        rest = sorted(set(range(len(texts))).difference(read))
        vectors = [[0.0] * self.dims for _ in texts]
        # A model is not loaded for nothing.
        for places, embed in ((read, self._latin.embed_documents), (rest, self._embed_others)):
            if places:
                found = embed([texts[at] for at in places])
                for at, vector in zip(places, found, strict=True):
                    vectors[at] = vector
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question, by the model of its script."""
        if self._latin.supports(text):
            return self._latin.embed_query(text)
        try:
            return self._others.embed_query(text)
        except LocalModelError:
            return self._nothing(1)[0]

    def release(self) -> None:
        """Let go of the process of the second model; the next text starts it anew."""
        self._others.release()

    def _embed_others(self, texts: list[str]) -> list[list[float]]:
        try:
            return self._others.embed_documents(texts)
        except LocalModelError:
            return self._nothing(len(texts))

    def _nothing(self, count: int) -> list[list[float]]:
        """Say that the second model cannot run, and give zeros for its vectors."""
        _log.warning(
            "multilingual-e5-small cannot run here, so texts that are not in Latin script are "
            "found by words alone.",
            exc_info=True,
        )
        return [[0.0] * self.dims for _ in range(count)]
