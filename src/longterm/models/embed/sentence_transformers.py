"""Embeddings and rerankers of the package sentence-transformers, by name."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from typing_extensions import override

from longterm.errors import ConfigurationError
from longterm.models.embed.hub import Prompts, prompts_by_name

__all__ = ["CrossEncoderReranker", "SentenceTransformerEmbeddings", "load"]


def load(kind: str, name: str) -> Any:
    """Load the model *name* as the package's class *kind*; says what to install."""
    try:
        package = import_module("sentence_transformers")
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            f"The model {name!r} needs sentence-transformers. Install it with: pip install "
            f'sentence-transformers; or write "onnx:{name}", which needs no PyTorch.'
        ) from exc
    return getattr(package, kind)(name)


class SentenceTransformerEmbeddings(Embeddings):
    """Vectors by a loaded ``SentenceTransformer``, with the prompts that it or its name says."""

    def __init__(self, loaded: Any, name: str) -> None:
        self._loaded = loaded
        #: What stands beside stored vectors: other models give others.
        self.model = name
        said: dict[str, str] = getattr(loaded, "prompts", None) or {}
        own = Prompts(said.get("query", ""), said.get("document") or said.get("passage") or "")
        self._prompts = own if own != Prompts() else prompts_by_name(name)

    @property
    def dims(self) -> int:
        """Length of every vector."""
        said = self._loaded.get_sentence_embedding_dimension()
        return said or len(self.embed_query("length"))

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._vectors(texts, self._prompts.document)

    @override
    def embed_query(self, text: str) -> list[float]:
        return self._vectors([text], self._prompts.query)[0]

    def _vectors(self, texts: list[str], prompt: str) -> list[list[float]]:
        found = self._loaded.encode(
            texts, prompt=prompt, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(found, np.float32).tolist()


class CrossEncoderReranker(BaseDocumentCompressor):
    """Puts documents in the order that a loaded ``CrossEncoder`` gives them, best first."""

    loaded: Any
    #: How many are kept; None keeps all.
    top_n: int | None = None

    @override
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        if not documents:
            return []
        pairs = [(query, document.page_content) for document in documents]
        found = self.loaded.predict(pairs, show_progress_bar=False)
        scores = np.asarray(found, np.float32).reshape(len(pairs), -1)[:, -1]
        order: list[int] = np.argsort(-scores, kind="stable").tolist()
        return [documents[at] for at in order[: self.top_n]]
