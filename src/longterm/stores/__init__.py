"""Stores: where memories are kept. Any other LangGraph `BaseStore` serves as well."""

from typing import TYPE_CHECKING, Any

from longterm.errors import MissingExtraError
from longterm.stores.base import CapableStore
from longterm.stores.embedded.store import EmbeddedStore
from longterm.stores.embedding import StoreIndex, SupportsScript
from longterm.stores.first_release import OLD_NAMES, renamed
from longterm.stores.operations import (
    ExplainedItem,
    ExplainOp,
    Explanation,
    HybridHit,
    HybridSearchOp,
    PutIf,
    Stats,
)

if TYPE_CHECKING:
    from longterm.stores.postgres.store import PostgresStore

__all__ = [
    "CapableStore",
    "EmbeddedStore",
    "ExplainOp",
    "ExplainedItem",
    "Explanation",
    "HybridHit",
    "HybridSearchOp",
    "PostgresStore",
    "PutIf",
    "Stats",
    "StoreIndex",
    "SupportsScript",
]


def __getattr__(name: str) -> Any:
    if name == "PostgresStore":
        try:
            from longterm.stores.postgres.store import PostgresStore
        except ModuleNotFoundError as exc:
            raise MissingExtraError("PostgresStore", "postgres") from exc
        return PostgresStore
    if name not in OLD_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    new, found = OLD_NAMES[name]
    renamed(f"{__name__}.{name}", new)
    return found
