"""MCP: five tools for agents. Whose memory it is, the key says, never an argument.

Clients send a call again where an answer is lost, so each tool may be called twice.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import getdoc
from typing import Annotated, Any, ParamSpec, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from longterm.errors import ConflictError, LongtermError, UnknownMemoryError
from longterm.server.gate import current_principal
from longterm.service import MemoryService, UserMemory
from longterm.service.keys import Scope

__all__ = ["memory_server"]

_INSTRUCTIONS = "Long-term memory of this user, across all conversations."
#: The root of ids of memories that came as a sentence, word for word.
_GIVEN = uuid.uuid5(uuid.NAMESPACE_URL, "longterm/mcp/remember")
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_DESTROYS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)

Id = Annotated[str, Field(description="As recall or remember returned it.")]
Fact = Annotated[str | None, Field(description="One fact, as a full sentence.")]
Turns = Annotated[list[dict[str, Any]] | None, Field(description="Or turns: role, content.")]

P = ParamSpec("P")
T = TypeVar("T")


def _answering(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Have *tool* answer the model with what went wrong."""

    @wraps(tool)
    async def answering(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except UnknownMemoryError as error:
            raise ToolError(f"There is no memory {error.id!r}. recall names the ids.") from error
        except LongtermError as error:
            raise ToolError(str(error)) from error

    return answering


class _Tools:
    """The tools; their docstrings are what agents read."""

    def __init__(self, service: Callable[[], MemoryService], user: str | None) -> None:
        self._service = service
        self._user = user

    @_answering
    async def recall(self, question: str) -> str:
        """Find what was said or learned before.

        Use it first whenever the answer may depend on this user's past, preferences or plans.
        """
        found = await asyncio.to_thread(self._memory("read").recall, question)
        ids = {item.key: item.text for item in found.items if item.kind == "memory"}
        return (
            f"{found.text}\n{_tool_json({'ids': ids})}" if found.text else "Nothing is remembered."
        )

    @_answering
    async def remember(self, content: Fact = None, messages: Turns = None) -> str:
        """Keep something for later conversations.

        Use it when the user states a lasting fact or preference, or asks you to remember.
        """
        ours = self._memory("write")
        if not (content or messages):
            raise ToolError("Pass content, a sentence, or messages.")
        done: dict[str, Any] = {}
        if messages:
            changes = await ours.aremember(messages)
            done |= {"kept": True, "changes": [change.as_json() for change in changes]}
        if content:
            done |= {"id": await _given(ours, content)}
        return _tool_json(done)

    @_answering
    async def update_memory(self, id: Id, content: str) -> str:
        """Correct a memory. Use it when something remembered has changed or was wrong."""
        edited = await self._memory("write").aedit(id, content)
        return _tool_json({"id": edited.id, "revision": edited.revision})

    @_answering
    async def forget(self, id: Id) -> str:
        """Delete a memory. Use it only when the user asks to forget it."""
        try:
            await self._memory("write").aforget(id)
        except UnknownMemoryError:
            return _tool_json({"id": id, "forgotten": False})
        return _tool_json({"id": id, "forgotten": True})

    @_answering
    async def memory_history(self, id: Id) -> str:
        """Show what a memory said before, and since when. Use it for "what was it before?"."""
        revisions = await self._memory("read").ahistory(id)
        if not revisions:
            raise UnknownMemoryError(id)
        return _tool_json(
            [
                {"revision": one.number, "action": one.action, "time": f"{one.time:%Y-%m-%d %H:%M}"}
                | ({"content": (one.value or {}).get("content")} if one.value else {})
                for one in revisions
            ]
        )

    def _memory(self, scope: Scope) -> UserMemory:
        if self._user is not None:
            return self._service().user(self._user)
        principal = current_principal.get()
        if not principal.may(scope):
            raise ToolError(f"This key has no scope {scope}.")
        return self._service().user(principal.user or "me")


async def _given(memory: UserMemory, content: str) -> str:
    """Add *content* and return its id, which follows from it: a call sent again adds nothing."""
    id = str(uuid.uuid5(_GIVEN, "\0".join((*memory.labels, content))))
    while True:
        try:
            return (await memory.aadd(content, id=id)).id
        except ConflictError:  # what was given then says something else by now
            id = str(uuid.uuid5(_GIVEN, f"{id}\0{content}"))


def memory_server(
    service: Callable[[], MemoryService], *, version: str, user: str | None = None
) -> MCPServer[Any]:
    """Return an MCP server on *service*, for the *user* given or else that of each key."""
    server: MCPServer[Any] = MCPServer(
        "longterm", instructions=_INSTRUCTIONS, version=version, log_level="WARNING"
    )
    tools = _Tools(service, user)
    for tool, hints in (
        (tools.recall, _READS),
        (tools.remember, _WRITES),
        (tools.update_memory, _DESTROYS),
        (tools.forget, _DESTROYS),
        (tools.memory_history, _READS),
    ):
        # No schema of the answer: every prompt of every agent would carry it.
        server.add_tool(tool, description=getdoc(tool), annotations=hints, structured_output=False)
    return server


def _tool_json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False)
