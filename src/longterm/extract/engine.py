"""The engine: messages + a draft → a changed draft, by asking a model and judging its answer.

One question, usually. Good parts of an answer are kept when another part does not check; the
model is then asked, a bounded number of times, to correct what failed, and what still fails
is reported. A model's error is not caught: it comes out once, as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import SequenceMatcher
from typing import Any

from langchain_core.messages import BaseMessage

from longterm.effects.steps import ask
from longterm.errors import ConfigurationError
from longterm.extract import prompts
from longterm.extract.json_answer import JsonProtocol
from longterm.extract.proposal import (
    Finish,
    NewId,
    Permissions,
    ProposalApplier,
    Proposed,
    ProposedDelete,
    ProposedInsert,
    ProposedUpdate,
    UngroundedError,
    Unreadable,
)
from longterm.extract.protocol import (
    AllowedActions,
    ModelProtocol,
    Outcomes,
    PromptInput,
    State,
)
from longterm.extract.report import Dropped, Report, refusals_in, usage_of
from longterm.extract.schema import MemorySchema
from longterm.extract.small_models import SmallModelProtocol
from longterm.extract.tool_calls import ToolCallProtocol
from longterm.memory.conversation import message_text, message_time
from longterm.memory.draft import Draft, ProposalError
from longterm.models.names import ChatModel, ProtocolName, default_protocol

__all__ = ["Extraction", "ExtractionInput", "Extractor"]

#: How often, in one extraction, a model may be asked to correct what failed.
MAX_REPAIRS = 2
#: How many characters of two proposals are compared.
_COMPARED = 500


@dataclass(frozen=True, slots=True)
class ExtractionInput:
    """What one extraction starts from."""

    messages: Sequence[BaseMessage]
    draft: Draft
    #: How often the model may act; it sees what became of its proposals in between.
    max_steps: int
    #: The date that "yesterday" is reckoned from where messages carry no time.
    today: date
    new_id: NewId


@dataclass(frozen=True, slots=True)
class Extraction:
    """A draft after a conversation, and how it came about."""

    draft: Draft
    report: Report


class Extractor:
    """Extracts memories with one model, one set of schemas and one prompts.

    Everything that does not depend on the conversation is prepared here, once.
    """

    def __init__(
        self,
        model: ChatModel,
        kinds: tuple[MemorySchema, ...],
        permissions: Permissions,
        *,
        instructions: str = prompts.INSTRUCTIONS,
        frame: str = prompts.MEMORY_FRAME,
        protocol: ProtocolName | None = None,
        required: bool = False,
    ) -> None:
        self._permissions = permissions
        self._kinds = kinds
        self._instructions = instructions
        self._frame = frame
        self._required = required
        self._allowed = AllowedActions(kinds, permissions, required=required)
        self._protocol = _protocol(model, self._allowed, protocol)

    async def extract(self, session: ExtractionInput) -> Extraction:
        """Ask the model about *session* until it is done or its steps and repairs are used up."""
        judge = ProposalApplier(self._kinds, self._permissions, session.new_id, self._said(session))
        turn = LoopState(session.draft, session.max_steps)
        if not self._allowed.offers(self._state(session.draft, session)):
            return Extraction(turn.draft, turn.report)
        messages = self._protocol.opening(self._prompt_input(session))
        while not turn.done:
            answer = await ask(self._protocol.model(self._state(turn.draft, session)), messages)
            turn = turn.after(answer, self._read(answer), judge)
            messages = [*messages, *self._protocol.reply(answer, turn.outcomes)]
        return Extraction(turn.draft, turn.report)

    def _said(self, session: ExtractionInput) -> str | None:
        if not self._protocol.mixes_numbers_up:
            return None
        return "\n".join(map(message_text, session.messages))

    def _read(self, answer: Any) -> list[Proposed]:
        proposed = self._protocol.read(answer)
        if refusals_in(answer):  # an answer like any other: there is nothing to correct in it
            return [one for one in proposed if not isinstance(one.proposal, Unreadable)]
        if self._required and not proposed:
            return [Proposed(Unreadable(prompts.NOTHING_YET), "0", "")]
        return proposed

    def _prompt_input(self, session: ExtractionInput) -> PromptInput:
        dated = any(message_time(message) for message in session.messages)
        return PromptInput(
            self._state(session.draft, session),
            self._instructions,
            self._frame,
            session.draft.living,
            session.messages,
            None if dated else session.today,
        )

    def _state(self, draft: Draft, session: ExtractionInput) -> State:
        names = {kind.name for kind in self._kinds}
        living = draft.living
        return State(
            known=bool(living),
            untyped=any(document.kind not in names for _, document in living),
            stepwise=session.max_steps > 1,
        )


@dataclass(frozen=True, slots=True)
class LoopState:
    """Where an extraction stands, at its beginning or after an answer."""

    draft: Draft
    steps: int
    repairs: int = MAX_REPAIRS
    #: What failed and was not corrected yet.
    pending: tuple[Dropped, ...] = ()
    #: What became of the last answer's proposals, in words for the model.
    outcomes: Outcomes = field(default_factory=dict[str, str])
    #: Without what is pending.
    so_far: Report = field(default_factory=Report)
    done: bool = False

    @property
    def report(self) -> Report:
        """What happened, with what is still pending given up."""
        return self.so_far + Report(dropped=self.pending)

    def after(self, answer: Any, proposed: Sequence[Proposed], judge: ProposalApplier) -> LoopState:
        """Return where things stand after *answer*, which proposed *proposed*."""
        verdict = _judged(self.draft, proposed, judge)
        left = _unanswered(self.pending, proposed)
        turn = LoopState(
            verdict.draft,
            self.steps,
            self.repairs,
            (*verdict.failed, *left),
            verdict.outcomes,
            self.so_far + Report(1, refusals_in(answer) + verdict.slips, usage_of(answer)),
        )
        return turn._next(repair=bool(verdict.failed), finished=_finished(proposed))

    def _next(self, *, repair: bool, finished: bool) -> LoopState:
        if repair and self.repairs:
            return replace(self, repairs=self.repairs - 1)
        return replace(self, steps=self.steps - 1, done=finished or self.steps <= 1)


def _unanswered(pending: Sequence[Dropped], proposed: Sequence[Proposed]) -> list[Dropped]:
    """Return what failed without the ones that *proposed* stand for: each for what it resembles."""
    left = list(pending)
    corrections = [one for one in proposed if not isinstance(one.proposal, Finish)]
    for one in corrections[: len(left)]:
        left.remove(_closest(left, one.said))
    return left


def _closest(failed: Sequence[Dropped], said: str) -> Dropped:
    return max(failed, key=lambda one: _likeness(one.said, said))


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:_COMPARED], other[:_COMPARED]).ratio()


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A draft after one answer; what failed; and what to tell the model about each proposal."""

    draft: Draft
    failed: tuple[Dropped, ...] = ()
    #: What was left out and is not to be asked about again.
    slips: tuple[Dropped, ...] = ()
    outcomes: Outcomes = field(default_factory=dict[str, str])


