"""LangMem's path to the optimiser of kind "gradient"; the code lives in `kinds`."""

from longterm.models.names import ChatModel, as_model
from longterm.prompts.instructions import GRADIENT, GRADIENT_UPDATE
from longterm.prompts.single import PromptOptimizer, make_rewriter
from longterm.types import GradientOptimizerConfig

__all__ = [
    "DEFAULT_GRADIENT_METAPROMPT",
    "DEFAULT_GRADIENT_PROMPT",
    "GradientOptimizerConfig",
    "GradientPromptOptimizer",
    "create_gradient_prompt_optimizer",
]

DEFAULT_GRADIENT_PROMPT = GRADIENT
DEFAULT_GRADIENT_METAPROMPT = GRADIENT_UPDATE


class GradientPromptOptimizer(PromptOptimizer):
    """An optimiser that reviews first and updates then; see `create_prompt_optimizer`."""

    def __init__(
        self, model: str | ChatModel, config: GradientOptimizerConfig | None = None
    ) -> None:
        super().__init__(make_rewriter(as_model(model), "gradient", {**(config or {})}))


def create_gradient_prompt_optimizer(
    model: str | ChatModel, config: GradientOptimizerConfig | None = None
) -> PromptOptimizer:
    """Create an optimiser that reviews first and updates then; see `create_prompt_optimizer`."""
    return GradientPromptOptimizer(model, config)
