"""Types of what callers hand in: a type checker finds a misspelt key, nothing runs here.

Everything is read only to us, so that a graph's state, or any other TypedDict with these keys
and more, is an input as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, NotRequired

from langchain_core.messages import BaseMessage
from typing_extensions import ReadOnly, TypedDict

__all__ = [
    "AnnotatedTrajectory",
    "Conversation",
    "GradientOptimizerConfig",
    "MemoryManagerInput",
    "MemoryPhase",
    "MemoryStoreManagerInput",
    "MessageLike",
    "MessagesInput",
    "MetapromptOptimizerConfig",
    "MultiPromptOptimizerInput",
    "OptimizerInput",
    "Prompt",
    "RecallInput",
]

#: A message: LangChain's, OpenAI's dict, a pair of role and text, or the user's text.
MessageLike = BaseMessage | Mapping[str, Any] | tuple[str, Any] | str

#: Messages in their order; a text, or a message, stands for a conversation of one.
Conversation = Sequence[MessageLike] | BaseMessage


class MessagesInput(TypedDict):
    """A conversation."""

    messages: ReadOnly[Conversation | Mapping[str, Any] | None]


class MemoryStoreManagerInput(MessagesInput):
    """A conversation to keep memories of."""

    #: How often the model may act on the outcome of its calls; 1 by default.
    max_steps: ReadOnly[NotRequired[int | None]]


class MemoryManagerInput(MemoryStoreManagerInput):
    """A conversation to extract memories from, and what is known already."""

    #: Texts, ``(id, model)``, ``(id, kind, dict)``, `ExtractedMemory`, models, dicts, store items.
    existing: ReadOnly[NotRequired[Iterable[Any] | None]]


class RecallInput(TypedDict):
    """A question, and what it is about beside the config's words."""

    question: ReadOnly[str]
    #: Left out, whatever else is found: what this thread says is read anyway.
    thread: ReadOnly[NotRequired[str | None]]
    #: What "last week" is relative to.
    now: ReadOnly[NotRequired[datetime | str | None]]
    #: What came later is not recalled.
    as_of: ReadOnly[NotRequired[datetime | str | None]]
    #: Memories that say of themselves that they were not true then are not recalled.
    valid_at: ReadOnly[NotRequired[date | str | None]]


class MemoryPhase(TypedDict, total=False):
    """A further pass over the memories after the first extraction."""

    instructions: str
    include_messages: bool
    enable_inserts: bool
    enable_updates: bool
    enable_deletes: bool


class _Named(TypedDict):
    name: str
    prompt: str


class Prompt(_Named, total=False):
    """A prompt of a system, with advice on how and when to change it."""

    update_instructions: str | None
    when_to_update: str | None


class AnnotatedTrajectory(NamedTuple):
    """A conversation, and feedback on it: words, a score, a dict, or the better answer."""

    messages: Sequence[Any]
    feedback: Any = None


class MetapromptOptimizerConfig(TypedDict, total=False):
    """Options of the optimiser of kind "metaprompt"."""

    metaprompt: str
    max_reflection_steps: int
    min_reflection_steps: int


class GradientOptimizerConfig(MetapromptOptimizerConfig, total=False):
    """Options of the optimiser of kind "gradient"."""

    gradient_prompt: str


class OptimizerInput(TypedDict):
    """Input of a prompt optimiser."""

    #: Conversations, each with or without feedback: a text, pairs, or `AnnotatedTrajectory`.
    trajectories: ReadOnly[NotRequired[str | Sequence[Any] | None]]
    prompt: ReadOnly[str | Prompt]


class MultiPromptOptimizerInput(TypedDict):
    """Input of an optimiser of several prompts."""

    trajectories: ReadOnly[str | Sequence[Any] | None]
    prompts: ReadOnly[Sequence[Prompt]]
