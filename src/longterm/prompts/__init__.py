"""Prompt optimisation under the names LangMem gave it; the code lives in `longterm.optimize`."""
