"""One prompt, better: `create_prompt_optimizer`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from typing_extensions import override

from longterm.errors import ConfigurationError
from longterm.flow import FlowRunnable
from longterm.models import ChatModel, as_model
from longterm.optimize.gradient import gradient
from longterm.optimize.metaprompt import metaprompt
from longterm.optimize.prompt_memory import prompt_memory
from longterm.optimize.rewrite import Case, Rewriter
from longterm.optimize.shapes import Prompt, as_prompt, as_trajectories, show

__all__ = ["Kind", "PromptOptimizer", "create_prompt_optimizer", "make_rewriter"]

Kind = Literal["gradient", "metaprompt", "prompt_memory"]

_KINDS: dict[str, Callable[[ChatModel, Mapping[str, Any]], Rewriter]] = {
    "gradient": gradient,
    "metaprompt": metaprompt,
    "prompt_memory": prompt_memory,
}


class PromptOptimizer(FlowRunnable[Any, str]):
    """Rewrites the prompt of ``{"trajectories": …, "prompt": …}``."""

    def __init__(self, rewriter: Rewriter) -> None:
        self.rewriter = rewriter

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> str:
        prompt = as_prompt(input["prompt"])
        trajectories = show(as_trajectories(input["trajectories"]))
        if not trajectories:
            return prompt["prompt"]
        return await self.rewriter(Case(prompt, trajectories))

    async def __call__(self, trajectories: Any, prompt: str | Prompt) -> str:
        """Optimise *prompt* on the running event loop."""
        return await self.ainvoke({"trajectories": trajectories, "prompt": prompt})


def create_prompt_optimizer(
    model: str | ChatModel,
    /,
    *,
    kind: Kind = "gradient",
    config: Mapping[str, Any] | None = None,
) -> PromptOptimizer:
    """Create an optimiser that improves a prompt from what happened when it was used.

    *kind* is "gradient" (review, then update), "metaprompt" (think, then rewrite) or
    "prompt_memory" (one call). *config* may hold max_reflection_steps, min_reflection_steps,
    and the prompts gradient_prompt and metaprompt.
    """
    return PromptOptimizer(make_rewriter(as_model(model), kind, config or {}))


def make_rewriter(model: ChatModel, kind: str, config: Mapping[str, Any]) -> Rewriter:
    """Return the rewriter of *kind*."""
    if kind not in _KINDS:
        raise ConfigurationError(
            f"There is no kind of optimiser {kind!r}. Choose one of {', '.join(sorted(_KINDS))}."
        )
    return _KINDS[kind](model, config)
