"""Memory as a capability of Pydantic AI: ``Agent(…, capabilities=[LongtermCapability(…)])``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_ai import AgentRunResult, RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.messages import ModelMessage, TextPart, UserPromptPart
from typing_extensions import override

from longterm.integrations.failing import NOTHING_RECALLED, safely
from longterm.service import UserMemory

__all__ = ["LongtermCapability"]


class LongtermCapability(AbstractCapability[Any]):
    """Recalls before a run and remembers after it, for one user.

    *memory* is that of `longterm.open(…).user(…)`, or a function that finds it in the run's
    context: ``lambda ctx: service.user(ctx.deps.user_id)``. Where memory fails, that is logged, and
    the agent answers all the same; what was set up wrongly raises.
    """

    def __init__(
        self,
        memory: UserMemory | Callable[[RunContext[Any]], UserMemory],
        *,
        budget: int = 2_000,
    ) -> None:
        self._memory = memory
        self._budget = budget

    @override
    def get_instructions(self) -> Any:
        return self._recalled

    @override
    async def after_run(
        self, ctx: RunContext[Any], *, result: AgentRunResult[Any]
    ) -> AgentRunResult[Any]:
        said = [message for one in result.new_messages() for message in _said_in_message(one)]
        await safely(self._remember(ctx, said), "The conversation could not be remembered.")
        return result

    async def _recalled(self, ctx: RunContext[Any]) -> str:
        prompt = ctx.prompt if isinstance(ctx.prompt, str) else "\n".join(_texts_of(ctx.prompt))
        if not prompt.strip():
            return ""
        return await safely(self._found(ctx, prompt), NOTHING_RECALLED) or ""

    async def _remember(self, ctx: RunContext[Any], said: list[dict[str, str]]) -> None:
        await self._of(ctx).aremember(said)

    async def _found(self, ctx: RunContext[Any], prompt: str) -> str:
        return (await self._of(ctx).arecall(prompt, budget=self._budget)).text

    def _of(self, ctx: RunContext[Any]) -> UserMemory:
        return self._memory if isinstance(self._memory, UserMemory) else self._memory(ctx)


def _said_in_message(message: ModelMessage) -> list[dict[str, str]]:
    """Return what the user and the agent said in *message*; tools and instructions did not."""
    said: list[dict[str, str]] = []
    for part in message.parts:
        match part:
            case UserPromptPart():
                said.append({"role": "user", "content": "\n".join(_texts_of(part.content))})
            case TextPart():
                said.append({"role": "assistant", "content": part.content})
            case _:
                pass
    return [one for one in said if one["content"].strip()]


def _texts_of(content: Any) -> list[str]:
    parts: list[Any] = [content] if isinstance(content, str) else list(content or ())
    return [part for part in parts if isinstance(part, str)]
