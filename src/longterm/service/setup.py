"""What the memories of all users of one service share: store, model, schemas, executors.

Managers and executors are made when they are first needed: without a model there are none.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.runnables import RunnablePassthrough
from langgraph.store.base import BaseStore

from longterm.commit import Policy
from longterm.extract.schema import MemorySchema, Schema, memory_schemas
from longterm.manage.store_manager import MemoryStoreManager, create_memory_store_manager
from longterm.memory.model import Memory
from longterm.memory.namespace import Namespace
from longterm.models.names import ChatModel
from longterm.recall.retriever import Recall, Reranker, create_recall
from longterm.reflect import ReflectionExecutor, erase_reflections, reflection_names
from longterm.reflect.executor import LocalReflectionExecutor
from longterm.service.costs import Counted

__all__ = ["ROOTS", "Setup", "template"]

#: The first labels of a user's namespaces: of what was learned, and of what was said.
ROOTS = ("memories", "turns")


def template(root: str, depth: int) -> tuple[str, ...]:
    """Return the namespace below *root* of a scope with so many labels, to be filled."""
    return (root, *(f"{{label_{number}}}" for number in range(depth)))


def _executor_name(depth: int) -> str:
    return "longterm" if depth == 1 else f"longterm-{depth}"


def _depth_of(executor: str) -> int | None:
    """Return what `_executor_name` made a name of; None for the name of another executor."""
    number = executor.removeprefix("longterm").removeprefix("-") or "1"
    depth = int(number) if number.isdecimal() else 0
    return depth if depth and _executor_name(depth) == executor else None


@dataclass(eq=False)
class Setup:
    """See the module; made by `MemoryService`."""

    store: BaseStore
    model: str | ChatModel | None
    schemas: Sequence[Schema]
    instructions: str | None
    #: The database of reflections that shall survive this process; None keeps them in memory.
    reflect: str | None
    #: What happens to values before they are written by hand.
    policy: Policy
    #: Chooses among what is recalled; None leaves it to the signals.
    reranker: Reranker | str | None = None
    #: Whether a model may name the messages that a memory comes from.
    cite_messages: bool = False
    _managers: dict[int, MemoryStoreManager] = field(default_factory=dict[int, MemoryStoreManager])
    _executors: dict[int, LocalReflectionExecutor] = field(
        default_factory=dict[int, LocalReflectionExecutor]
    )
    _recalls: dict[int, Recall] = field(default_factory=dict[int, Recall])
    #: Whether the executors of what waits in the database are there.
    _looked: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.kinds: tuple[MemorySchema, ...] = memory_schemas(self.schemas or (Memory,))
        if self.model is not None:
            self.manager(1)  # a model or schema that cannot be used is an error now, not later

    def manager(self, depth: int) -> MemoryStoreManager | None:
        """Return the manager of scopes with so many labels; None without a model."""
        if self.model is None:
            return None
        with self._lock:
            if depth not in self._managers:
                own: dict[str, Any] = (
                    {} if self.instructions is None else {"instructions": self.instructions}
                )
                self._managers[depth] = create_memory_store_manager(
                    self.model,
                    schemas=self.schemas or (Memory,),
                    namespace=template("memories", depth),
                    store=self.store,
                    enable_deletes=True,
                    guard=self.policy.guard,
                    keep_revisions=self.policy.keep_revisions,
                    exact=True,
                    cite_messages=self.cite_messages,
                    **own,
                )
            return self._managers[depth]

    def recall(self, depth: int) -> Recall:
        """Return the recall of scopes with so many labels; it keeps what was read last."""
        with self._lock:
            if depth not in self._recalls:
                places = [template(root, depth) for root in ROOTS]
                self._recalls[depth] = create_recall(
                    namespace=places, store=self.store, exact=True, reranker=self.reranker
                )
            return self._recalls[depth]

    def executor(self, depth: int) -> LocalReflectionExecutor | None:
        """Return the executor that extracts in the background; None without a model."""
        manager = self.manager(depth)
        if manager is None:
            return None
        with self._lock:
            if depth not in self._executors:
                name = _executor_name(depth)
                self._executors[depth] = ReflectionExecutor(
                    Counted(manager), store=self.store, durable=self.reflect, name=name
                )
            return self._executors[depth]

    def erase(self, memories: Namespace) -> dict[str, int]:
        """Erase what is kept of a user beside the store; say how much, by place.

        Waits, at most a minute, for a reflection that runs: it may still write.
        """
        removed = Counter[str]()
        for executor in self.executors:
            removed.update(executor.erase(memories))
        if self.reflect is not None and not self._executors:
            removed.update(erase_reflections(self.reflect, memories))
        return {f"reflections {state}": count for state, count in removed.items() if count}

    def watched(self) -> list[LocalReflectionExecutor]:
        """Return the executors, those of a database that others have filled included."""
        if self.reflect is not None and not self._looked:
            self.executor(1)
            for name in reflection_names(self.reflect):
                depth = _depth_of(name)
                if depth and depth not in self._executors and self._is_ours(name, depth):
                    self.executor(depth)
            self._looked = True
        return self.executors

    def _is_ours(self, name: str, depth: int) -> bool:
        """Whether all that is kept under *name* is for scopes of so many labels.

        A program that shares the database may have chosen a name that looks like ours.
        """
        there = ReflectionExecutor(
            RunnablePassthrough(), durable=self.reflect, name=name, max_workers=0
        )
        try:
            kept = [*there.queue(), *there.failed()]
        finally:
            there.shutdown()
        places = [one.namespace for one in kept]
        return all(len(one) == depth + 1 and one[0] == ROOTS[0] for one in places)

    @property
    def executors(self) -> list[LocalReflectionExecutor]:
        """Those that were needed so far."""
        return list(self._executors.values())

    def close(self) -> None:
        """Let what is extracted in the background finish."""
        for executor in self.executors:
            executor.shutdown(wait=True)
        self._executors.clear()
        for recall in self._recalls.values():
            recall.close()
