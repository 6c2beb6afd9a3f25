"""LangMem's path to the graph that improves prompts; the code lives in `deployed`."""

from longterm.graphs.deployed import optimization

__all__ = ["optimize_prompts"]

optimize_prompts = optimization
