"""LangMem's path to the prompt optimisers; the code lives in `single` and `multi`."""

from longterm.prompts.multi import MultiPromptOptimizer, create_multi_prompt_optimizer
from longterm.prompts.single import Kind, PromptOptimizer, create_prompt_optimizer

__all__ = [
    "KINDS",
    "MultiPromptOptimizer",
    "PromptOptimizer",
    "create_multi_prompt_optimizer",
    "create_prompt_optimizer",
]

KINDS = Kind
