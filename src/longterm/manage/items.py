"""Store items whose value is the user's own object where the schema is known.

A value that no longer checks, or that another program wrote, stays the raw dict: one odd item
never spoils a search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic

from langgraph.store.base import Item as StoreItem, SearchItem as StoreSearchItem
from typing_extensions import override

from longterm.extract.schema import MemorySchema, plain
from longterm.memory.model import Content

__all__ = ["Item", "SearchItem", "typed_item", "typed_search_item"]


class Item(StoreItem, Generic[Content]):
    """A store item; `value` is an instance of its schema, or the raw dict."""

    value: Content

    @override
    def dict(self) -> dict[str, Any]:
        return {**super().dict(), "value": plain(self.value)}  # pyright: ignore[reportUnknownMemberType] - untyped in LangGraph


class SearchItem(StoreSearchItem, Generic[Content]):
    """A found store item; `value` is an instance of its schema, or the raw dict."""

    value: Content

    @override
    def dict(self) -> dict[str, Any]:
        return {**super().dict(), "value": plain(self.value)}  # pyright: ignore[reportUnknownMemberType] - untyped in LangGraph


def typed_item(item: StoreItem, kinds: Sequence[MemorySchema]) -> Item:
    """Return *item* with its value as an instance of one of *kinds*."""
    return Item(
        value=_typed(item.value, kinds),
        key=item.key,
        namespace=item.namespace,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


def typed_search_item(item: StoreSearchItem, kinds: Sequence[MemorySchema]) -> SearchItem:
    """Return *item* with its value as an instance of one of *kinds*."""
    return SearchItem(
        namespace=item.namespace,
        key=item.key,
        value=_typed(item.value, kinds),
        created_at=item.created_at,
        updated_at=item.updated_at,
        score=item.score,
    )


def _typed(value: Any, kinds: Sequence[MemorySchema]) -> Any:
    match value:
        case {"kind": str(name), "content": content}:
            return next((k.load(content, value) for k in kinds if k.name == name), value)
        case _:
            return value
