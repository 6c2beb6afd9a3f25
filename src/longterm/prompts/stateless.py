"""LangMem's path to prompt memory: a prompt revised by one question to a model, nothing stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from typing_extensions import TypedDict, override

from longterm.effects.runnable import FlowRunnable
from longterm.models.names import ChatModel
from longterm.prompts.single import PromptOptimizer, create_prompt_optimizer
from longterm.types import AnnotatedTrajectory, OptimizerInput, Prompt

__all__ = ["MultipleMemoryInput", "PromptMemory", "PromptMemoryMultiple", "SingleMemoryInput"]


class SingleMemoryInput(TypedDict, total=False):
    """One conversation, and the prompt it was held with."""

    messages: Any
    current_prompt: str
    feedback: str
    instructions: str


class MultipleMemoryInput(TypedDict, total=False):
    """Conversations with feedback, and the prompt they were held with."""

    trajectories: str | Sequence[tuple[Any, str]]
    prompt: str | Prompt


class PromptMemory(FlowRunnable[SingleMemoryInput, str]):
    """Revises a prompt after one conversation."""

    def __init__(self, model: str | ChatModel) -> None:
        self.optimizer: PromptOptimizer = create_prompt_optimizer(model, kind="prompt_memory")

    @override
    async def flow(self, input: SingleMemoryInput, config: RunnableConfig) -> str:
        prompt: Prompt = {"name": "prompt", "prompt": input.get("current_prompt", "")}
        if instructions := input.get("instructions"):
            prompt["update_instructions"] = instructions
        held = AnnotatedTrajectory(input.get("messages", []), input.get("feedback") or None)
        return await self.optimizer.flow({"trajectories": [held], "prompt": prompt}, config)

    async def __call__(
        self,
        messages: Any,
        current_prompt: str,
        feedback: str = "",
        instructions: str = "",
    ) -> str:
        """Revise *current_prompt* on the running event loop."""
        return await self.ainvoke(
            {
                "messages": messages,
                "current_prompt": current_prompt,
                "feedback": feedback,
                "instructions": instructions,
            }
        )


class PromptMemoryMultiple(FlowRunnable[MultipleMemoryInput, str]):
    """Revises a prompt after several conversations."""

    def __init__(self, model: str | ChatModel) -> None:
        self.optimizer: PromptOptimizer = create_prompt_optimizer(model, kind="prompt_memory")

    @override
    async def flow(self, input: MultipleMemoryInput, config: RunnableConfig) -> str:
        given = OptimizerInput(
            trajectories=input.get("trajectories", []), prompt=input.get("prompt", "")
        )
        return await self.optimizer.flow(given, config)

    async def __call__(
        self, trajectories: str | Sequence[tuple[Any, str]], prompt: str | Prompt
    ) -> str:
        """Revise *prompt* on the running event loop."""
        return await self.ainvoke({"trajectories": trajectories, "prompt": prompt})
