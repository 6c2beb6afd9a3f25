"""Two embedded models as one: MiniLM for what it reads, multilingual-e5-small for the rest.

A text, and a question, gets the vector of its script's model; both have the same length. Those of
the second model are rotated (`e5_rotation.npz`, made by ``benchmarks/e5_rotation.py``), so that
what both know of English lies in the same place: a question in English finds what is written in
Chinese, and the other way round, while cosines within each model stay as they are.
`MultilingualEmbeddings` alone does the same, at some eight times the cost for English.
"""

import logging
from functools import cached_property
from importlib.resources import files

import numpy as np
import numpy.typing as npt
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
            return self._rotated([self._others.embed_query(text)])[0]
        except LocalModelError:
            return self._nothing(1)[0]

    def release(self) -> None:
        """Let go of the process of the second model; the next text starts it anew."""
        self._others.release()

    def _embed_others(self, texts: list[str]) -> list[list[float]]:
        try:
            return self._rotated(self._others.embed_documents(texts))
        except LocalModelError:
            return self._nothing(len(texts))

    @cached_property
    def _rotation(self) -> npt.NDArray[np.float32]:
        path = files("longterm.models.embed").joinpath("e5_rotation.npz")
        with path.open("rb") as file:
            return np.load(file)["rotation"].astype(np.float32)

    def _rotated(self, vectors: list[list[float]]) -> list[list[float]]:
        turned = np.array(vectors, np.float32) @ self._rotation
        # Stored with 16 bits, the rotation changes lengths a little.
        lengths = np.linalg.norm(turned, axis=1, keepdims=True)
        return (turned / np.where(lengths, lengths, 1.0)).tolist()

    def _nothing(self, count: int) -> list[list[float]]:
        """Say that the second model cannot run, and give zeros for its vectors."""
        _log.warning(
            "multilingual-e5-small cannot run here, so texts that are not in Latin script are "
            "found by words alone.",
            exc_info=True,
        )
        return [[0.0] * self.dims for _ in range(count)]
