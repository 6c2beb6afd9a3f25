"""Ways to talk with a model: how it is asked, how its answer is read, how it hears back.

`ToolCallProtocol` (in `tool_calls`) is for models that call tools; `JsonProtocol` (in
`json_answer`) for the others, by the provider's structured output or by words alone. This file
holds what they share: the interface and its nouns.

Rule: reading never drops anything. What cannot be understood becomes `Unreadable`, and the
engine decides what to do about it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from longterm.extract import prompts
from longterm.extract.proposal import Permissions, Proposed, Target
from longterm.extract.schema import MemorySchema
from longterm.memory.conversation import render
from longterm.memory.model import Document
from longterm.models.answer import Answer
from longterm.models.names import ChatModel

__all__ = [
    "AllowedActions",
    "ModelProtocol",
    "Offer",
    "Outcomes",
    "PromptInput",
    "State",
    "opening_message",
    "says_nothing",
    "target_of",
]

#: What became of each proposal, by its id, in words for the model.
Outcomes = Mapping[str, str]

#: A number, alone or at the head of a remark that names no other one in brackets.
_NUMBER = re.compile(
    r"\s*(?:\[\s*(\d{1,9})\s*\](?!.*\[\s*\d).*|(\d{1,9})(?:\.0+)?\s*\]?\s*)", re.DOTALL
)


#: "Nothing", as models say it when they call no tool: alone, or at the head of a short remark.
_NOTHING = re.compile(
    r"\W*(?:(?:done|ok(?:ay)?|no|none|n/a|nil|keine|нет|無|无)\W*\Z"
    r"|nothing\b|nichts\b|rien\b|nada\b|niente\b|ничего\b|没有|沒有|なし|없"
    r"|(?:there (?:is|are|was|were)|there['\u2019]s|I (?:see|found|have)) (?:nothing|no)\b"
    r"|no (?:new|further|more|memory|memories|facts?|changes?|updates?|actions?|tools?)\b)",
    re.IGNORECASE,
)
_REMARK_LENGTH = 300  # who has more to say than this has something to say


@dataclass(frozen=True, slots=True)
class AllowedActions:
    """What a manager's model may do: the kinds of memory and the permitted actions."""

    kinds: tuple[MemorySchema, ...]
    permissions: Permissions
    #: Something must be answered: exactly one value is asked for.
    required: bool = False
    #: Of a change, the model may say which messages it comes from.
    cites: bool = False

    def at(self, state: State) -> Offer:
        """Return what may be done in *state*: only what is known can be changed or removed."""
        known = bool(state.known)
        changes = known and self.permissions.updates
        return Offer(
            adds=self.permissions.adds(known=known),
            changes=changes,
            removes=known and self.permissions.deletes,
            changing=[kind for kind in self.kinds if changes and kind.name in state.known],
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """What a model may do at one moment."""

    #: A profile's first document may always be added.
    adds: bool
    changes: bool
    removes: bool
    #: The kinds of which a memory may be changed.
    changing: Sequence[MemorySchema]


@dataclass(frozen=True, slots=True)
class State:
    """What the moment offers."""

    #: The kinds of the memories that could be changed; None for those without a schema of ours.
    known: frozenset[str | None] = frozenset()
    #: The model will see what became of its proposals, and may go on.
    stepwise: bool = False
    #: Something must be answered, and the model is held to a call.
    forced: bool = False


@dataclass(frozen=True, slots=True)
class PromptInput:
    """What a model is given at the beginning."""

    state: State
    #: What is worth keeping, in the user's words or ours.
    instructions: str
    #: The text that stands around the instructions.
    frame: str
    known: Sequence[tuple[int, Document]]
    messages: Sequence[BaseMessage]
    #: Where the messages carry no times of their own.
    today: date | None


def opening_message(
    prompt_input: PromptInput, allowed: AllowedActions, guide: str, *, numbered: bool = False
) -> list[BaseMessage]:
    """Return the usual beginning: what to do and, as *guide* says, how; then the data, fenced.

    With *numbered* messages have numbers by which they can be cited.
    """
    offer = allowed.at(prompt_input.state)
    actions = (
        []
        if allowed.required
        else [
            *[prompts.ADDING] * offer.adds,
            *[prompts.CHANGING] * offer.changes,
            *[prompts.REMOVING] * offer.removes,
        ]
    )
    known = prompts.known_block(prompt_input.known)
    conversation = render(prompt_input.messages, numbered=numbered)
    return [
        SystemMessage(
            prompts.system(prompt_input.frame, prompt_input.instructions, [*actions, guide])
        ),
        HumanMessage(prompts.session(known, conversation, prompt_input.today)),
    ]


class ModelProtocol(Protocol):
    """One way to talk with one model."""

    @property
    def mixes_numbers_up(self) -> bool:
        """Whether a memory's number in an answer may be a slip of the model."""
        ...

    def model(self, state: State) -> ChatModel:
        """Return the model, ready to be asked in *state*."""
        ...

    def opening(self, prompt_input: PromptInput) -> list[BaseMessage]:
        """Return the messages to begin with."""
        ...

    def read(self, answer: Answer) -> list[Proposed]:
        """Return what *answer* proposes, in its order."""
        ...

    def reply(self, answer: Answer, outcomes: Outcomes) -> list[BaseMessage]:
        """Return *answer* and what became of its proposals, as messages to go on with."""
        ...


def target_of(value: Any) -> Target:
    """Read a memory's number in the forms models write it: 3, "3.0", "[3] …"; else an id."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    number = _NUMBER.fullmatch(str(value))
    return int(number[1] or number[2]) if number else str(value)


def says_nothing(answer: Answer) -> bool:
    """Whether *answer* says in words, and to their end, that there is nothing to be done."""
    said = len(answer.text) <= _REMARK_LENGTH and bool(_NOTHING.match(answer.text))
    return said and answer.end == "complete"
