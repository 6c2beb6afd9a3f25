"""What all ways of optimising share: the case, the steps of thinking, and a safe end.

Whatever a model answers, the end is a prompt that keeps the placeholders of the old one. An
answer that does not is sent back once; after that the old prompt stays, with a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from longterm.effects.steps import Flow, ask
from longterm.effects.warn import warn_caller
from longterm.errors import ConfigurationError
from longterm.memory.conversation import message_text
from longterm.models.answer import Answer
from longterm.models.names import ChatModel
from longterm.prompts.answers import field
from longterm.prompts.inputs import TAGS
from longterm.prompts.instructions import KEEP, NO_PLACEHOLDERS, REWRITE, THINK, THINK_ON
from longterm.text.placeholders import complaint, healed, placeholders
from longterm.text.quoting import fenced
from longterm.types import Prompt

__all__ = [
    "Case",
    "Rewriter",
    "Steps",
    "exchange",
    "has_prompt",
    "reflect",
    "request",
    "said",
    "settle",
    "unfinished",
    "warn_unchanged",
]

_NEW = ("improved_prompt", "new_prompt", "updated_prompt", "optimized_prompt")
_NO = ("no", "false", "none", "n", "0")


@dataclass(frozen=True, slots=True)
class Case:
    """A prompt and what happened when it was used."""

    prompt: Prompt
    #: The trajectories as a model is to see them.
    trajectories: str
    #: The trajectories as they came, to try a prompt on where no examples were given.
    examples: tuple[Any, ...] = ()

    @property
    def text(self) -> str:
        """The prompt itself."""
        return self.prompt["prompt"]

    @property
    def values(self) -> dict[str, str]:
        """What the instructions to a model are filled with."""
        extra = {
            key: fenced(str(self.prompt.get(key) or ""), *TAGS)
            for key in ("update_instructions", "feedback")
        }
        return {"prompt": self.text, "trajectories": self.trajectories, **extra}


#: A way to optimise: a case becomes a new prompt.
Rewriter = Callable[[Case], Flow[str]]


@dataclass(frozen=True, slots=True)
class Steps:
    """How often a model thinks before it answers, and how often it is asked at all."""

    least: int = 1
    most: int = 5

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Steps:
        """Read the steps of an optimiser's *config*."""
        most = config.get("max_reflection_steps", cls().most)
        if most < 1:
            raise ConfigurationError(f"max_reflection_steps must be at least 1, not {most}.")
        return cls(config.get("min_reflection_steps", cls().least), most)

    def may_answer(self, step: int) -> bool:
        """Whether *step*, counted from 0, may bring the answer."""
        return step >= min(self.least, self.most - 1)


async def reflect(
    model: ChatModel, task: str, how: str, steps: Steps, done: Callable[[Any], bool]
) -> tuple[list[BaseMessage], Any]:
    """Let *model* think about *task* until its answer, in the form *how* says, is *done*.

    Returns the last exchange with the conversation before it. *steps* bound the calls.
    """
    messages: list[BaseMessage] = [HumanMessage(f"{task}\n\n{_next(0, how, steps)}")]
    for step in range(steps.most):
        answer = await ask(model, messages)
        if step == steps.most - 1 or (steps.may_answer(step) and done(answer)):
            return messages, answer
        messages = exchange(messages, answer, _next(step + 1, how, steps))
    raise AssertionError  # there is at least one step, and the last one returns


def _next(step: int, how: str, steps: Steps) -> str:
    if steps.may_answer(step):
        return how
    return THINK if step == 0 else THINK_ON


def exchange(messages: Sequence[BaseMessage], answer: Any, reply: str) -> list[BaseMessage]:
    """Return the conversation of *messages* that goes on with *answer* and our *reply* to it."""
    return [*messages, AIMessage(said(answer) or "(nothing)"), HumanMessage(reply)]


def said(answer: Any) -> str:
    """Text of *answer*, the calls it makes included: they would get no answer as calls."""
    if isinstance(answer, BaseMessage) and not Answer.of(answer).text:
        return message_text(answer).strip()
    return Answer.of(answer).text


def request(old: str) -> str:
    """Ask for a prompt that can take the place of *old*."""
    names = placeholders(old)
    keep = KEEP.format(names=", ".join(sorted(names))) if names else NO_PLACEHOLDERS
    return f"{keep}\n\n{REWRITE}"


async def settle(model: ChatModel, old: str, messages: Sequence[BaseMessage], answer: Any) -> str:
    """Return the prompt that *answer* gives in place of *old*, sent back once if it will not do."""
    new, wrong = _read_prompt(old, answer)
    if wrong:
        again = exchange(messages, answer, f"{wrong}\n\n{request(old)}")
        new, wrong = _read_prompt(old, await ask(model, again))
    if wrong:
        warn_unchanged(wrong)
    return old if wrong else new


def warn_unchanged(why: str) -> None:
    """Say at the caller's line that a prompt was not changed, and *why*."""
    warn_caller(f"The prompt stays as it was. {why}", RuntimeWarning)


def unfinished(answer: Any) -> str:
    """Return what is wrong with an *answer* of which only a part has come; "" for a whole one."""
    match Answer.of(answer).end:
        case "complete":
            return ""
        case "cut":
            return "The answer was cut off before its end."
        case "malformed" | "refused":
            return "The answer was broken off before its end."


def has_prompt(answer: Any) -> bool:
    """Whether *answer* gives a prompt or declines to."""
    return field(answer, *_NEW, "update_prompt") is not None


def _read_prompt(old: str, answer: Any) -> tuple[str, str]:
    """Return the new prompt in *answer*, and what is wrong with it."""
    if wrong := unfinished(answer):
        return old, wrong
    found, update = field(answer, *_NEW), field(answer, "update_prompt")
    declined = update is not None and str(update).strip().lower() in _NO
    if declined or (isinstance(found, str) and found.strip() in ("", "…", "...")):
        return old, ""
    if not isinstance(found, str):
        return old, "The answer has no <improved_prompt>."
    new = healed(old, found.strip())
    return old if new == old.strip() else new, complaint(old, new)
