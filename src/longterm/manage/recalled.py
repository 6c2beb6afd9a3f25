"""Which known memories matter to a conversation, as a recall ranks them.

The recall looks where its own namespaces say, in the manager's store; only memories of exactly
the manager's namespace are handed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import Item

from longterm.effects.operations import get_op
from longterm.effects.steps import fetch, together
from longterm.memory.namespace import Namespace
from longterm.recall.retriever import Recall, RecallResult

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
    keys = list(_keys(found, namespace))[:limit]
    items = await fetch([get_op(namespace, key) for key in keys])
    return [item for item in items if item is not None]


def _keys(found: Sequence[RecallResult], namespace: Namespace) -> dict[str, None]:
    """Keys of memories: the best of every query first, then the second best, …, each once.

    Scores of two recalls do not compare, so places count.
    """
    ranks = zip_longest(*(_memories(one, namespace) for one in found))
    return dict.fromkeys(key for rank in ranks for key in rank if key is not None)


def _memories(one: RecallResult, namespace: Namespace) -> Iterator[str]:
    for item in one.items:
        if item.kind == "memory" and item.namespace == namespace:
            yield item.key
