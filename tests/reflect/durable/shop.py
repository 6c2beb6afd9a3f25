"""A worker process for crash tests: python shop.py DATABASE STORE LOG.

Its reflector writes three memories, one after the other and with pauses, so that a kill finds
it half-way. It notes every start and every end in LOG.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.config import get_store
from langgraph.store.base import BaseStore

from longterm.reflect.worker import run_worker

MEMORIES = 3


@contextmanager
def open_store(where: str) -> Generator[BaseStore]:
    """Open the store for memories at *where*: a file, or a PostgreSQL URL."""
    if where.startswith("postgres"):
        from langgraph.store.postgres import PostgresStore

        with PostgresStore.from_conn_string(where) as store:
            store.setup()
            yield store
    else:
        from langgraph.store.sqlite import SqliteStore

        connection = sqlite3.connect(where, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA busy_timeout=10000")
        store = SqliteStore(connection)
        store.setup()
        yield store
        connection.close()


def reflector(log: Path) -> RunnableLambda[Any, Any]:
    """Return a reflector that takes its time."""

    def note(word: str, payload: Any) -> None:
        with log.open("a") as file:
            file.write(f"{word} {os.getpid()} {payload['text']}\n")

    def reflect(payload: Any, config: RunnableConfig) -> None:
        job = config.get("configurable", {})["longterm_job_id"]
        note("start", payload)
        if payload["hang"] and log.read_text().count(payload["text"]) == 1:
            time.sleep(60)  # the first one hangs until it is killed
        for number in range(MEMORIES):
            key = str(uuid5(NAMESPACE_URL, f"{job} {number}"))
            content = {"content": f"{payload['text']} #{number}"}
            get_store().put(("memories", payload["thread"]), key, content)
            time.sleep(payload["pause"])
        note("end", payload)

    return RunnableLambda(reflect)


if __name__ == "__main__":
    database, store_at, log_at = sys.argv[1:]
    with open_store(store_at) as opened:
        print("ready", flush=True)  # noqa: T201
        run_worker(reflector(Path(log_at)), database, store=opened, max_workers=4)
