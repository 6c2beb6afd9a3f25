"""What the LangGraph server of the tests serves."""

from __future__ import annotations

import time
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.config import get_store
from langgraph.func import entrypoint

from longterm import create_memory_store_manager
from longterm.graphs import reflection_graph
from longterm.testing import Asked, ScriptedChatModel, tool_calls


def _remember(asked: Asked) -> AIMessage:
    said = asked.text.rpartition("I like ")[2].split("<")[0].split()[0]
    return tool_calls(("Memory", {"content": f"likes {said}"}))


manager = create_memory_store_manager(
    ScriptedChatModel(*[_remember] * 100), namespace=("memories", "{user_id}")
)
memories = reflection_graph(manager)


async def _note(payload: dict[str, Any], config: RunnableConfig) -> str:
    configurable = config.get("configurable", {})
    seen = {key: configurable.get(key) for key in ("thread_id", "user_id", "namespace")}
    await get_store().aput(("notes",), str(time.time_ns()), {**payload, **seen})
    return "noted"


notes = reflection_graph(RunnableLambda(lambda _: None, afunc=_note))


@entrypoint()
async def chat(message: str, config: RunnableConfig) -> str:
    """Stand for a chat graph on the same server and the same thread as its reflections."""
    from langgraph_sdk import get_client

    from longterm.reflect import ReflectionExecutor

    executor = ReflectionExecutor(
        "notes", ("notes",), url=config.get("configurable", {})["url"], client=get_client()
    )
    await executor.asubmit({"text": message}, config, after_seconds=6)
    return f"answered {message}"
