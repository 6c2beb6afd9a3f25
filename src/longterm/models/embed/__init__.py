"""Embeddings without a server or a key: `longterm[local]`."""

from longterm.models.embed.minilm import MiniLMEmbeddings

__all__ = ["MiniLMEmbeddings"]
