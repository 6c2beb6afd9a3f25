"""How good is a prompt? Run it on examples, and have each answer scored.

An example is a dict with ``input`` (a text or messages), perhaps ``expected`` and ``values``
for the prompt's placeholders, or an (input, expected) pair, a text, or a trajectory. The score
is a function of the example, as it was given, and the answer, or a model that judges.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableLambda

from longterm.effects.steps import ask, together
from longterm.errors import ConfigurationError, InvalidInputError
from longterm.memory.conversation import as_messages, message_text, render
from longterm.models.answer import Answer
from longterm.models.names import ChatModel, as_model
from longterm.prompts.answers import field
from longterm.prompts.instructions import JUDGE
from longterm.prompts.rewrite import said
from longterm.text.placeholders import fill, placeholders
from longterm.text.quoting import fenced
from longterm.types import AnnotatedTrajectory

__all__ = ["Example", "Measure", "Outcome", "Score", "as_example"]

#: Scores an answer: a number, the higher the better, or a number and words on it.
Score = Callable[[Any, str], Any]
#: Does the work a prompt is for: prompt and example become an answer.
Task = Callable[[str, Any], Any]

_NUMBER = re.compile(r"(?P<score>-?\d+(?:\.\d+)?)(?:\s*(?:/|out of)\s*(?P<of>[1-9]\d*))?")


@dataclass(frozen=True, slots=True)
class Example:
    """A piece of work to try a prompt on."""

    #: What the caller gave; the score function gets it.
    given: Any
    messages: tuple[BaseMessage, ...]
    expected: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, and what it was worth."""

    answer: str
    score: float
    feedback: str = ""


def as_example(value: Any) -> Example:
    """*value*, in any of the forms of this module, as an `Example`."""
    match value:
        case AnnotatedTrajectory():
            return Example(
                value, _until_last_answer(value.messages), _text_or_nothing(value.feedback), {}
            )
        case {"messages": messages, **rest}:
            return Example(
                value, _until_last_answer(messages), _text_or_nothing(rest.get("feedback")), {}
            )
        case {"input": given, **rest}:
            values = cast("Mapping[str, Any]", rest.get("values") or {})
            expected = _text_or_nothing(rest.get("expected"))
            return Example(value, tuple(as_messages(given)), expected, values)
        case str() | BaseMessage():
            return Example(value, tuple(as_messages(value)), "", {})
        case (given, expected):
            return Example(value, tuple(as_messages(given)), _text_or_nothing(expected), {})
        case _:
            raise InvalidInputError(
                'An example is a dict {"input": …, "expected": …}, an (input, expected) pair, a '
                f"text or a trajectory, not {type(value).__name__}."
            )


def _until_last_answer(messages: Any) -> tuple[BaseMessage, ...]:
    """*messages* up to the last answer, which is what shall be done better."""
    found = as_messages(messages)
    while found and isinstance(found[-1], AIMessage):
        found.pop()
    return tuple(found)


def _text_or_nothing(value: Any) -> str:
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Measure:
    """How prompts are tried and scored."""

    model: ChatModel
    task: Task | None
    score: Any  # a `Score`, or a model that judges

    @classmethod
    def of(cls, model: ChatModel, score: Score | str | ChatModel, task: Any = None) -> Measure:
        """Check what the caller gave."""
        if isinstance(score, str | Runnable):
            return cls(model, task, as_model(cast("str | ChatModel", score)))
        if not callable(cast("Any", score)) or inspect.iscoroutinefunction(score):
            raise ConfigurationError(
                "accept is a function, not an async one, of an example and an answer that returns "
                f"a number, or a model that judges, not {score!r:.60}."
            )
        return cls(model, task, score)

    @property
    def price(self) -> int:
        """Calls that one example costs."""
        return 2 if isinstance(self.score, Runnable) else 1

    def metered(self, meter: Callable[[ChatModel], ChatModel]) -> Measure:
        """Return the same with every call paid for by *meter*."""
        score = meter(self.score) if self.price > 1 else self.score
        if (task := self.task) is None:
            return Measure(meter(self.model), None, score)

        async def acall(pair: Any) -> Any:
            return await task(*pair)

        def call(pair: Any) -> Any:
            return task(*pair)

        work = RunnableLambda(acall if inspect.iscoroutinefunction(task) else call)
        return Measure(meter(work), task, score)

    async def outcomes(self, prompt: str, examples: Sequence[Example]) -> list[Outcome]:
        """Try *prompt* on *examples*, side by side."""
        return await together([self._outcome(prompt, example) for example in examples])

    async def _outcome(self, prompt: str, example: Example) -> Outcome:
        work: Any = (prompt, example.given) if self.task else _request(prompt, example)
        answer = await ask(self.model, work)
        text = said(answer) if isinstance(answer, str | BaseMessage) else str(answer)
        if self.price > 1:
            return await self._judged(example, text)
        scored = self.score(example.given, text)
        match scored:
            case {"score": score, **rest}:
                return Outcome(text, _number(score, scored), _text_or_nothing(rest.get("feedback")))
            case (score, feedback):
                return Outcome(text, _number(score, scored), _text_or_nothing(feedback))
            case _:
                return Outcome(text, _number(scored, scored))

    async def _judged(self, example: Example, answer: str) -> Outcome:
        values = {
            "conversation": render(example.messages),
            "expected": example.expected or "(not given)",
            "answer": answer,
        }
        text = fill(JUDGE, **{tag: fenced(one, *values) for tag, one in values.items()})
        verdict = await ask(self.score, [HumanMessage(text)])
        found = field(verdict, "score")
        number = _NUMBER.search(str(Answer.of(verdict).text if found is None else found))
        score = 0.0  # no evidence is no gain
        if number is not None:
            value = float(number["score"])
            # A judge that was asked for a number up to 1 takes another scale all the same.
            scale = next((scale for scale in (1.0, 10.0) if value <= scale), 100.0)
            score = min(1.0, max(0.0, value / float(number["of"] or scale)))
        return Outcome(answer, score, str(field(verdict, "feedback") or ""))


def _request(prompt: str, example: Example) -> list[BaseMessage]:
    """Return *prompt* as system message; as all there is where it has a place for the input."""
    text = "\n\n".join(message_text(message) for message in example.messages)
    filled = fill(prompt, **{"input": text, **example.values})
    if "{input}" in placeholders(prompt):
        return [HumanMessage(filled)]
    return [SystemMessage(filled), *example.messages]


def _number(score: Any, scored: Any) -> float:
    try:
        number = float(score)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):  # a mean with it would compare with nothing
        raise ConfigurationError(
            f"The score of an answer is a finite number or (number, feedback), not "
            f"{type(scored).__name__}."
        )
    return number
