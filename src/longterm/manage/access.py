"""A store seen through one namespace: get, search, put and delete with typed values.

Every method has an ``a…`` form that awaits the same flow.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Generic, cast

from langchain_core.runnables import RunnableConfig, ensure_config
from langgraph.store.base import (
    NOT_PROVIDED,
    BaseStore,
    GetOp,
    Item as StoreItem,
    SearchOp,
)
from typing_extensions import override

from longterm.commit import Policy, Write, commit
from longterm.effects.drivers import arun, context_store, in_graph, run
from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import Index, Reach, Ttl, fetch, get_op, search_op, search_within
from longterm.errors import NoStoreError
from longterm.extract.schema import MemorySchema
from longterm.history import History
from longterm.manage.as_of import MemoriesAsOf
from longterm.manage.items import Item, SearchItem, typed_item, typed_search_item
from longterm.manage.relevant import normalize_existing
from longterm.manage.searching import search_best
from longterm.memory.model import Content, Document, value_of
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.memory.revision import Revision, Source
from longterm.types import Conversation, MemoryStoreManagerInput, MessagesInput

__all__ = ["DEFAULT_KEY", "Default", "NamespaceAccess"]

DEFAULT_KEY = "default"

#: Makes the memory that stands under `DEFAULT_KEY` until one is stored there.
Default = Callable[[RunnableConfig], Document]


class NamespaceAccess(
    FlowRunnable[MemoryStoreManagerInput | MessagesInput | Conversation, list[dict[str, Any]]],
    Generic[Content],
):
    """The part of a manager that reads and writes single memories of its namespace.

    `search` finds what lies below it as well, unless the manager is *exact*.
    """

    def __init__(
        self,
        namespace: NamespaceTemplate,
        kinds: Sequence[MemorySchema],
        default: Default | None,
        store: BaseStore | None,
        policy: Policy,
        *,
        exact: bool,
    ) -> None:
        self.namespace = namespace
        #: Whether what lies below the namespace is left out.
        self.exact = exact
        self._policy = policy
        self._given = store
        self._kinds = kinds
        self._default = default
        self._seen = weakref.WeakSet[BaseStore]()

    @property
    @override
    def store(self) -> BaseStore:  # pyright: ignore[reportIncompatibleVariableOverride] - LangMem's form: read only, and never None
        """The store given, or that of the running graph; `NoStoreError` where there is neither."""
        here = self.store_here()
        if here is None:
            raise NoStoreError
        return here

    @property
    @override
    def given_store(self) -> BaseStore | None:
        return self._given

    def get_namespace(self, config: RunnableConfig | None = None) -> Namespace:
        """Return the namespace for *config*, or for the running graph's config."""
        return self.namespace.location(config)

    def get(
        self, key: str, *, refresh_ttl: bool | None = None, config: RunnableConfig | None = None
    ) -> Item[Content] | None:
        """Return the memory under *key*; under ``"default"`` the default, where none is stored."""
        return run(
            self._get(get_op((), key, refresh_ttl=refresh_ttl), config),
            config,
            store=self._store_to_read(),
        )

    async def aget(
        self, key: str, *, refresh_ttl: bool | None = None, config: RunnableConfig | None = None
    ) -> Item[Content] | None:
        """Do what `get` does."""
        job = self._get(get_op((), key, refresh_ttl=refresh_ttl), config)
        return await arun(job, config, store=self._store_to_read())

    def search(
        self,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
        config: RunnableConfig | None = None,
    ) -> list[SearchItem[Content]]:
        """Return the memories that match, best first; the default, where nothing is stored."""
        op = search_op(
            (), query, filter=filter, limit=limit, offset=offset, refresh_ttl=refresh_ttl
        )
        return run(self._search(op, config), config, store=self._store_to_read())

    async def asearch(
        self,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
        config: RunnableConfig | None = None,
    ) -> list[SearchItem[Content]]:
        """Do what `search` does."""
        op = search_op(
            (), query, filter=filter, limit=limit, offset=offset, refresh_ttl=refresh_ttl
        )
        return await arun(self._search(op, config), config, store=self._store_to_read())

    def put(
        self,
        key: str,
        value: Any,
        index: Index = None,
        *,
        ttl: Ttl = NOT_PROVIDED,
        config: RunnableConfig | None = None,
    ) -> None:
        """Store *value* under *key*: a dict as it is, an instance of a schema with its kind.

        *ttl* is in minutes.
        """
        job = self._put(key, self._stored(key, value), config, index, ttl)
        run(job, config, store=self.store_here())

    async def aput(
        self,
        key: str,
        value: Any,
        index: Index = None,
        *,
        ttl: Ttl = NOT_PROVIDED,
        config: RunnableConfig | None = None,
    ) -> None:
        """Do what `put` does."""
        job = self._put(key, self._stored(key, value), config, index, ttl)
        await arun(job, config, store=self.store_here())

    def delete(self, key: str, config: RunnableConfig | None = None) -> None:
        """Remove the memory under *key*."""
        run(self._put(key, None, config), config, store=self.store_here())

    async def adelete(self, key: str, config: RunnableConfig | None = None) -> None:
        """Do what `delete` does."""
        await arun(self._put(key, None, config), config, store=self.store_here())

    def history(self, key: str, *, config: RunnableConfig | None = None) -> list[Revision]:
        """Return what the memory under *key* was after each change, oldest first."""
        return self._history().of(self.namespace.location(config), key)

    async def ahistory(self, key: str, *, config: RunnableConfig | None = None) -> list[Revision]:
        """Do what `history` does."""
        return await self._history().aof(self.namespace.location(config), key)

    def as_of(
        self,
        time: datetime | None = None,
        *,
        valid_at: date | None = None,
        config: RunnableConfig | None = None,
    ) -> MemoriesAsOf[Content]:
        """Return the memories as they were known at *time*, to `get` and to `search`.

        None is now. With *valid_at* only those that say of themselves that they were true then:
        see `longterm.ValidFrom`. A time without a zone is local time.
        """
        store = self._history().store
        return MemoriesAsOf(
            store, self.namespace.location(config), time, self._kinds, valid_at=valid_at
        )

    def restore(self, key: str, revision: int, *, config: RunnableConfig | None = None) -> Revision:
        """Make the memory under *key* what it was after *revision*; return the new revision."""
        return self._history().restore(self.namespace.location(config), key, revision)

    async def arestore(
        self, key: str, revision: int, *, config: RunnableConfig | None = None
    ) -> Revision:
        """Do what `restore` does."""
        return await self._history().arestore(self.namespace.location(config), key, revision)

    def sources(self, key: str, *, config: RunnableConfig | None = None) -> list[Source]:
        """Return the messages that the memory under *key* came from, newest first."""
        return self._history().sources(self.namespace.location(config), key)

    async def asources(self, key: str, *, config: RunnableConfig | None = None) -> list[Source]:
        """Do what `sources` does."""
        return await self._history().asources(self.namespace.location(config), key)

    def _history(self) -> History:
        store = self._store_to_read()
        if store is None:
            raise NoStoreError
        return History(store, policy=self._policy)

    @override
    def store_here(self) -> BaseStore | None:
        here = context_store() if self._given is None else self._given
        if here is not None:
            self._seen.add(here)
        return here

    def _store_to_read(self) -> BaseStore | None:
        """Return the store of this call or, outside any graph, the only one ever worked on.

        LangMem's users read a manager's memories after the graph has run. Writing asks for more:
        it never goes to a store that was only remembered.
        """
        here, seen = self.store_here(), list(self._seen)
        outside = here is None and not in_graph()
        return seen[0] if outside and len(seen) == 1 else here

    async def _get(self, op: GetOp, config: RunnableConfig | None) -> Item[Content] | None:
        namespace = self.namespace.location(config)
        (item,) = await fetch([op._replace(namespace=namespace)])
        if item is None and op.key == DEFAULT_KEY:
            return self._default_item(namespace, config)
        return None if item is None else typed_item(item, self._kinds)

    async def _search(
        self, op: SearchOp, config: RunnableConfig | None
    ) -> list[SearchItem[Content]]:
        namespace = self.namespace.location(config)
        items = await search_best(
            Reach(namespace, self.exact),
            op.query,
            filter=op.filter,
            limit=op.limit,
            offset=op.offset,
            refresh_ttl=op.refresh_ttl,
        )
        found = [typed_search_item(item, self._kinds) for item in items]
        return found or await self._found_default(op, namespace, config)

    async def _found_default(
        self, op: SearchOp, namespace: Namespace, config: RunnableConfig | None
    ) -> list[SearchItem[Content]]:
        """Return the default where nothing is stored, not merely nothing found."""
        first_page = op.offset == 0 and op.limit > 0 and not op.filter
        default = self._default_item(namespace, config) if first_page else None
        if default is None:
            return []
        stored = await search_within(Reach(namespace, self.exact), limit=1)
        fields = {name: getattr(default, name) for name in StoreItem.__slots__}
        return [] if stored else [SearchItem(**fields)]

    def _default_item(
        self, namespace: Namespace, config: RunnableConfig | None
    ) -> Item[Content] | None:
        if self._default is None:
            return None
        value, now = value_of(self._default(ensure_config(config))), datetime.now(UTC)
        item = Item(
            value=value, key=DEFAULT_KEY, namespace=namespace, created_at=now, updated_at=now
        )
        return typed_item(item, self._kinds)

    def _stored(self, key: str, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):
            return cast("dict[str, Any]", value)
        document, _ = normalize_existing([(key, value)], self._kinds)[key]
        return value_of(document)

    async def _put(
        self,
        key: str,
        value: dict[str, Any] | None,
        config: RunnableConfig | None,
        index: Index = None,
        ttl: Ttl = NOT_PROVIDED,
    ) -> None:
        write = Write(self.namespace.location(config), key, value, index, ttl)
        (await commit([write], actor="user", policy=self._policy)).checked()
