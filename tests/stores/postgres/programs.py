"""What programs of their own run on PostgreSQL in tests: a worker's manager, a service's app.

They read the database from the environment, as programs do:
``longterm worker programs:manager`` and ``uvicorn programs:app --workers 2``.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.store.base import BaseStore

from longterm import create_memory_store_manager
from longterm.stores import PostgresStore
from longterm.testing import Asked, HashEmbeddings, ScriptedChatModel, tool_calls

URL = os.environ.get("TEST_DATABASE", "")
#: Seconds that the made-up model takes, so that a kill finds it at work.
PAUSE = float(os.environ.get("TEST_PAUSE", "0"))


def extract(asked: Asked) -> AIMessage | str:
    """Remember "I like X" once: what is known already is not said again."""
    time.sleep(PAUSE)
    said = re.findall(r"I like ([\w ]+)\.", asked.text)
    if not said or f"Likes {said[-1]}" in asked.text:
        return "Nothing new."
    return tool_calls(("Memory", {"content": f"Likes {said[-1]}"}))


def store() -> PostgresStore:
    """Open the store that worker, service and test share."""
    return PostgresStore(URL, index={"embed": HashEmbeddings(), "dims": 64}, busy_timeout=60)


manager = create_memory_store_manager(
    ScriptedChatModel(*[extract] * 1000), namespace=("memories", "{user_id}"), store=store()
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open the graph's checkpointer beside the store, in the same database."""
    async with AsyncPostgresSaver.from_conn_string(URL) as saver, store() as memories:
        builder: Any = StateGraph(MessagesState)  # its types are not known in full
        builder.add_node("remember", remember)
        builder.add_edge(START, "remember")
        app.state.graph = builder.compile(checkpointer=saver, store=memories)
        app.state.store = memories
        yield


async def remember(
    state: MessagesState, config: RunnableConfig, *, store: BaseStore
) -> dict[str, Any]:
    """Keep what was said, and answer how many things are known of the user."""
    place = ("notes", config.get("configurable", {})["user_id"])
    text = str(state["messages"][-1].content)
    await store.aput(place, text, {"text": text})
    found = await store.asearch(place, query=text, limit=100)
    return {"messages": [AIMessage(str(len(found)))]}


app = FastAPI(lifespan=lifespan)


@app.post("/say/{user}")
async def say(user: str, words: str, request: Request) -> dict[str, Any]:
    """Run the graph once; which process did, and how many messages the thread has."""
    config: RunnableConfig = {"configurable": {"user_id": user, "thread_id": user}}
    done = await request.app.state.graph.ainvoke({"messages": [("user", words)]}, config)
    return {"process": os.getpid(), "messages": len(done["messages"])}
