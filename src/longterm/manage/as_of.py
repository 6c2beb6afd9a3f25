"""A manager's memories as they were at one time: to read and to search, not to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Generic

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore

from longterm.effects.runnable import both
from longterm.extract.schema import MemorySchema, world_times
from longterm.history import History
from longterm.manage.items import SearchItem, typed_search_item
from longterm.memory.model import Content
from longterm.memory.namespace import Namespace

__all__ = ["MemoriesAsOf"]


class MemoriesAsOf(Generic[Content]):
    """The memories of one namespace as they were; see `MemoryStoreManager.as_of`."""

    def __init__(
        self,
        store: BaseStore,
        namespace: Namespace,
        time: datetime | None,
        schemas: Sequence[MemorySchema],
        *,
        valid_at: date | None = None,
    ) -> None:
        self.store = store
        self.config = RunnableConfig()
        self.namespace = namespace
        self.time = time
        self.valid_at = valid_at
        self._history = History(store, world_times=world_times(schemas))
        self._schemas = schemas

    async def get_flow(self, key: str) -> SearchItem[Content] | None:
        """Return the memory under *key*; None where there was none."""
        found = await self._history.state(
            self.namespace, self.time, key=key, valid_at=self.valid_at
        )
        return typed_search_item(found[0], self._schemas) if found else None

    get, aget = both(get_flow)

    async def search_flow(
        self,
        *,
        query: str | None = None,
        filter: Mapping[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> list[SearchItem[Content]]:
        """Return the memories that matched, best first."""
        found = await self._history.state(
            self.namespace,
            self.time,
            valid_at=self.valid_at,
            query=query,
            filter=filter,
            limit=limit,
            offset=offset,
        )
        return [typed_search_item(item, self._schemas) for item in found]

    search, asearch = both(search_flow)
