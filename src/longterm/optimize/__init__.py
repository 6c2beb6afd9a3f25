"""Procedural memory: prompts that learn from what happened when they were used."""

from longterm.optimize.multi import create_multi_prompt_optimizer
from longterm.optimize.shapes import (
    AnnotatedTrajectory,
    MultiPromptOptimizerInput,
    OptimizerInput,
    Prompt,
)
from longterm.optimize.single import create_prompt_optimizer

__all__ = [
    "AnnotatedTrajectory",
    "MultiPromptOptimizerInput",
    "OptimizerInput",
    "Prompt",
    "create_multi_prompt_optimizer",
    "create_prompt_optimizer",
]
