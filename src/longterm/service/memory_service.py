"""`MemoryService`: one store, and the memories of all its users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore
from typing_extensions import override

from longterm.commit import Policy
from longterm.effects.closing import Closing
from longterm.effects.runnable import both
from longterm.effects.steps import namespaces_below
from longterm.extract.schema import Schema, several
from longterm.guard import Guard
from longterm.memory.namespace import id_text, unescape_label
from longterm.memory.revision import KeepRevisions
from longterm.models.names import ChatModel
from longterm.recall.retriever import Reranker
from longterm.reflect import Failure, Queued
from longterm.service.items import StoreItems
from longterm.service.keys import Keys
from longterm.service.setup import ROOTS, Setup
from longterm.service.user_memory import UserMemory

__all__ = ["MemoryService"]


class MemoryService(Closing):
    """The memories of many users in one store; see `longterm.open`, which makes it.

    A context manager, blocking and async: leaving it lets background work finish, and closes
    the store if the service opened it.
    """

    def __init__(
        self,
        store: BaseStore,
        *,
        model: str | ChatModel | None = None,
        schemas: Sequence[Schema] | None = None,
        instructions: str | None = None,
        guard: Guard | None = None,
        reflect: str | None = None,
        keep_revisions: KeepRevisions = None,
        reranker: Reranker | str | None = None,
        cite_messages: bool = False,
        close_store: Callable[[], None] | None = None,
    ) -> None:
        policy = Policy(guard, keep_revisions)
        kinds = several(schemas or ())
        self._setup = Setup(
            store, model, kinds, instructions, reflect, policy, reranker, cite_messages
        )
        self._close_store = close_store
        #: The store's items under any namespace.
        self.items = StoreItems(store, policy=self._setup.policy)
        #: What a protocol keeps about its users' memories, such as the names of collections.
        self.own_items = StoreItems(store, policy=self._setup.policy, own=True)
        #: The keys of a server on this store.
        self.keys = Keys(store)
        self.config = RunnableConfig()

    @property
    def store(self) -> BaseStore:
        """The store everything is in."""
        return self._setup.store

    @property
    def learns(self) -> bool:
        """Whether there is a model, so that `remember` extracts memories."""
        return self._setup.model is not None

    def user(self, user_id: str | int | UUID) -> UserMemory:
        """Return the memory of one user; it begins with the first write.

        Raises `ConfigurationError` for a blank id, and for what is not an id.
        """
        return self.scope(user_id)

    def scope(self, *labels: str | int | UUID) -> UserMemory:
        """Return the memory of any other scope: ``scope("team", "chat")``."""
        return UserMemory(self._setup, tuple(map(id_text, labels)))

    async def users_flow(self) -> list[str]:
        """Return the ids of all users something is kept of, sorted."""
        found = [one for root in ROOTS for one in await namespaces_below((root,), 2)]
        return sorted({unescape_label(labels[1]) for labels in found if len(labels) > 1})

    users, ausers = both(users_flow)

    def queue(self) -> list[Queued]:
        """Return what is extracted in the background now, and what waits for it."""
        return [one for executor in self._setup.watched() for one in executor.queue()]

    def failures(self) -> list[Failure]:
        """Return what was to be extracted in the background and was given up, oldest first."""
        return [one for executor in self._setup.watched() for one in executor.failed()]

    def retry(self, failure_id: str) -> bool:
        """Begin again, now, what `failures` has under this id; tell whether there was such."""
        for executor in self._setup.watched():
            if any(failure.id == failure_id for failure in executor.failed()):
                executor.retry(failure_id)
                return True
        return False

    @override
    def close(self) -> None:
        """Let what is extracted in the background finish, and close what was opened."""
        self._setup.close()
        if self._close_store is not None:
            self._close_store()
            self._close_store = None
