"""The embedding model as a store sees it: which texts an item has, and whose vectors they get.

Knows no database. A model is known by its name and dimension; the name is what the
index says under "model", else what the model says by `KnownAs`, the name of a plain function, or
the class of the embeddings and its `model` (or `model_name`).
"""

import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Protocol, runtime_checkable

import numpy as np
from langchain_core.embeddings import Embeddings
from langgraph.store.base import IndexConfig
from langgraph.store.base.embed import (
    EmbeddingsLambda,
    ensure_embeddings,
)
from numpy.typing import NDArray

from longterm.effects.drivers import EmbedQueries, EmbedTexts
from longterm.effects.steps import Flow
from longterm.errors import ConfigurationError
from longterm.stores.matrix import Vector, pack, unpack

__all__ = [
    "Embedder",
    "KnownAs",
    "Releasable",
    "StoreIndex",
    "SupportsScript",
    "query_vectors",
    "text_hash",
    "vectors_of",
]

_TEXTS_AT_ONCE = 256


class StoreIndex(IndexConfig, total=False):
    """LangGraph's index configuration, with a name for a model that does not tell its own."""

    model: str


@runtime_checkable
class SupportsScript(Protocol):
    """An embedding model that knows which texts it can read."""

    def supports(self, text: str) -> bool:
        """Whether a vector of *text* means anything."""
        ...


@runtime_checkable
class KnownAs(Protocol):
    """An embedding model whose vectors go by another name than its class."""

    #: What the store writes beside its vectors: models of one name give a text the same vector.
    known_as: str


@runtime_checkable
class Releasable(Protocol):
    """An embedding model that holds more than memory, such as a process, and gets it anew."""

    def release(self) -> None:
        """Let go of it until the next text comes."""
        ...


#: How many queries' vectors are kept.
_RECENT = 8


class Embedder:
    """An embedding model with its name and dimension."""

    def __init__(self, index: StoreIndex | IndexConfig) -> None:
        embed, dims = index.get("embed"), index.get("dims")
        if embed is None or not dims:
            raise ConfigurationError(
                'The index of a store needs "embed" (an embedding model) and "dims" (the length '
                "of its vectors). Leave the index out for full text alone."
            )
        self.model: Embeddings = ensure_embeddings(embed)
        self.dims = dims
        #: Whether a thread may call it: not a coroutine function, which belongs to its event loop.
        self.is_blocking = not isinstance(self.model, EmbeddingsLambda) or hasattr(
            self.model, "func"
        )
        self.name = str(index.get("model") or _model_name(self.model))
        # Looked up once: to ask a protocol takes longer than to split a text.
        self._reads = self.model.supports if isinstance(self.model, SupportsScript) else None
        #: Vectors of the last queries by the hash of their text: recall asks in several namespaces.
        self.recent: dict[bytes, Vector] = {}

    def supports(self, text: str) -> bool:
        """Whether *text* shall have a vector."""
        return bool(text.strip()) and (self._reads is None or self._reads(text))

    def release(self) -> None:
        """Let go of what the model holds beside memory; a store that is closed needs it no more."""
        if isinstance(self.model, Releasable):
            self.model.release()

    def packed(self, vectors: Sequence[Sequence[float]], texts: Sequence[str]) -> list[bytes]:
        """Shape the model's answer as it is stored; what does not fit is an error."""
        if len(vectors) != len(texts):
            raise ConfigurationError(
                f"{self.name} was given {len(texts)} texts and answered {len(vectors)} vectors."
            )
        rows: NDArray[np.float64] = np.zeros(0)
        # Together they take a third of the time, and lists half of that without numpy.
        with suppress(TypeError, ValueError, struct.error):
            if all(isinstance(vector, list) for vector in vectors):
                layout = f"{self.dims}d"
                numbers = b"".join([struct.pack(layout, *vector) for vector in vectors])
                rows = np.frombuffer(numbers).reshape(-1, self.dims)
            else:
                rows = np.asarray(vectors, dtype=np.float64)
        if rows.shape != (len(texts), self.dims) or not np.isfinite(rows).all():
            rows = np.array(list(map(self._checked, vectors))).reshape(-1, self.dims)
        return pack(rows)

    def _checked(self, vector: Sequence[float]) -> NDArray[np.float64]:
        try:
            row = np.asarray(vector, dtype=np.float64)
        except (TypeError, ValueError) as exc:
            raise ConfigurationError(
                f"{self.name} returned something other than a vector."
            ) from exc
        if row.shape != (self.dims,):
            shape = " x ".join(map(str, row.shape)) or "no"
            raise ConfigurationError(
                f"{self.name} makes vectors of {shape} dimensions; the index says {self.dims}."
            )
        if not np.isfinite(row).all():
            raise ConfigurationError(
                f"{self.name} returned a vector that does not consist of numbers."
            )
        return row


async def vectors_of(
    embedder: Embedder,
    texts: Sequence[str],
    look_up: Callable[[Sequence[bytes]], Flow[dict[bytes, bytes]]],
) -> dict[bytes, bytes]:
    """Return packed vectors by the hash of their text; the model makes what *look_up* lacks.

    *look_up* gets hashes of texts and returns the vectors that the database has of them.
    """
    wanted = {text_hash(text): text for text in texts if embedder.supports(text)}
    if not wanted:
        return {}
    known = await look_up(list(wanted))
    missing = [digest for digest in wanted if digest not in known]
    for start in range(0, len(missing), _TEXTS_AT_ONCE):
        block = missing[start : start + _TEXTS_AT_ONCE]
        new = [wanted[digest] for digest in block]
        vectors = await EmbedTexts(embedder.model, new)
        known.update(zip(block, embedder.packed(vectors, new), strict=True))
    return known


async def query_vectors(embedder: Embedder, queries: Sequence[str]) -> dict[str, Vector]:
    """Return vectors by their query, of those the model can read."""
    wanted = {text_hash(query): query for query in queries if embedder.supports(query)}
    known = embedder.recent
    missing = {digest: query for digest, query in wanted.items() if digest not in known}
    if missing:
        texts = list(missing.values())
        packed = embedder.packed(await EmbedQueries(embedder.model, texts), texts)
        rows = unpack(packed, embedder.dims).astype(np.float32)
        known = known | dict(zip(missing, rows, strict=True))
        embedder.recent = dict(list(known.items())[-_RECENT:])
    return {query: known[digest] for digest, query in wanted.items()}


def text_hash(text: str) -> bytes:
    """Make the mark a text is known by in the file."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _model_name(model: Embeddings) -> str:
    if isinstance(model, KnownAs):
        return model.known_as
    function = getattr(model, "func", None) or getattr(model, "afunc", None)
    if function is not None:
        return str(getattr(function, "__qualname__", type(function).__qualname__))
    named = (getattr(model, attribute, None) for attribute in ("model", "model_name"))
    label = next((name for name in named if isinstance(name, str)), "")
    return f"{type(model).__qualname__}:{label}".rstrip(":")
