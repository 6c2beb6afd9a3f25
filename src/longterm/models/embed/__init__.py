"""Embeddings without a server or a key: `longterm[local]`."""

from longterm.models.embed.by_script import EmbeddingsByScript
from longterm.models.embed.minilm import MiniLMEmbeddings
from longterm.models.embed.multilingual import MultilingualEmbeddings

__all__ = ["EmbeddingsByScript", "MiniLMEmbeddings", "MultilingualEmbeddings"]
