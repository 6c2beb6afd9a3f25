"""A session for the OpenAI Agents SDK, kept in any store: ``Runner.run(…, session=session)``.

The SDK takes whatever has the methods of its `Session`, so that nothing of it is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langgraph.store.base import BaseStore

from longterm.commit import Policy, Write, commit
from longterm.effects.clock import MonotonicTimestamps
from longterm.effects.drivers import arun
from longterm.effects.steps import search_exactly
from longterm.integrations.failing import safely
from longterm.memory.namespace import escape_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from longterm.service import UserMemory

__all__ = ["LongtermSession"]

_timestamps = MonotonicTimestamps()
#: The history of a session is no memory: it leaves no revisions.
_POLICY = Policy(keep_revisions=0)


class LongtermSession:
    """The items of one conversation, in *store*; what was said also goes to *memory*, if given.

    *memory* is a user's, see `longterm.open`: it keeps the turns, and with a model extracts
    memories from them, so that other sessions recall them; where that fails, it is logged, and the
    session goes on. The items lie in the namespace
    ``("sessions", session_id)``.
    """

    session_settings: Any = None

    def __init__(
        self, session_id: str, store: BaseStore, *, memory: UserMemory | None = None
    ) -> None:
        self.session_id = session_id
        self._store = store
        self._memory = memory
        self._namespace = ("sessions", escape_label(session_id))

    async def get_items(self, limit: int | None = None) -> list[Any]:
        """Return the newest *limit* items, all where it is None, oldest first."""
        kept = await self._kept()
        newest = kept if limit is None else kept[-limit:] if limit > 0 else []
        return [value["item"] for _, value in newest]

    async def add_items(self, items: Sequence[Any]) -> None:
        """Add *items* at the end."""
        writes = [
            Write(self._namespace, f"{_timestamps.next():020d}", {"item": item}, index=False)
            for item in items
        ]
        await arun(commit(writes, actor="user", policy=_POLICY), store=self._store)
        if self._memory is not None and (
            said := [m for item in items if (m := _said_in_item(item))]
        ):
            remembered = self._memory.aremember(said, thread=self.session_id)
            await safely(remembered, "The conversation could not be remembered.")

    async def pop_item(self) -> Any | None:
        """Remove the newest item and return it; None where there is none."""
        kept = await self._kept()
        if not kept:
            return None
        key, value = kept[-1]
        await self._delete([key])
        return value["item"]

    async def clear_session(self) -> None:
        """Remove all items; what was remembered of them stays."""
        await self._delete([key for key, _ in await self._kept()])

    async def _kept(self) -> list[tuple[str, dict[str, Any]]]:
        found = await arun(search_exactly(self._namespace), store=self._store)
        in_order = sorted(found, key=lambda item: item.key)
        return [(item.key, item.value) for item in in_order]

    async def _delete(self, keys: list[str]) -> None:
        writes = [Write(self._namespace, key, None) for key in keys]
        await arun(commit(writes, actor="user", policy=_POLICY), store=self._store)


def _said_in_item(item: Any) -> dict[str, str] | None:
    """Return what a person or the agent said in *item*, as a message; None for other items."""
    content = item.get("content")
    if item.get("role") not in {"user", "assistant"}:
        return None
    if not isinstance(content, str):
        parts = cast("list[dict[str, Any]]", content or [])
        content = "\n".join(str(part["text"]) for part in parts if part.get("text"))
    return {"role": str(item["role"]), "content": content} if content.strip() else None
