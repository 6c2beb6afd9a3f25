"""The engine: messages + a draft → a changed draft, by asking a model and judging its answer.

One question, usually. Good parts of an answer are kept when another part does not check; the
model is then asked, a bounded number of times, to correct what failed, and what still fails
is reported. An answer that proposes nothing, and was cut, garbled, empty or mere words, is asked
for once more, and so is one that its client could not read: that error comes out only where no
answer could be read at all. Every other error of a model is not caught: it comes out once, as it
is. (Where a provider refuses that a call is forced, the question is put without force.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from difflib import SequenceMatcher

from langchain_core.messages import BaseMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

from longterm.effects.steps import Ask
from longterm.errors import ConfigurationError, UnreadableAnswerError
from longterm.extract import prompts
from longterm.extract.json_answer import JsonProtocol
from longterm.extract.proposal import (
    FinalError,
    Finish,
    NewId,
    Permissions,
    ProposalApplier,
    Proposed,
    ProposedDelete,
    ProposedInsert,
    ProposedUpdate,
    Silent,
    Unreadable,
)
from longterm.extract.protocol import (
    AllowedActions,
    ModelProtocol,
    Outcomes,
    PromptInput,
    State,
)
from longterm.extract.schema import MemorySchema
from longterm.extract.small_models import SmallModelProtocol
from longterm.extract.tool_calls import ToolCallProtocol
from longterm.memory.anchors import Spoken
from longterm.memory.conversation import message_text, message_time
from longterm.memory.model import Draft, ProposalError
from longterm.models.answer import Answer, refuses_a_forced_call
from longterm.models.names import ChatModel, ProtocolName, default_protocol, garbles, says_its_end

__all__ = [
    "MAX_INSERTS",
    "Dropped",
    "Extraction",
    "ExtractionInput",
    "ExtractionReport",
    "Extractor",
]


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something a model proposed that was not carried out."""

    #: The model's own words for it.
    said: str
    reason: str
    #: The reason without a word of the model's or of a memory; "" where it has none.
    plain: str = ""

    @property
    def note(self) -> str:
        """The reason as a log may hold it."""
        return self.plain or self.reason

    def __str__(self) -> str:
        return f"{self.said}: {self.reason}" if self.said else self.reason


@dataclass(frozen=True, slots=True)
class ExtractionReport:
    """What happened on the way to a result."""

    #: How many times a model was asked.
    asked: int = 0
    dropped: tuple[Dropped, ...] = ()
    #: Tokens, as the models count them; None where none did.
    usage: UsageMetadata | None = None

    def __add__(self, other: ExtractionReport) -> ExtractionReport:
        usage = add_usage(self.usage, other.usage) if self.usage or other.usage else None
        return ExtractionReport(self.asked + other.asked, self.dropped + other.dropped, usage)


#: How often, in one extraction, a model may be asked to correct what failed.
MAX_REPAIRS = 2
#: How many new memories one answer may bring; what is beyond is reported.
MAX_INSERTS = 100
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
    #: In place of the extractor's own, which may have placeholders.
    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """A draft after a conversation, and how it came about."""

    draft: Draft
    report: ExtractionReport


