"""PostgreSQL, an async program, and reflection by a worker of its own.

    export DATABASE_URL=postgresql://longterm:longterm@127.0.0.1:5432/longterm
    export LONGTERM_MODEL=openai:gpt-5-mini
    longterm worker app:manager --db $DATABASE_URL      # as many as you like, on any machine
    python app.py

The program only notes what is to be reflected on; a worker does it, and does it again if it was
killed in the middle. A newer message of a thread takes the place of one that still waits.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.store.base import BaseStore

from longterm import ReflectionExecutor, create_memory_store_manager
from longterm.knowledge.extraction import Memory, MemoryStoreManager
from longterm.stores import PostgresStore


def make_manager(model: str | BaseChatModel, store: BaseStore) -> MemoryStoreManager[Memory]:
    """Return the manager that program and worker share."""
    return create_memory_store_manager(
        model, namespace=("memories", "{user_id}"), store=store, enable_deletes=True
    )


async def converse(
    manager: MemoryStoreManager[Memory], database: str, after_seconds: float = 5
) -> None:
    """Hand a conversation over to the workers, and go on at once."""
    executor = ReflectionExecutor(manager, durable=database, max_workers=0)
    async with executor:
        config: Any = {"configurable": {"user_id": "ann", "thread_id": "monday"}}
        said = [{"role": "user", "content": "I moved to Kyoto and work at the harbour."}]
        await executor.asubmit({"messages": said}, config, after_seconds=after_seconds)


if "DATABASE_URL" in os.environ:  # what `longterm worker app:manager` looks for
    manager = make_manager(os.environ["LONGTERM_MODEL"], PostgresStore(os.environ["DATABASE_URL"]))

    if __name__ == "__main__":
        asyncio.run(converse(manager, os.environ["DATABASE_URL"]))
