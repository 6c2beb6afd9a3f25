"""Optimise by thinking first and rewriting then; the first answer ends it.

At most max_reflection_steps calls, and one more if the new prompt will not do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longterm.models.names import ChatModel
from longterm.prompts.instructions import METAPROMPT
from longterm.prompts.prompt import fill
from longterm.prompts.rewrite import Case, Rewriter, Steps, has_prompt, reflect, request, settle

__all__ = ["metaprompt"]


def metaprompt(model: ChatModel, config: Mapping[str, Any]) -> Rewriter:
    """Return the rewriter that *config* describes: its prompt and its steps."""
    steps = Steps.of(config)
    template = config.get("metaprompt", METAPROMPT)

    async def rewrite(case: Case) -> str:
        task = fill(template, **case.values)
        messages, answer = await reflect(model, task, request(case.text), steps, has_prompt)
        return await settle(model, case.text, messages, answer)

    return rewrite
