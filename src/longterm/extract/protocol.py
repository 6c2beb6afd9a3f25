"""Ways to talk with a model: how it is asked, how its answer is read, how it hears back.

`ToolCalls` (in `tool_calls`) is for models that call tools; `JsonAnswer` (in `json_answer`)
for the others, by the provider's structured output or by words alone. This file holds what
they share: the interface and its nouns.

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
from longterm.extract.schema import Kind
from longterm.memory.conversation import render
from longterm.memory.model import Document
from longterm.models.names import ChatModel

__all__ = ["Brief", "Dialogue", "Outcomes", "Repertoire", "Scene", "opening", "target_of"]

#: What became of each proposal, by its id, in words for the model.
Outcomes = Mapping[str, str]

_NUMBER = re.compile(r"\s*\[?\s*(\d{1,9})\s*\]?\s*")


@dataclass(frozen=True, slots=True)
class Repertoire:
    """What a manager's model may do: the kinds of memory and the permitted actions."""

    kinds: tuple[Kind, ...]
    permissions: Permissions
    #: Something must be answered: exactly one value is asked for.
    required: bool = False

    def actions(self, scene: Scene) -> list[str]:
        """Return, in words, what may be done in *scene*."""
        if self.required:
            return []
        allowed = {
            prompts.ADDING: self.adds(scene),
            prompts.CHANGING: self.changes(scene),
            prompts.REMOVING: self.removes(scene),
        }
        return [words for words, allow in allowed.items() if allow]

    def offers(self, scene: Scene) -> bool:
        """Whether there is anything to ask for in *scene*."""
        return self.adds(scene) or self.changes(scene) or self.removes(scene)

    def adds(self, scene: Scene) -> bool:
        """Whether memories may be added; a profile's first document always may."""
        return self.permissions.inserts or not scene.known

    def changes(self, scene: Scene) -> bool:
        """Whether memories may be changed."""
        return self.permissions.updates and scene.known

    def removes(self, scene: Scene) -> bool:
        """Whether memories may be removed."""
        return self.permissions.deletes and scene.known


@dataclass(frozen=True, slots=True)
class Scene:
    """What the moment offers."""

    #: There are memories that could be changed.
    known: bool
    #: … and some of them have no schema of ours.
    untyped: bool = False
    #: The model will see what became of its proposals, and may go on.
    stepwise: bool = False


@dataclass(frozen=True, slots=True)
class Brief:
    """What a model is told at the beginning."""

    scene: Scene
    #: What is worth keeping, in the user's words or ours.
    instructions: str
    #: The text that stands around the instructions.
    frame: str
    known: Sequence[tuple[int, Document]]
    messages: Sequence[BaseMessage]
    #: Where the messages carry no times of their own.
    today: date | None


def opening(brief: Brief, repertoire: Repertoire, guide: str) -> list[BaseMessage]:
    """Return the usual beginning: what to do and, as *guide* says, how; then the data, fenced."""
    actions = [*repertoire.actions(brief.scene), guide]
    known, conversation = prompts.known_block(brief.known), render(brief.messages)
    return [
        SystemMessage(prompts.system(brief.frame, brief.instructions, actions)),
        HumanMessage(prompts.session(known, conversation, brief.today)),
    ]


class Dialogue(Protocol):
    """One way to talk with one model."""

    @property
    def mixes_numbers_up(self) -> bool:
        """Whether a memory's number in an answer may be a slip of the model."""
        ...

    def model(self, scene: Scene) -> ChatModel:
        """Return the model, ready to be asked in *scene*."""
        ...

    def opening(self, brief: Brief) -> list[BaseMessage]:
        """Return the messages to begin with."""
        ...

    def read(self, answer: Any) -> list[Proposed]:
        """Return what *answer* proposes, in its order."""
        ...

    def reply(self, answer: Any, outcomes: Outcomes) -> list[BaseMessage]:
        """Return *answer* and what became of its proposals, as messages to go on with."""
        ...


def target_of(value: Any) -> Target:
    """Read a memory's number in the forms models write it: 3, 3.0, "3", "[3]"; else an id."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    number = _NUMBER.fullmatch(str(value))
    return int(number[1]) if number else str(value)
