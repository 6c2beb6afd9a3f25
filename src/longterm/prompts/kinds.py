"""The ways to optimise that think: gradient, metaprompt and prompt_memory, as rewriters.

`gradient` finds what went wrong and what would help, then carries that out: at most
max_reflection_steps calls for the first, one for the second, and one more if the new prompt will
not do; where nothing went wrong there is no second step. `metaprompt` thinks first and rewrites
then; the first answer that has a prompt ends it. `prompt_memory` works what happened into the
prompt in one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from langchain_core.messages import HumanMessage

from longterm.effects.steps import ask
from longterm.models.answer import Answer
from longterm.models.names import ChatModel
from longterm.prompts.answers import field
from longterm.prompts.inputs import TAGS
from longterm.prompts.instructions import (
    GRADIENT,
    GRADIENT_UPDATE,
    METAPROMPT,
    PROMPT_MEMORY,
    RECOMMEND,
)
from longterm.prompts.rewrite import (
    Case,
    Rewriter,
    Steps,
    has_prompt,
    reflect,
    request,
    said,
    settle,
    unfinished,
    warn_unchanged,
)
from longterm.text.placeholders import fill
from longterm.text.quoting import fenced

__all__ = ["gradient", "metaprompt", "prompt_memory"]

_NO = ("no", "false", "n", "0")
_NOTHING = ("", "none", "n/a", "no recommendations", "nothing", "no changes")


@dataclass(frozen=True)
class _Advice:
    """What a review found; nothing to do if there are no recommendations."""

    hypotheses: str = ""
    recommendations: str = ""


def gradient(model: ChatModel, config: Mapping[str, Any]) -> Rewriter:
    """Return the rewriter that *config* describes: its prompts and its steps."""
    steps = Steps.of(config)
    review = config.get("gradient_prompt", GRADIENT)
    update = config.get("metaprompt", GRADIENT_UPDATE)

    async def rewrite(case: Case) -> str:
        task = fill(review, **case.values)
        _, answer = await reflect(
            model, task, RECOMMEND, steps, lambda one: _read_advice(one) is not None
        )
        # A small model forgets the form, and its words are advice all the same.
        text = "" if Answer.of(answer).refused else said(answer)
        advice = _read_advice(answer) or _Advice(recommendations=_something(text))
        if not advice.recommendations:
            if not text and _read_advice(answer) is None:
                warn_unchanged(unfinished(answer) or "The model gave no recommendations.")
            return case.text
        advised = {key: fenced(text, *TAGS) for key, text in asdict(advice).items()}
        values = {**case.values, "current_prompt": case.text, **advised}
        messages = [HumanMessage(f"{fill(update, **values)}\n\n{request(case.text)}")]
        return await settle(model, case.text, messages, await ask(model, messages))

    return rewrite


def _read_advice(answer: Any) -> _Advice | None:
    """Return the advice in *answer*; None where it has none in the form we asked for."""
    warranted = field(answer, "warrants_adjustment")
    advised = field(answer, "recommendations", "full_recommendations", "recommendation")
    if warranted is None and advised is None:
        return None
    if str(warranted).strip().lower() in _NO:
        return _Advice()
    found = _Advice(str(field(answer, "hypotheses", "hypothesis") or ""), _something(advised))
    return found if found.recommendations else _Advice(found.hypotheses, found.hypotheses)


def _something(text: Any) -> str:
    """*text*, unless it says that there is nothing to say."""
    words = "" if text is None else str(text).strip()
    return "" if words.lower().rstrip(".") in _NOTHING else words


def metaprompt(model: ChatModel, config: Mapping[str, Any]) -> Rewriter:
    """Return the rewriter that *config* describes: its prompt and its steps."""
    steps = Steps.of(config)
    template = config.get("metaprompt", METAPROMPT)

    async def rewrite(case: Case) -> str:
        task = fill(template, **case.values)
        messages, answer = await reflect(model, task, request(case.text), steps, has_prompt)
        return await settle(model, case.text, messages, answer)

    return rewrite


def prompt_memory(model: ChatModel, config: Mapping[str, Any]) -> Rewriter:
    """Return the rewriter; *config* may hold its prompt, as `metaprompt`."""
    template = config.get("metaprompt", PROMPT_MEMORY)

    async def rewrite(case: Case) -> str:
        task = fill(template, **case.values)
        messages = [HumanMessage(f"{task}\n\n{request(case.text)}")]
        return await settle(model, case.text, messages, await ask(model, messages))

    return rewrite
