"""Which known memories matter to a conversation, as a recall ranks them.

The recall looks where its own namespaces say, in the manager's store; only memories of exactly
the manager's namespace are handed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import Item

from longterm.effects.operations import get_op
from longterm.effects.steps import fetch, together
from longterm.memory.namespace import Namespace
from longterm.recall.retriever import Recall

__all__ = ["recalled"]


async def recalled(
    recall: Recall,
    queries: Sequence[str],
    namespace: Namespace,
    *,
    limit: int,
    config: RunnableConfig,
) -> list[Item]:
    """Recall for each of *queries* and read the *limit* best memories, no query going short."""
    found = await together([recall.flow(query, config) for query in queries])
    keys = [
        [item.key for item in one.items if item.kind == "memory" and item.namespace == namespace]
        for one in found
    ]
    # Scores of two recalls do not compare, so places count: the best of every query first.
    in_turn = dict.fromkeys(key for rank in zip_longest(*keys) for key in rank if key is not None)
    items = await fetch([get_op(namespace, key) for key in list(in_turn)[:limit]])
    return [item for item in items if item is not None]
