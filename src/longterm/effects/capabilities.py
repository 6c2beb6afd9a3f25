"""Capabilities: what a store can do beyond LangGraph's `BaseStore`.

A store has a capability by having its methods; nothing is registered. Recall and managers use
what is there and do with less elsewhere, so that anybody's store can have them too.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, runtime_checkable

from langchain_core.embeddings import Embeddings
from langgraph.store.base import Item, PutOp, SearchItem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "ColumnSearch",
    "CompareAndSet",
    "DecodesColumns",
    "EmbedLater",
    "Embedding",
    "EmbedsLater",
    "EncodedItem",
    "HybridSearch",
    "ItemColumns",
    "Keep",
    "KeepsTerms",
    "RevisionNote",
    "RevisionRow",
    "Revisions",
    "SearchColumns",
    "SearchHit",
]

#: Which revisions of an item are kept: the newest so many, those younger than this, or all.
Keep = int | timedelta | None


class EmbedLater(list[str]):
    """Fields to index, as ``index`` of a put: the writer need not wait for their vectors.

    A store that can makes them soon afterwards, at the latest for a search that would miss them,
    and finds the item by full text at once. To any other store this is the list that it is.
    """

    __slots__ = ()


@runtime_checkable
class EncodedItem(Hashable, Protocol):
    """An item that is not decoded yet; equal ones hold equal items."""

    def decode(self) -> Item:
        """Decode it, anew each time."""
        ...


@runtime_checkable
class KeepsTerms(Protocol):
    """An encoded item that brings the terms it is found by, which spares their readers its text."""

    def terms_of(self, fields: Sequence[str]) -> bytes | None:
        """Return the terms of the texts at *fields*, in order and with repetitions.

        They are those of `text.tokenizer`, as `text.term_hashes` packs them; None where the
        store has none, or those of other fields.
        """
        ...


class ItemColumns(NamedTuple):
    """Several items side by side, without an object for each."""

    namespaces: Sequence[tuple[str, ...]]
    keys: Sequence[str]
    values: Sequence[dict[str, Any]]
    #: In seconds since 1970.
    created_at: Sequence[float]


@runtime_checkable
class DecodesColumns(Protocol):
    """A kind of encoded items of which many are decoded in less time than one by one."""

    @classmethod
    def decode_columns(cls, items: Sequence[Self]) -> ItemColumns:
        """Decode *items*, in their order, each as its `decode` does; fails where one would."""
        ...


@runtime_checkable
class EmbedsLater(Protocol):
    """A store whose writes with `EmbedLater` wait for no vector."""

    def embed_pending(self) -> int:
        """Make the vectors that are to come now, and return of how many items."""
        ...

    async def aembed_pending(self) -> int:
        """Do the same without blocking the event loop."""
        ...


@runtime_checkable
class Embedding(Protocol):
    """A store that says what it embeds texts with, as LangGraph's own stores do."""

    @property
    def embeddings(self) -> Embeddings | None:
        """The model, or None where the store has no vectors."""
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
    """A store that writes only what is unchanged since it was read."""

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


class SearchColumns(Protocol):
    """What a hybrid search found, in columns; items and cosines side by side, in any order.

    A reader of a few hundred items has no need of an object for each hit.
    """

    @property
    def encoded(self) -> Sequence[EncodedItem | Item]:
        """The items; the same tuple again where a store knows that they are the same."""
        ...

    @property
    def cosines(self) -> Sequence[float] | NDArray[np.float32]:
        """Cosine of each item's nearest passage with the query; NaN where vectors cannot say."""
        ...

    def best_first(self) -> Sequence[int]:
        """Return the places of the items in the order in which `hybrid_search` has its hits."""
        ...


@runtime_checkable
class ColumnSearch(HybridSearch, Protocol):
    """A store that answers a hybrid search in columns as well, which costs less."""

    def hybrid_columns(
        self,
        namespace_prefix: tuple[str, ...],
        text_query: str,
        *,
        vector_query: str | None = None,
        limit: int = 10,
        neighbors: int = 0,
        full_scan_limit: int = 0,
        exact: bool = False,
    ) -> SearchColumns:
        """Find what `hybrid_search` finds."""
        ...

    async def ahybrid_columns(
        self,
        namespace_prefix: tuple[str, ...],
        text_query: str,
        *,
        vector_query: str | None = None,
        limit: int = 10,
        neighbors: int = 0,
        full_scan_limit: int = 0,
        exact: bool = False,
    ) -> SearchColumns:
        """Do the same without blocking the event loop."""
        ...


@dataclass(frozen=True, slots=True)
class RevisionNote:
    """What the writer of an item says of the change; the store adds number, time and value."""

    #: created, changed, deleted, restored or erased.
    action: str
    #: Who made it: manager, tool, user, import or policy.
    actor: str
    #: The messages it came from, as JSON data.
    sources: tuple[Mapping[str, Any], ...] = ()
    #: Name of the model that proposed it.
    model: str | None = None
    reason: str | None = None
    #: The extraction that it came of, as JSON data.
    run: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """An item as it was after one change."""

    namespace: tuple[str, ...]
    key: str
    #: Counts from 1 for each namespace and key, and never back: not even after an erase.
    number: int
    note: RevisionNote
    #: None after a delete and after an erase.
    value: dict[str, Any] | None
    #: When it was written: the item's `updated_at`. Grows with the number.
    time: datetime
    #: The item's `created_at`, which a delete ends.
    created_at: datetime