class Extractor:
    """Extracts memories with one model, one set of schemas and one prompt.

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
        max_inserts: int = MAX_INSERTS,
        cites: bool = False,
    ) -> None:
        self._permissions = permissions
        self._kinds = kinds
        self._names = {kind.name for kind in kinds}
        self._instructions = instructions
        self._frame = frame
        self._required = required
        self._max_inserts = max_inserts
        allowed = AllowedActions(kinds, permissions, required=required, cites=cites)
        self._protocol = _protocol(model, allowed, protocol)
        self._allowed = allowed
        #: Whether the model is held to a call; given up where its provider refuses that.
        self._forces = required and isinstance(self._protocol, ToolCallProtocol)

    async def extract(self, given: ExtractionInput) -> Extraction:
        """Ask the model about *given* until it is done or its steps and repairs are used up."""
        mixed_up = self._protocol.mixes_numbers_up
        said = "\n".join(map(message_text, given.messages)) if mixed_up else None
        begin = datetime.combine(given.today, time.min)
        times = [message_time(message) for message in given.messages]
        spoken = [
            Spoken(message_text(message), time or begin)
            for message, time in zip(given.messages, times, strict=True)
        ]
        applier = ProposalApplier(
            self._kinds,
            self._permissions,
            given.new_id,
            said,
            self._max_inserts,
            () if self._required else spoken,
        )
        loop = LoopState(given.draft, given.max_steps)
        state = self._state(given.draft, given)
        offer = self._allowed.at(state)
        if not (offer.adds or offer.changes or offer.removes):
            return Extraction(loop.draft, loop.report)
        messages = self._protocol.opening(
            PromptInput(
                state,
                given.instructions or self._instructions,
                self._frame,
                given.draft.living,
                given.messages,
                None if any(times) else given.today,
            )
        )
        while True:
            answer = await self._ask(state, messages)
            loop = loop.after(answer, self._read(answer, loop), applier)
            if loop.done and loop.silence and answer.error and loop.draft is given.draft:
                raise answer.error  # not one answer that could be read
            if loop.done:
                return Extraction(loop.draft, loop.report)
            messages = [*messages, *self._protocol.reply(answer, loop.outcomes)]
            state = self._state(loop.draft, given)

    async def _ask(self, state: State, messages: Sequence[BaseMessage]) -> Answer:
        forced = self._forces
        try:
            model = self._protocol.model(replace(state, forced=True) if forced else state)
            answer = Answer.of(await Ask(model, messages))
        except Exception as error:
            refused = forced and refuses_a_forced_call(error)
            answer = Answer.of_error(error)
            if answer and not (refused and isinstance(error, UnreadableAnswerError)):
                return answer
            if not refused:
                raise
        else:
            void = answer.is_void and says_its_end(model)
            return replace(answer, end="malformed") if void else answer
        self._forces = False
        return await self._ask(state, messages)

    def _read(self, answer: Answer, loop: LoopState) -> list[Proposed]:
        """Return what *answer* proposes; how it ended decides what is asked for again."""
        proposed = self._protocol.read(answer)
        silent = any(isinstance(one.proposal, Silent) for one in proposed)
        if answer.refused_by_mark or (silent and answer.refused):  # nothing in it to correct
            return [one for one in proposed if not isinstance(one.proposal, Silent | Unreadable)]
        if silent or not (proposed or answer.text):
            fault = {"cut": prompts.CUT, "malformed": prompts.MALFORMED}.get(answer.end)
            if answer.only_thought:
                fault = prompts.CUT_THINKING
            if fault:
                return [Proposed(Silent(fault), "0", answer.text)]
            if self._required:
                return [Proposed(Unreadable(prompts.NOTHING_YET), "0", "")]
            return [] if loop.so_far.asked and not loop.silence else proposed
        if self._required and not proposed:
            return [Proposed(Unreadable(prompts.NOTHING_YET), "0", "")]
        if answer.end == "malformed":
            return [*proposed, Proposed(Unreadable(prompts.MALFORMED), str(len(proposed)), "")]
        return proposed

    def _state(self, draft: Draft, given: ExtractionInput) -> State:
        known = {entry.document.kind for entry in draft.entries if not entry.deleted}
        ours = frozenset(kind if kind in self._names else None for kind in known)
        return State(ours, stepwise=given.max_steps > 1)


@dataclass(frozen=True, slots=True)
class LoopState:
    """Where an extraction stands, at its beginning or after an answer."""

    draft: Draft
    steps: int
    repairs: int = MAX_REPAIRS
    #: What failed and was not corrected yet.
    pending: tuple[Dropped, ...] = ()
    #: Why the last answer proposed nothing, where that was no answer at all.
    silence: Dropped | None = None
    #: What became of the last answer's proposals, in words for the model.
    outcomes: Outcomes = field(default_factory=dict[str, str])
    #: Without what is pending.
    so_far: ExtractionReport = field(default_factory=ExtractionReport)
    done: bool = False

    @property
    def report(self) -> ExtractionReport:
        """What happened, with what is still pending given up."""
        if self.silence is None and not self.pending:
            return self.so_far
        silence = () if self.silence is None else (self.silence,)
        return self.so_far + ExtractionReport(dropped=(*self.pending, *silence))

    def after(
        self, answer: Answer, proposed: Sequence[Proposed], applier: ProposalApplier
    ) -> LoopState:
        """Return where things stand after *answer*, which proposed *proposed*."""
        results = _applied(self.draft, proposed, applier)
        # Words of refusal after a question about what failed only mean that it is left out.
        refused = answer.refused_by_mark or (not (proposed or self.pending) and answer.refused)
        refusal = (Dropped(answer.refusal or "", prompts.REFUSED),) if refused else ()
        silent = any(isinstance(one.proposal, Silent) for one in proposed)
        failed = () if silent else results.failed
        repairs = results.failed and self.repairs and not (silent and self.silence)
        finished = not proposed or any(isinstance(one.proposal, Finish) for one in proposed)
        return LoopState(
            results.draft,
            self.steps if repairs else self.steps - 1,
            self.repairs - 1 if repairs else self.repairs,
            (*failed, *(_unanswered(self.pending, proposed) if self.pending else ())),
            results.failed[0] if silent else None,
            results.outcomes,
            self.so_far + ExtractionReport(1, refusal + results.left_out, answer.usage),
            done=not repairs and (silent or finished or self.steps <= 1),
        )


def _unanswered(pending: Sequence[Dropped], proposed: Sequence[Proposed]) -> list[Dropped]:
    """Return what failed without the ones that *proposed* stand for: each for what it resembles."""
    left = list(pending)
    corrections = [one for one in proposed if not isinstance(one.proposal, Finish | Silent)]
    for one in corrections[: len(left)]:
        closest = max(
            left,
            key=lambda failed: SequenceMatcher(
                None, failed.said[:_COMPARED], one.said[:_COMPARED]
            ).ratio(),
        )
        left.remove(closest)
    return left


@dataclass(frozen=True, slots=True)
class _Results:
    """A draft after one answer; what failed; and what to tell the model about each proposal."""

    draft: Draft
    failed: tuple[Dropped, ...] = ()
    #: What was left out and is not to be asked about again.
    left_out: tuple[Dropped, ...] = ()
    outcomes: Outcomes = field(default_factory=dict[str, str])


def _applied(draft: Draft, proposed: Sequence[Proposed], applier: ProposalApplier) -> _Results:
    """Carry out *proposed*, one after the other; one that fails does not hold up the others."""
    failed: list[Dropped] = []
    left_out: list[Dropped] = []
    outcomes: dict[str, str] = {}
    begun = len(draft.entries)
    for one in proposed:
        try:
            after, ignored = applier.apply(draft, one.proposal, begun)
        except FinalError as error:
            left_out.append(Dropped(one.said, str(error), error.plain))
            outcomes[one.id] = prompts.SEEN
        except ProposalError as error:
            failed.append(Dropped(one.said, str(error), error.plain))
            silent = isinstance(one.proposal, Silent)
            outcomes[one.id] = (prompts.again if silent else prompts.not_done)(str(error))
        else:
            left_out += [Dropped(one.said, ignored, prompts.IGNORED)] if ignored else []
            outcomes[one.id] = _outcome(draft, after, one)
            draft = after
    return _Results(draft, tuple(failed), tuple(left_out), outcomes)


def _outcome(before: Draft, after: Draft, one: Proposed) -> str:
    match one.proposal:
        case ProposedInsert() if len(after.entries) > len(before.entries):
            return prompts.ADDED.format(len(before.entries))
        case ProposedInsert():
            return prompts.KNOWN_ALREADY
        case ProposedUpdate(target, _):
            return prompts.CHANGED.format(after.number(target))
        case ProposedDelete(target):
            return prompts.REMOVED.format(after.number(target))
        case _:
            return prompts.SEEN


def _protocol(
    model: ChatModel, allowed: AllowedActions, protocol: ProtocolName | None
) -> ModelProtocol:
    match protocol or default_protocol(model):
        case "tools" if not protocol and any(
            garbles(model, one.parameters) for one in allowed.kinds
        ):
            return JsonProtocol(model, allowed, structured=True)
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
