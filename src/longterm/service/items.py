"""Items of a service's store under any namespace, for protocols that speak of items.

What longterm keeps for itself (keys, history, quarantine) lies below roots that begin with
`OWN_ROOT`: it is neither found nor written here, except by the protocol it is kept for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import (
    NOT_PROVIDED,
    BaseStore,
    Item,
    ListNamespacesOp,
    MatchCondition,
    SearchItem,
)
from typing_extensions import override

from longterm.commit import Policy, Write, commit
from longterm.effects.runnable import both
from longterm.effects.steps import Batch, Index, Reach, Ttl, fetch, get_op, search_within
from longterm.errors import InvalidInputError
from longterm.memory.namespace import OWN_ROOT, Namespace
from longterm.service.records import check_stored_size

__all__ = ["MEMORY_STORES", "REQUESTS", "USAGE", "StoreItems"]

#: Where what is known of users' memory stores is kept: the first label, before the user's.
MEMORY_STORES = f"{OWN_ROOT}memory-stores"
#: Where requests are kept that may come twice, alike.
REQUESTS = f"{OWN_ROOT}requests"
#: Where what extraction has cost each user is kept, alike.
USAGE = f"{OWN_ROOT}usage"

#: Namespaces that are read at once.
_PAGE = 1_000


class StoreItems:
    """Items as LangGraph's stores have them; every write goes through `commit` by *policy*."""

    def __init__(
        self, store: BaseStore, *, policy: Policy | None = None, own: bool = False
    ) -> None:
        self._store = store
        self._policy = policy
        self._own = own
        self.config = RunnableConfig()

    @property
    def store(self) -> BaseStore:
        """The store they are in."""
        return self._store

    async def put_flow(
        self,
        namespace: Namespace,
        key: str,
        value: dict[str, Any] | None,
        *,
        index: Index = None,
        ttl: Ttl = NOT_PROVIDED,
    ) -> None:
        """Store *value* under *key*; None deletes.

        Raises `GuardedError` where the guard keeps it out, and `InvalidInputError` where it has
        more values than a memory may have.
        """
        self._check(namespace)
        check_stored_size(value)
        write = Write(namespace, key, value, index, ttl)
        (await commit([write], actor="user", policy=self._policy)).checked()

    put, aput = both(put_flow)

    async def get_flow(
        self, namespace: Namespace, key: str, *, refresh_ttl: bool | None = None
    ) -> Item | None:
        """Return the item; None where there is none."""
        self._check(namespace)
        (item,) = await fetch([get_op(namespace, key, refresh_ttl=refresh_ttl)])
        return item

    get, aget = both(get_flow)

    async def search_flow(
        self,
        prefix: Namespace,
        *,
        query: str | None = None,
        filter: dict[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Return the items at and below *prefix* that fit, best first."""
        if prefix:
            self._check(prefix)
        return await search_within(
            _Shown(prefix, own=self._own),
            query,
            filter=filter,
            limit=limit,
            offset=offset,
            refresh_ttl=refresh_ttl,
        )

    search, asearch = both(search_flow)

    async def namespaces_flow(
        self,
        *,
        prefix: Sequence[str] = (),
        suffix: Sequence[str] = (),
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Namespace]:
        """Return the namespaces that begin and end so."""
        conditions: list[MatchCondition] = []
        if prefix:
            conditions.append(MatchCondition("prefix", tuple(prefix)))
        if suffix:
            conditions.append(MatchCondition("suffix", tuple(suffix)))
        shown, start = _Shown(tuple(prefix), own=self._own), 0
        found: list[Namespace] = []
        while len(found) < offset + limit:
            op = ListNamespacesOp(tuple(conditions) or None, max_depth, _PAGE, start)
            (page,) = await Batch((op,))
            found += filter(shown.holds, page)
            start += _PAGE
            if len(page) < _PAGE:
                break
        return found[offset : offset + limit]

    namespaces, anamespaces = both(namespaces_flow)

    def _check(self, namespace: Namespace) -> None:
        if not namespace or not all(namespace):
            raise InvalidInputError("A namespace has at least one label, and none is empty.")
        if not _Shown((), own=self._own).holds(namespace):
            raise InvalidInputError(f"Namespaces below {OWN_ROOT}… are longterm's own.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown(Reach):
    """What lies at and below a namespace and is longterm's *own*, or all that is not."""

    own: bool

    @override
    def holds(self, namespace: Namespace) -> bool:
        """Whether what lies in *namespace* is found."""
        own = bool(namespace) and namespace[0].startswith(OWN_ROOT)
        return own == self.own and Reach.holds(self, namespace)