def _judged(draft: Draft, proposed: Sequence[Proposed], judge: ProposalApplier) -> _Verdict:
    verdict = _Verdict(draft)
    for one in proposed:
        verdict = _with_one(verdict, one, judge)
    return verdict


def _with_one(verdict: _Verdict, one: Proposed, judge: ProposalApplier) -> _Verdict:
    try:
        draft = judge.judge(verdict.draft, one.proposal)
    except UngroundedError as error:
        slips = (*verdict.slips, Dropped(one.said, str(error)))
        return replace(verdict, slips=slips, outcomes={**verdict.outcomes, one.id: prompts.SEEN})
    except ProposalError as error:
        failed = (*verdict.failed, Dropped(one.said, str(error)))
        told = {**verdict.outcomes, one.id: prompts.not_done(str(error))}
        return replace(verdict, failed=failed, outcomes=told)
    told = {**verdict.outcomes, one.id: _outcome(verdict.draft, draft, one)}
    return replace(verdict, draft=draft, outcomes=told)


def _outcome(before: Draft, after: Draft, one: Proposed) -> str:
    match one.proposal:
        case ProposedInsert() if len(after.entries) > len(before.entries):
            return prompts.added(len(before.entries))
        case ProposedInsert():
            return prompts.KNOWN_ALREADY
        case ProposedUpdate(target, _):
            return prompts.changed(after.number(target))
        case ProposedDelete(target):
            return prompts.removed(after.number(target))
        case _:
            return prompts.SEEN


def _finished(proposed: Sequence[Proposed]) -> bool:
    return not proposed or any(isinstance(one.proposal, Finish) for one in proposed)


def _protocol(
    model: ChatModel, allowed: AllowedActions, protocol: ProtocolName | None
) -> ModelProtocol:
    match protocol or default_protocol(model):
        case "tools":
            return ToolCallProtocol(model, allowed)
        case "notes" if not allowed.required:
            return SmallModelProtocol(model, allowed, structured=True)
        case "json" | "notes":
            return JsonProtocol(model, allowed, structured=True)
        case "text":
            return JsonProtocol(model, allowed, structured=False)
        case other:  # pyright: ignore[reportUnnecessaryComparison] - callers may not check types
            raise ConfigurationError(
                f"protocol is 'tools', 'json', 'notes' or 'text', not {other!r}."
            )
