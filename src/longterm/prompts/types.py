"""Types of prompt optimisation; they live in `longterm.prompts`."""

from longterm.types import (
    AnnotatedTrajectory,
    MultiPromptOptimizerInput,
    OptimizerInput,
    Prompt,
)

__all__ = ["AnnotatedTrajectory", "MultiPromptOptimizerInput", "OptimizerInput", "Prompt"]
