"""Optimise in two steps: find what went wrong and what would help, then carry that out.

At most max_reflection_steps calls for the first, one for the second, and one more if the new
prompt will not do. Where nothing went wrong there is no second step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import HumanMessage

from longterm.effects.steps import ask
from longterm.models.answer import is_refusal
from longterm.models.names import ChatModel
from longterm.prompts.answers import field
from longterm.prompts.instructions import GRADIENT, GRADIENT_UPDATE, RECOMMEND
from longterm.prompts.prompt import fill
from longterm.prompts.rewrite import Case, Rewriter, Steps, reflect, request, said, settle

__all__ = ["gradient"]

_NO = ("no", "false", "n", "0")
_NOTHING = ("", "none", "n/a", "no recommendations", "nothing", "no changes")


@dataclass(frozen=True, slots=True)
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
        advice = await _advice(model, fill(review, **case.values), steps)
        return await _update(model, update, case, advice) if advice.recommendations else case.text

    return rewrite


async def _advice(model: ChatModel, task: str, steps: Steps) -> _Advice:
    _, answer = await reflect(model, task, RECOMMEND, steps, lambda one: _read(one) is not None)
    # A small model forgets the form, and its words are advice all the same.
    return _read(answer) or _Advice(recommendations=_something(_told(answer)))


def _told(answer: Any) -> str:
    return "" if is_refusal(answer) else said(answer)


def _read(answer: Any) -> _Advice | None:
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


async def _update(model: ChatModel, update: str, case: Case, advice: _Advice) -> str:
    values = {**case.values, "current_prompt": case.text}
    values |= {"hypotheses": advice.hypotheses, "recommendations": advice.recommendations}
    messages = [HumanMessage(f"{fill(update, **values)}\n\n{request(case.text)}")]
    return await settle(model, case.text, messages, await ask(model, messages))
