"""Procedural memory: prompts that learn from what happened when they were used."""

from longterm.prompts.few_shot import create_few_shot
from longterm.prompts.multi import create_multi_prompt_optimizer
from longterm.prompts.report import MeasuredPrompt, Report
from longterm.prompts.single import create_prompt_optimizer
from longterm.types import (
    AnnotatedTrajectory,
    MultiPromptOptimizerInput,
    OptimizerInput,
    Prompt,
)

__all__ = [
    "AnnotatedTrajectory",
    "MeasuredPrompt",
    "MultiPromptOptimizerInput",
    "OptimizerInput",
    "Prompt",
    "Report",
    "create_few_shot",
    "create_multi_prompt_optimizer",
    "create_prompt_optimizer",
]
