"""Search for better prompts with gepa: which to change, on which examples, and which to keep.

The only module that imports gepa. It decides what to try; asking, scoring, paying and the rules
for placeholders stay ours. What goes wrong in our part comes through as it is, once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar, cast

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda

from longterm.effects.drivers import run
from longterm.effects.steps import Flow, ask
from longterm.errors import MissingExtraError
from longterm.models.names import ChatModel
from longterm.prompts.inputs import show_trajectories
from longterm.prompts.kinds import metaprompt
from longterm.prompts.ledger import BudgetSpent, CallLedger
from longterm.prompts.measure import Example, Outcome
from longterm.prompts.measured import SPENT, Evaluator, MeasureOptions
from longterm.prompts.rewrite import Case, Rewriter
from longterm.types import AnnotatedTrajectory, Prompt

try:
    from gepa.api import optimize  # pyright: ignore[reportUnknownVariableType]
    from gepa.core.adapter import EvaluationBatch
except ImportError as error:
    raise MissingExtraError('The optimiser kind "gepa"', "optimize") from error

__all__ = ["searched"]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_NAME = "prompt"
_BATCH = 3
_ROUNDS = 30
_REPAIR = 2  # a proposal is one call, and one more if it has to be mended


class _Failed(BaseException):
    """Carries an error of ours through gepa, which would log it, retry and go on."""


def searched(model: ChatModel, options: MeasureOptions, config: Mapping[str, Any]) -> Rewriter:
    """Return a rewriter that tries many candidates and takes the best, if it is better."""
    once = {**config, "max_reflection_steps": 1, "min_reflection_steps": 0}
    batch, rounds = config.get("batch_size", _BATCH), config.get("max_rounds", _ROUNDS)

    def work(case: Case, runnable_config: RunnableConfig) -> str:
        learn, held_back = replace(options, examples=options.examples or case.examples).split()
        ledger = CallLedger(options.max_calls)
        evaluator = Evaluator(options.measure, held_back, ledger)
        rewriter = metaprompt(ledger.meter(model), once)
        size = min(batch, len(learn))
        note = ""
        try:
            run(evaluator.candidate(case.text), runnable_config)
            optimize(
                seed_candidate={_NAME: case.text},
                trainset=list(learn),
                valset=evaluator.held_back,
                adapter=cast("Any", _Adapter(case, evaluator, rewriter, runnable_config)),
                reflection_minibatch_size=size,
                stop_callbacks=cast("Any", _Stop(evaluator, size, rounds)),
                logger=_Quiet(),
                seed=options.seed,
            )
        except BudgetSpent:
            note = SPENT
        except _Failed as failed:
            if not isinstance(failed.__cause__, BudgetSpent):
                raise cast("BaseException", failed.__cause__) from None
            note = SPENT
        return evaluator.verdict("gepa", case.text, options.min_gain, note)

    def start(case: Case) -> Flow[str]:
        # gepa drives and cannot be driven; as one step it blocks a thread and not the loop.
        def blocking(_: Any, config: RunnableConfig) -> str:
            return work(case, config)

        return ask(RunnableLambda(blocking, name="gepa"), ())

    return start


class _Stop:
    """Ends the search when another round might not be paid for to its end."""

    def __init__(self, evaluator: Evaluator, batch: int, rounds: int) -> None:
        self.evaluator = evaluator
        self.rounds = rounds
        self.round = 0
        self.cost = _REPAIR + (2 * batch + len(evaluator.held_back)) * evaluator.price

    def __call__(self, state: Any) -> bool:
        self.round += 1
        return self.round > self.rounds or self.evaluator.ledger.left < self.cost


class _Quiet:
    def log(self, message: str) -> None:
        _LOG.debug("%s", message)


class _Adapter:
    """What gepa asks us to do."""

    def __init__(
        self, case: Case, evaluator: Evaluator, rewriter: Rewriter, config: RunnableConfig
    ) -> None:
        self.case = case
        self.evaluator = evaluator
        self.rewriter = rewriter
        self.config = config

    def evaluate(
        self,
        batch: list[Example],
        candidate: dict[str, str],
        capture_traces: bool = False,
    ) -> Any:
        """Try *candidate* on *batch*."""
        outcomes = self._run(lambda: self.evaluator.outcomes(candidate[_NAME], batch))
        scores = [outcome.score for outcome in outcomes]
        traces = list(zip(batch, outcomes, strict=True)) if capture_traces else None
        return EvaluationBatch(outputs=outcomes, scores=scores, trajectories=traces)

    def make_reflective_dataset(
        self,
        candidate: dict[str, str],
        eval_batch: Any,
        components_to_update: list[str],
    ) -> dict[str, Any]:
        """Return what went on, as trajectories with feedback."""
        records: list[dict[str, AnnotatedTrajectory]] = []
        for example, outcome in cast("list[tuple[Example, Outcome]]", eval_batch.trajectories):
            messages = [*example.messages, AIMessage(outcome.answer)]
            notes = {"score": outcome.score, "feedback": outcome.feedback}
            notes["expected"] = example.expected
            feedback = {key: note for key, note in notes.items() if note != ""}
            records.append({"trajectory": AnnotatedTrajectory(messages, feedback)})
        return {_NAME: records}

    def propose_new_texts(
        self,
        candidate: dict[str, str],
        reflective_dataset: Any,
        components_to_update: list[str],
    ) -> dict[str, str]:
        """Rewrite *candidate* from what went on."""
        shown = show_trajectories([record["trajectory"] for record in reflective_dataset[_NAME]])
        prompt = cast("Prompt", {**self.case.prompt, "prompt": candidate[_NAME]})
        case = replace(self.case, prompt=prompt, trajectories=shown)
        return {_NAME: self._run(lambda: self.rewriter(case))}

    def _run(self, flow: Callable[[], Flow[T]]) -> T:
        try:
            return run(flow(), self.config)
        except Exception as error:
            raise _Failed from error
