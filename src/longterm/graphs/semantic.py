"""LangMem's example of semantic memory: a graph that keeps what a user prefers.

It takes one message and keeps its preferences in ``("project", "team_1")`` of the server's store,
with the model in the assistant's config.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.func import entrypoint
from pydantic import BaseModel

from longterm.graphs.deployed import graph_model
from longterm.manage.store_manager import create_memory_store_manager

__all__ = ["PreferenceMemory", "graph"]


class PreferenceMemory(BaseModel):
    """What a user prefers."""

    category: str
    preference: str
    context: str


async def _keep(message: str, config: RunnableConfig) -> dict[str, str]:
    """Keep the preferences in *message*, and answer."""
    manager = await asyncio.to_thread(
        create_memory_store_manager,
        graph_model(config),
        schemas=[PreferenceMemory],
        namespace=("project", "team_1"),
    )
    reply = {"role": "assistant", "content": "I'll remember that preference."}
    await manager.ainvoke({"messages": [{"role": "user", "content": message}, reply]}, config)
    return reply


graph = cast("Runnable[str, Any]", entrypoint()(_keep))
