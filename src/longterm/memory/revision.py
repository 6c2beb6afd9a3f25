"""Revisions: what a memory was after one change, and the messages it came from.

An origin never changes, and what is derived has the weakest origin of its sources: content
can be reworded until it looks harmless, where it came from cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal

from longterm.memory.model import shown_content

__all__ = [
    "Action",
    "Actor",
    "ExtractionRun",
    "Origin",
    "Revision",
    "Source",
    "json_sources",
    "origin_of",
    "sources_in",
    "sources_now",
    "weakest",
]

Origin = Literal["user", "assistant", "tool", "import"]
Action = Literal["created", "changed", "deleted", "restored", "erased"]
Actor = Literal["manager", "tool", "user", "import", "policy"]

#: From the most trusted to the least.
_ORIGINS: tuple[Origin, ...] = ("user", "assistant", "tool", "import")


@dataclass(frozen=True, slots=True)
class Source:
    """A message that a memory came from; None where it is not known."""

    thread_id: str | None = None
    message_id: str | None = None
    #: When it was said.
    time: datetime | None = None
    speaker: str | None = None
    #: As the message had it: user, assistant, tool, …
    role: str | None = None
    origin: Origin = "import"
    #: The words that matter, or the beginning of the message.
    quote: str = ""


_SOURCE_FIELDS = tuple(field.name for field in fields(Source))
_fields_of = attrgetter(*_SOURCE_FIELDS)


@dataclass(frozen=True, slots=True)
class ExtractionRun:
    """What one extraction used: once, for all the memories that it wrote."""

    #: The same in the revisions of one run, so that their cost is counted once.
    id: str
    #: How many memories it was to write; those that the guard kept out are among them.
    memories: int
    input_tokens: int
    output_tokens: int
    #: In US dollars, at the price of that day; None where the price is not known.
    cost: float | None = None

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def account(self) -> str:
        """What was used, and for how many memories: "1,240 tokens, $0.0004 for 3 memories"."""
        spent = "" if self.cost is None else f", ${self.cost:.4f}"
        memories = "1 memory" if self.memories == 1 else f"{self.memories} memories"
        return f"{self.tokens:,} tokens{spent} for {memories}"


@dataclass(frozen=True, slots=True)
class Revision:
    """What a memory was after one change; a memory's revisions count from 1."""

    number: int
    action: Action
    #: The stored value; None after a delete and after an erase.
    value: dict[str, Any] | None
    time: datetime
    actor: Actor
    sources: tuple[Source, ...] = ()
    #: Name of the model that proposed the change.
    model: str | None = None
    reason: str | None = None
    #: The extraction that it came of; None where no model was asked, or none said its tokens.
    run: ExtractionRun | None = None

    @property
    def content(self) -> Any:
        """What the memory said: its text, or its fields; None where `value` is."""
        return None if self.value is None else shown_content(self.value.get("content", self.value))


def weakest(origins: Iterable[Origin]) -> Origin:
    """Return the origin that is trusted least; "import" where none is known."""
    return _ORIGINS[max(map(_ORIGINS.index, origins), default=-1)]


def origin_of(sources: Sequence[Source], actor: Actor) -> Origin:
    """Return the weakest origin of *sources*; where there are none, what *actor* stands for."""
    if sources:
        return weakest(source.origin for source in sources)
    match actor:
        case "user":
            return "user"
        case "manager" | "tool":
            return "assistant"
        case _:
            return "import"


def sources_now(revisions: Sequence[Revision]) -> list[Source]:
    """Return what a memory of these *revisions* says now came from, newest first, each once."""
    found: dict[Source, None] = {}
    for revision in reversed(revisions):
        if revision.value is None:
            break
        found.update(dict.fromkeys(revision.sources))
    return list(found)


def json_sources(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Return *sources* as JSON data, without what is not known."""
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in zip(_SOURCE_FIELDS, _fields_of(source), strict=True)
            if value not in (None, "")
        }
        for source in sources
    ]


def sources_in(data: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """Return the sources in JSON *data*: the inverse of `json_sources`."""
    return tuple(
        Source(**{**one, "time": datetime.fromisoformat(one["time"])} if "time" in one else one)
        for one in data
    )
