"""A memory service for Google's Agent Development Kit: ``Runner(…, memory_service=…)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
from google.adk.memory.memory_entry import MemoryEntry
from google.genai.types import Content, Part
from typing_extensions import override

from longterm.integrations.failing import NOTHING_RECALLED, safely
from longterm.service import MemoryService

if TYPE_CHECKING:
    from google.adk.events.event import Event
    from google.adk.sessions.session import Session

__all__ = ["LongtermMemoryService"]


class LongtermMemoryService(BaseMemoryService):
    """Keeps sessions in *service*, see `longterm.open`, in one scope for each app and user.

    With a model memories are extracted as well. A session may be added again and again: what is
    known of it stays as it is. Where a search fails, that is logged, and the agent answers all the
    same.
    """

    def __init__(self, service: MemoryService, *, budget: int = 2_000) -> None:
        self._service = service
        self._budget = budget

    @override
    async def add_session_to_memory(self, session: Session) -> None:
        await self.add_events_to_memory(
            app_name=session.app_name,
            user_id=session.user_id,
            events=session.events,
            session_id=session.id,
        )

    @override
    async def add_events_to_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        events: Sequence[Event],
        session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        said = [message for event in events if (message := _said_in_event(event))]
        if said:
            await self._service.scope(app_name, user_id).aremember(said, thread=session_id)

    @override
    async def search_memory(
        self, *, app_name: str, user_id: str, query: str
    ) -> SearchMemoryResponse:
        memory = self._service.scope(app_name, user_id)
        found = await safely(memory.arecall(query, budget=self._budget), NOTHING_RECALLED)
        if not found or not found.text:
            return SearchMemoryResponse()
        content = Content(role="user", parts=[Part(text=found.text)])
        return SearchMemoryResponse(memories=[MemoryEntry(content=content, author="longterm")])


def _said_in_event(event: Any) -> dict[str, str] | None:
    """Return what was said in *event* as a message; None for calls, results and thoughts."""
    parts: list[Any] = (event.content.parts if event.content else None) or []
    text = "\n".join(part.text for part in parts if part.text and not part.thought)
    role = "user" if event.author == "user" else "assistant"
    return {"role": role, "content": text, "id": event.id} if text.strip() else None
