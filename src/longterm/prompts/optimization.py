"""LangMem's path to the prompt optimisers; the code lives in `single` and `multi`."""

from longterm.prompts.gradient import GradientOptimizerConfig, create_gradient_prompt_optimizer
from longterm.prompts.metaprompt import MetapromptOptimizerConfig, create_metaprompt_optimizer
from longterm.prompts.multi import MultiPromptOptimizer, create_multi_prompt_optimizer
from longterm.prompts.single import Kind, PromptOptimizer, create_prompt_optimizer
from longterm.types import Prompt

__all__ = [
    "KINDS",
    "GradientOptimizerConfig",
    "MetapromptOptimizerConfig",
    "MultiPromptOptimizer",
    "Prompt",
    "PromptOptimizer",
    "create_gradient_prompt_optimizer",
    "create_metaprompt_optimizer",
    "create_multi_prompt_optimizer",
    "create_prompt_optimizer",
]

KINDS = Kind
