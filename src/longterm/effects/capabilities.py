"""Capabilities: what a store can do beyond LangGraph's `BaseStore`.

A store has a capability by having its methods; nothing is registered. Recall and managers use
what is there and do with less elsewhere, so that anybody's store can have them too.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from langgraph.store.base import Item, PutOp

__all__ = ["CompareAndSet", "EncodedItem", "HybridSearch", "SearchHit"]


@runtime_checkable
class EncodedItem(Hashable, Protocol):
    """An item that is not decoded yet; equal ones hold equal items."""

    def decode(self) -> Item:
        """Decode it, anew each time."""
        ...


class SearchHit(Protocol):
    """An item that a hybrid search found, and its cosine; None where vectors cannot say."""

    @property
    def encoded(self) -> EncodedItem | Item:
        """The item, decoded already or not."""
        ...

    @property
    def cosine(self) -> float | None:
        """Cosine of the item's nearest passage with the query, from -1 to 1."""
        ...


@runtime_checkable
class CompareAndSet(Protocol):
    """A store that writes only what nobody has changed since it was read."""

    def put_all_if(
        self, ops: Sequence[PutOp], expected_updated_at: Sequence[datetime | None]
    ) -> None:
        """Write all of *ops* in one transaction, if each item is as it was read.

        *expected_updated_at* holds, for each operation, the item's `updated_at` when it was
        read, or None for one that was not there. Raises `ConflictError`, with nothing
        written, where one differs.
        """
        ...

    async def aput_all_if(
        self, ops: Sequence[PutOp], expected_updated_at: Sequence[datetime | None]
    ) -> None:
        """Do the same without blocking the event loop."""
        ...


@runtime_checkable
class HybridSearch(Protocol):
    """A store that says what full text and what vectors find, each by itself."""

    def hybrid_search(
        self,
        namespace_prefix: tuple[str, ...],
        text_query: str,
        *,
        vector_query: str | None = None,
        limit: int = 10,
        neighbors: int = 0,
        full_scan_limit: int = 0,
        exact: bool = False,
    ) -> Sequence[SearchHit]:
        """Return the best *limit* items of each signal, with both scores of every one.

        Full text looks for *text_query*, vectors for *vector_query*; None takes *text_query*
        for both, "" leaves vectors out. With *neighbors*, the items written up to so many
        places before and after the best hits come along; a prefix that holds at most
        *full_scan_limit* items is returned whole; *exact* leaves out what lies below the
        prefix.
        """
        ...

    async def ahybrid_search(
        self,
        namespace_prefix: tuple[str, ...],
        text_query: str,
        *,
        vector_query: str | None = None,
        limit: int = 10,
        neighbors: int = 0,
        full_scan_limit: int = 0,
        exact: bool = False,
    ) -> Sequence[SearchHit]:
        """Do the same without blocking the event loop."""
        ...
