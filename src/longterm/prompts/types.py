"""Types of prompt optimisation; they live in `longterm.optimize`."""

from longterm.optimize.shapes import (
    AnnotatedTrajectory,
    MultiPromptOptimizerInput,
    OptimizerInput,
    Prompt,
)

__all__ = ["AnnotatedTrajectory", "MultiPromptOptimizerInput", "OptimizerInput", "Prompt"]
