"""Optimise in one call: work what happened into the prompt.

One more call if the new prompt will not do. A model that says nothing is to be changed, in
words or by an empty prompt, is taken at its word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import HumanMessage

from longterm.effects.steps import ask
from longterm.models.names import ChatModel
from longterm.prompts.instructions import PROMPT_MEMORY
from longterm.prompts.prompt import fill
from longterm.prompts.rewrite import Case, Rewriter, request, settle

__all__ = ["prompt_memory"]


def prompt_memory(model: ChatModel, config: Mapping[str, Any]) -> Rewriter:
    """Return the rewriter; *config* may hold its prompt, as `metaprompt`."""
    template = config.get("metaprompt", PROMPT_MEMORY)

    async def rewrite(case: Case) -> str:
        task = fill(template, **case.values)
        messages = [HumanMessage(f"{task}\n\n{request(case.text)}")]
        return await settle(model, case.text, messages, await ask(model, messages))

    return rewrite
