"""A memory block for LlamaIndex: ``Memory.from_defaults(…, memory_blocks=[block])``."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.memory import BaseMemoryBlock
from pydantic import PrivateAttr
from typing_extensions import override

from longterm.integrations.failing import NOTHING_RECALLED, safely
from longterm.service import UserMemory

__all__ = ["LongtermMemoryBlock"]

_ROLES = {MessageRole.USER: "user", MessageRole.ASSISTANT: "assistant"}


class LongtermMemoryBlock(BaseMemoryBlock[str]):
    """Recalls for the newest message of a user, and remembers what leaves the short-term memory.

    *memory* is that of `longterm.open(…).user(…)`; *budget* are the tokens of what is recalled.
    Where memory fails, that is logged, and the agent answers all the same.
    """

    _memory: UserMemory = PrivateAttr()
    _budget: int = PrivateAttr()

    def __init__(
        self, memory: UserMemory, *, budget: int = 2_000, name: str = "longterm", **options: Any
    ) -> None:
        super().__init__(name=name, **options)
        self._memory = memory
        self._budget = budget

    @override
    async def _aget(self, messages: list[ChatMessage] | None = None, **block_kwargs: Any) -> str:
        asked = [m.content for m in messages or () if m.role == MessageRole.USER and m.content]
        if not asked:
            return ""
        recalled = self._memory.arecall(asked[-1], budget=self._budget)
        found = await safely(recalled, NOTHING_RECALLED)
        return found.text if found else ""

    @override
    async def _aput(self, messages: list[ChatMessage]) -> None:
        said = [
            {"role": _ROLES[message.role], "content": message.content}
            for message in messages
            if message.role in _ROLES and message.content
        ]
        if said:
            await safely(self._memory.aremember(said), "The conversation could not be remembered.")

    @override
    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """Leave the block out where it does not fit: it has a budget of its own."""
        return None
