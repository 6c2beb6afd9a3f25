"""LangMem's path to the optimiser of kind "gradient"; the code lives in `kinds`."""

from collections.abc import Mapping
from typing import Any

from longterm.models.names import ChatModel
from longterm.prompts.single import PromptOptimizer, create_prompt_optimizer

__all__ = ["create_gradient_prompt_optimizer"]


def create_gradient_prompt_optimizer(
    model: str | ChatModel, config: Mapping[str, Any] | None = None
) -> PromptOptimizer:
    """Create an optimiser that reviews first and updates then; see `create_prompt_optimizer`."""
    return create_prompt_optimizer(model, kind="gradient", config=config)
