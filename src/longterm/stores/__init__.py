"""Stores: where memories are kept. Any other LangGraph `BaseStore` serves as well."""

from longterm.stores.embedded import EmbeddedStore
from longterm.stores.embedding import StoreIndex, SupportsScript
from longterm.stores.maintenance import Stats
from longterm.stores.operations import (
    ArmHit,
    ArmsOp,
    ExplainedItem,
    ExplainOp,
    Explanation,
    PutIf,
)

__all__ = [
    "ArmHit",
    "ArmsOp",
    "EmbeddedStore",
    "ExplainOp",
    "ExplainedItem",
    "Explanation",
    "PutIf",
    "Stats",
    "StoreIndex",
    "SupportsScript",
]
