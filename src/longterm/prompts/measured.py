"""Optimise, and take the new prompt only if it scores better on examples held back.

`guarded` wraps any rewriter; `longterm.prompts.search` tries many candidates. Both let an
`Evaluator` score and pay, return a `MeasuredPrompt`, and make no more calls than they may.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from longterm.errors import ConfigurationError
from longterm.models.names import ChatModel
from longterm.prompts.ledger import BudgetSpent, CallLedger
from longterm.prompts.measure import Example, Measure, Outcome, as_example
from longterm.prompts.report import MeasuredPrompt, PromptCandidate, Report
from longterm.prompts.rewrite import Case, Rewriter

__all__ = ["SPENT", "Evaluator", "MeasureOptions", "guarded"]

MAX_CALLS = 200
#: What a report notes that ended early.
SPENT = "The budget was spent before everything was tried."
_LEAST = 2


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """How a new prompt has to prove itself."""

    measure: Measure
    examples: tuple[Any, ...]
    max_calls: int
    #: How much better than the old prompt's mean score the new one's must be.
    min_gain: float
    #: Share of the examples that a search does not learn from, or the examples themselves.
    held_back: float | Sequence[Any]
    seed: int

    @classmethod
    def of(cls, measure: Measure, examples: Any, config: Mapping[str, Any]) -> MeasureOptions:
        """Read an optimiser's *config*."""
        return cls(
            measure,
            tuple(examples or ()),
            config.get("max_calls", MAX_CALLS),
            config.get("min_gain", 0.0),
            config.get("held_back", 0.5),
            config.get("seed", 0),
        )

    def split(self) -> tuple[list[Example], list[Example]]:
        """Return the examples to learn from, and those held back."""
        learn = [as_example(one) for one in self.examples]
        if not isinstance(self.held_back, int | float):
            held_back = [as_example(one) for one in self.held_back]
            if not learn or not held_back:
                raise ConfigurationError(
                    "A search needs at least one example to learn from, and one in held_back."
                )
            return learn, held_back
        if not 0 < self.held_back < 1:
            raise ConfigurationError(
                "held_back is a share of the examples, more than 0 and less than 1, or a list "
                f"of examples, not {self.held_back}."
            )
        if len(learn) < _LEAST:
            raise ConfigurationError("A search needs at least two examples, better ten or more.")
        random.Random(self.seed).shuffle(learn)  # noqa: S311 - not for secrets
        count = min(len(learn) - 1, max(1, round(len(learn) * self.held_back)))
        return learn[count:], learn[:count]


class Evaluator:
    """Tries prompts on examples, pays for each call, and keeps the outcomes."""

    def __init__(self, measure: Measure, held_back: Sequence[Example], ledger: CallLedger) -> None:
        self.ledger = ledger
        self.held_back = list(held_back)
        self.price = measure.price
        self.tried: dict[str, None] = {}
        self._measure = measure.metered(ledger.meter)
        self._known: dict[tuple[str, int], Outcome] = {}

    async def outcomes(self, prompt: str, examples: Sequence[Example]) -> list[Outcome]:
        """Return what *prompt* makes of *examples*; what was tried before is not tried again.

        Raises `BudgetSpent` where not all of them can be paid for: half a mean is none.
        """
        self.tried.setdefault(prompt)
        fresh = [one for one in examples if (prompt, id(one)) not in self._known]
        if self.ledger.left < len(fresh) * self.price:
            raise BudgetSpent
        for one, outcome in zip(fresh, await self._measure.outcomes(prompt, fresh), strict=True):
            self._known[prompt, id(one)] = outcome
        return [self._known[prompt, id(one)] for one in examples]

    async def candidate(self, prompt: str) -> PromptCandidate:
        """Try *prompt* on the examples held back."""
        await self.outcomes(prompt, self.held_back)
        return self.found(prompt)

    def found(self, prompt: str) -> PromptCandidate:
        """Return what is known of *prompt*."""
        known = [self._known.get((prompt, id(one))) for one in self.held_back]
        scores = tuple(outcome.score for outcome in known if outcome is not None)
        whole = len(scores) == len(known)
        return PromptCandidate(prompt, fmean(scores) if whole else None, scores)

    def verdict(self, kind: str, old: str, gain: float, note: str = "") -> MeasuredPrompt:
        """Return the best prompt that was tried, the old one unless another is better."""
        baseline = self.found(old)
        others = tuple(self.found(prompt) for prompt in self.tried if prompt != old)
        scored = [one for one in others if one.score is not None]
        best = max(scored, key=lambda one: one.score or 0.0, default=baseline)
        known = best.score is not None and baseline.score is not None
        accepted = known and (best.score or 0.0) > (baseline.score or 0.0) + gain
        costs = (self.ledger.calls, self.ledger.most, self.ledger.tokens)
        report = Report(kind, accepted, baseline, others, len(self.held_back), *costs, note)
        return MeasuredPrompt(best.prompt if accepted else old, report)


def guarded(
    kind: str, model: ChatModel, make: Callable[[ChatModel], Rewriter], options: MeasureOptions
) -> Rewriter:
    """Return the rewriter that *make* makes, its result taken only if it scores better."""

    async def rewrite(case: Case) -> str:
        ledger = CallLedger(options.max_calls)
        held_back = [as_example(one) for one in options.examples or case.examples]
        if not held_back:
            raise ConfigurationError("accept needs examples=[…] to try the new prompt on.")
        evaluator = Evaluator(options.measure, held_back, ledger)
        try:
            new = await make(ledger.meter(model))(case)
            if new != case.text:
                await evaluator.candidate(case.text)
                await evaluator.candidate(new)
        except BudgetSpent:
            return evaluator.verdict(kind, case.text, options.min_gain, SPENT)
        return evaluator.verdict(kind, case.text, options.min_gain)

    return rewrite