@runtime_checkable
class Revisions(Protocol):
    """A store that keeps what its items were, in the same transaction as what they are.

    Plain puts and deletes of an item that has revisions leave one as well (actor "user"); an
    item that has none begins with its first noted write, which keeps as number 1 what stood
    there before. An item that outlives its time to live leaves one revision without content
    (deleted, actor "policy") in place of all. No search for items ever shows a revision.
    """

    def put_all_noted(
        self,
        ops: Sequence[PutOp],
        expected_updated_at: Sequence[datetime | None],
        notes: Sequence[RevisionNote],
        *,
        keep: Keep = None,
    ) -> list[RevisionRow | None]:
        """Write all of *ops* as `CompareAndSet.put_all_if` does, each with a revision.

        Returns the revisions, None where a delete met nothing; of each item those that *keep*
        does not allow are dropped at once, but never the last.
        """
        ...

    async def aput_all_noted(
        self,
        ops: Sequence[PutOp],
        expected_updated_at: Sequence[datetime | None],
        notes: Sequence[RevisionNote],
        *,
        keep: Keep = None,
    ) -> list[RevisionRow | None]:
        """Do the same without blocking the event loop."""
        ...

    def get_revisions(self, namespace: tuple[str, ...], key: str) -> list[RevisionRow]:
        """Return the revisions of one item, oldest first."""
        ...

    async def aget_revisions(self, namespace: tuple[str, ...], key: str) -> list[RevisionRow]:
        """Do the same without blocking the event loop."""
        ...

    def list_revisions(
        self,
        namespace_prefix: tuple[str, ...],
        *,
        after: RevisionRow | None = None,
        limit: int = 1000,
    ) -> list[RevisionRow]:
        """Return a page of all revisions at and below a prefix, an item's in one run.

        *after* is the last row of the page before.
        """
        ...

    async def alist_revisions(
        self,
        namespace_prefix: tuple[str, ...],
        *,
        after: RevisionRow | None = None,
        limit: int = 1000,
    ) -> list[RevisionRow]:
        """Do the same without blocking the event loop."""
        ...

    def search_as_of(
        self,
        namespace_prefix: tuple[str, ...],
        time: datetime,
        *,
        key: str | None = None,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        exact: bool = False,
    ) -> list[SearchItem]:
        """Search as `BaseStore.search` does, among the items as they were at *time*.

        With *key* only that item is considered; with *exact* only those of the namespace
        itself. Items without revisions count from their `updated_at`. The texts of items that
        have changed since are embedded anew, so this may take a while.
        """
        ...

    async def asearch_as_of(
        self,
        namespace_prefix: tuple[str, ...],
        time: datetime,
        *,
        key: str | None = None,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        exact: bool = False,
    ) -> list[SearchItem]:
        """Do the same without blocking the event loop."""
        ...

    def add_revisions(self, rows: Sequence[RevisionRow]) -> int:
        """Add rows as they were exported, and return how many.

        Rows of one item come in one call, oldest first. An item that is there, or has
        revisions, is left as it is: adding twice changes nothing. Of others the last row's
        value becomes the item.
        """
        ...

    async def aadd_revisions(self, rows: Sequence[RevisionRow]) -> int:
        """Do the same without blocking the event loop."""
        ...

    def prune_revisions(self, namespace_prefix: tuple[str, ...], keep: Keep) -> int:
        """Drop what *keep* does not allow at and below a prefix; return how many rows.

        The last revision of an item that is there is never dropped.
        """
        ...

    async def aprune_revisions(self, namespace_prefix: tuple[str, ...], keep: Keep) -> int:
        """Do the same without blocking the event loop."""
        ...

    def replace_notes(
        self, namespace: tuple[str, ...], key: str, notes: Mapping[int, RevisionNote]
    ) -> None:
        """Put *notes*, by number, in the place of those of an item's revisions.

        Values and times stay; no file of the store holds a byte of the former notes when this
        returns. Numbers that are not there are passed over.
        """
        ...

    async def areplace_notes(
        self, namespace: tuple[str, ...], key: str, notes: Mapping[int, RevisionNote]
    ) -> None:
        """Do the same without blocking the event loop."""
        ...

    def erase(
        self, namespace_prefix: tuple[str, ...], key: str | None = None, *, actor: str = "user"
    ) -> dict[str, int]:
        """Remove items for good, with everything that was derived from them.

        All at and below the prefix or, with *key*, that item of the namespace. Each leaves one
        revision without content (erased, by *actor*); no file of the store holds a byte of the
        rest when this returns. Returns how many there were of items, revisions, vectors and
        texts indexed, by these names.
        """
        ...

    async def aerase(
        self, namespace_prefix: tuple[str, ...], key: str | None = None, *, actor: str = "user"
    ) -> dict[str, int]:
        """Do the same without blocking the event loop."""
        ...
