"""Which known memories matter to a conversation, as a recall ranks them.

The recall looks where its own namespaces say, in the manager's store; only memories that the
manager's own searches reach are handed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import Item

from longterm.effects.steps import Reach, fetch, get_op, together
from longterm.memory.namespace import Namespace
from longterm.recall.retriever import Recall

__all__ = ["recalled"]


async def recalled(
    recall: Recall,
    queries: Sequence[str],
    reach: Reach,
    *,
    limit: int,
    config: RunnableConfig,
) -> list[Item]:
    """Recall for each of *queries* and read the *limit* best memories, no query going short."""
    found = await together([recall.flow(query, config) for query in queries])
    places = [
        [
            (item.namespace, item.key)
            for item in one.items
            if item.kind == "memory" and reach.holds(item.namespace)
        ]
        for one in found
    ]
    # Scores of two recalls do not compare, so places count: the best of every query first.
    ranks = (place for rank in zip_longest(*places) for place in rank if place is not None)
    in_turn = list(dict.fromkeys(cast("Iterator[tuple[Namespace, str]]", ranks)))
    items = await fetch([get_op(*place) for place in in_turn[:limit]])
    return [item for item in items if item is not None]
