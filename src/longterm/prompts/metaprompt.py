"""LangMem's path to the optimiser of kind "metaprompt"; the code lives in `kinds`."""

from longterm.models.names import ChatModel, as_model
from longterm.prompts.instructions import METAPROMPT
from longterm.prompts.single import PromptOptimizer, make_rewriter
from longterm.types import MetapromptOptimizerConfig

__all__ = [
    "DEFAULT_METAPROMPT",
    "MetaPromptOptimizer",
    "MetapromptOptimizerConfig",
    "create_metaprompt_optimizer",
]

DEFAULT_METAPROMPT = METAPROMPT


class MetaPromptOptimizer(PromptOptimizer):
    """An optimiser that thinks first and rewrites then; see `create_prompt_optimizer`."""

    def __init__(
        self, model: str | ChatModel, config: MetapromptOptimizerConfig | None = None
    ) -> None:
        super().__init__(make_rewriter(as_model(model), "metaprompt", {**(config or {})}))


def create_metaprompt_optimizer(
    model: str | ChatModel, config: MetapromptOptimizerConfig | None = None
) -> PromptOptimizer:
    """Create an optimiser that thinks first and rewrites then; see `create_prompt_optimizer`."""
    return MetaPromptOptimizer(model, config)
