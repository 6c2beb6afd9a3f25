"""Stores: where memories are kept. Any other LangGraph `BaseStore` serves as well."""

from longterm.stores.embedded.maintenance import Stats
from longterm.stores.embedded.store import EmbeddedStore
from longterm.stores.embedding import StoreIndex, SupportsScript
from longterm.stores.operations import (
    ExplainedItem,
    ExplainOp,
    Explanation,
    HybridHit,
    HybridSearchOp,
    PutIf,
)

__all__ = [
    "EmbeddedStore",
    "ExplainOp",
    "ExplainedItem",
    "Explanation",
    "HybridHit",
    "HybridSearchOp",
    "PutIf",
    "Stats",
    "StoreIndex",
    "SupportsScript",
]
