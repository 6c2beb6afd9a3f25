"""Reflection on a LangGraph server: a submit becomes a run of a graph there.

The runs of a conversation have a thread of their own on the server. On the conversation's own
thread they would get in the way of its chat runs: a server lets one run per thread go on at a
time, and replacing a pending reflection there can roll back the very run that submits it.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, cast
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from langchain_core.messages import BaseMessage, message_to_dict
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import SearchOp
from langgraph_sdk import get_client, get_sync_client
from langgraph_sdk.client import LangGraphClient, SyncLangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError
from typing_extensions import override

from longterm.effects.observe import error_text
from longterm.effects.steps import Reach
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.reflect.executor import Executor, MemoryItem, closed_error

__all__ = ["REFLECTED_THREAD", "RemoteReflectionExecutor"]

logger = logging.getLogger("longterm.reflect")

#: Where the graph finds the id of the conversation, since "thread_id" is that of its own run.
REFLECTED_THREAD = "reflected_thread_id"
#: Submits of one thread go one after the other, those of different threads side by side.
_LANES = 8


class RemoteReflectionExecutor(Executor):
    """Reflects by runs of *graph* on a server; see `longterm.reflect.ReflectionExecutor`.

    The future of a submit holds the run that the server has accepted, as a dict.
    """

    def __init__(
        self,
        graph: str,
        namespace: str | tuple[str, ...],
        *,
        url: str | None = None,
        client: LangGraphClient | None = None,
        sync_client: SyncLangGraphClient | None = None,
    ) -> None:
        self.graph = graph
        self.namespace = NamespaceTemplate(namespace)
        self._url = url
        self._async = client
        self._sync = sync_client or get_sync_client(url=url)
        self._owns_sync = sync_client is None
        self._closed = False
        self._lanes = [ThreadPoolExecutor(1, "longterm-reflect-remote") for _ in range(_LANES)]

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept nothing more; what the server has accepted, it does.

        *wait* until it has accepted what was submitted.
        """
        self._closed = True
        for lane in self._lanes:
            lane.shutdown(wait=wait, cancel_futures=cancel_futures)
        if self._owns_sync and wait:
            self._sync.close()

    @asynccontextmanager
    async def _async_client(self) -> AsyncGenerator[LangGraphClient]:
        """Yield the client given; or one for this call alone, bound to the running loop."""
        if self._async is not None:
            yield self._async
        else:
            async with get_client(url=self._url) as client:
                yield client

    @override
    def _accept(
        self, payload: Any, config: RunnableConfig, thread: str | None, delay: float
    ) -> Future[Any]:
        if self._closed:
            raise closed_error()
        namespace = self.namespace.location(config)
        plain = (str, int, float, list, dict, UUID, type(None))
        configurable: dict[str, Any] = {
            key: str(value) if isinstance(value, UUID) else value
            for key, value in config.get("configurable", {}).items()
            if key != "thread_id" and isinstance(value, plain)
        }
        run: dict[str, Any] = {
            "assistant_id": self.graph,
            "input": _plain_payload(payload),
            "config": {
                "tags": config.get("tags", []),
                "configurable": {**configurable, "namespace": list(namespace)},
            },
            "after_seconds": math.ceil(delay),
        }
        lane = hash(uuid4() if thread is None else (namespace, thread)) % _LANES
        future = self._lanes[lane].submit(self._create, namespace, thread, run)
        future.add_done_callback(_log_failure)
        return future

    @override
    def _own_namespace(self, config: RunnableConfig) -> Namespace:
        return self.namespace.location(config)

    @override
    def _found(self, op: SearchOp) -> list[MemoryItem]:
        return _remote_items(
            op, self._sync.store.search_items(op.namespace_prefix, **_client_options(op))
        )

    @override
    async def _afound(self, op: SearchOp) -> list[MemoryItem]:
        async with self._async_client() as client:
            return _remote_items(
                op, await client.store.search_items(op.namespace_prefix, **_client_options(op))
            )

    def _create(self, namespace: Namespace, thread: str | None, run: dict[str, Any]) -> Any:
        """Create the run, in place of those of its namespace and thread that are pending."""
        runs = self._sync.runs
        if thread is None:
            return runs.create(None, **run)
        whose = f"longterm reflection {self.graph} {json.dumps([namespace, thread])}"
        on_server = str(uuid5(NAMESPACE_URL, whose))
        try:
            pending = runs.list(on_server, status="pending")
        except NotFoundError:  # no such thread yet
            pending = []
        for waiting in pending:
            with suppress(NotFoundError, ConflictError):  # it has started or ended meanwhile
                runs.cancel(on_server, waiting["run_id"], action="rollback")
        run["config"]["configurable"][REFLECTED_THREAD] = thread
        return runs.create(on_server, **run, multitask_strategy="enqueue", if_not_exists="create")


def _plain_payload(payload: Any) -> Any:
    """Return *payload* with messages as dicts that LangChain reads again."""
    match payload:
        case BaseMessage():
            stored = message_to_dict(payload)
            return {**stored["data"], "type": stored["type"]}
        case Mapping():
            return {k: _plain_payload(v) for k, v in cast("Mapping[Any, Any]", payload).items()}
        case list() | tuple():
            return [_plain_payload(value) for value in cast("Sequence[Any]", payload)]
        case _:
            return payload


def _client_options(op: SearchOp) -> dict[str, Any]:
    return {"query": op.query, "filter": op.filter, "limit": op.limit, "offset": op.offset}


def _remote_items(op: SearchOp, found: Mapping[str, Any]) -> list[MemoryItem]:
    items: list[MemoryItem] = [
        {**item, "namespace": tuple(item["namespace"])} for item in found["items"]
    ]
    return [item for item in items if Reach(op.namespace_prefix).holds(item["namespace"])]


def _log_failure(future: Future[Any]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        logger.error("The server did not accept a reflection: %s", error_text(error))
