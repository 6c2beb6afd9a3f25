"""Suites: conversations and the questions asked about them, in one form. Pure.

`locomo` and `beam` read the files of the two suites into it.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter
from typing import Any

__all__ = ["BEGINNING", "Suite", "SuiteConversation", "SuiteFact", "SuiteQuestion", "SuiteTurn"]

#: When a conversation took place that does not say it.
BEGINNING = datetime(2024, 1, 1, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SuiteTurn:
    """One message of a conversation."""

    id: str
    text: str
    time: datetime
    role: str = "user"
    #: A name; "" where only the role is known.
    speaker: str = ""
    #: The session it belongs to; sessions sort in the order of time.
    session: str = ""

    @property
    def message(self) -> dict[str, Any]:
        """The turn as a message in OpenAI's form."""
        message = {
            "role": self.role,
            "content": self.text,
            "id": self.id,
            "timestamp": self.time.isoformat(),
        }
        return message | ({"name": self.speaker} if self.speaker else {})


@dataclass(frozen=True, slots=True)
class SuiteQuestion:
    """A question, and the turns that answer it."""

    text: str
    category: str
    #: Ids of turns of the same conversation; none where the suite names none.
    evidence: tuple[str, ...]
    #: When it is asked.
    now: datetime
    #: The right answer in the suite's words, "" where it gives none.
    answer: str = ""


@dataclass(frozen=True, slots=True)
class SuiteFact:
    """What can be learned from a conversation, in other words than it was said."""

    text: str
    #: Ids of the turns it was learned from.
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SuiteConversation:
    """Turns in the order they were said, and what is asked about them."""

    name: str
    turns: tuple[SuiteTurn, ...]
    questions: tuple[SuiteQuestion, ...] = ()
    facts: tuple[SuiteFact, ...] = ()

    @property
    def label(self) -> str:
        """The name, and a mark of what was said: two suites may call their conversations "1"."""
        said = "\0".join(f"{turn.id} {turn.text}" for turn in self.turns)
        return f"{self.name} {blake2b(said.encode(errors='replace'), digest_size=4).hexdigest()}"

    @property
    def sessions(self) -> Iterator[tuple[str, list[SuiteTurn]]]:
        """The turns of each session, with its name."""
        for session, turns in groupby(self.turns, attrgetter("session")):
            yield session, list(turns)

    def asking(self, questions: Iterator[SuiteQuestion]) -> "SuiteConversation":
        """Add *questions*; what they cite counts where it is a turn of this conversation."""
        known = {turn.id for turn in self.turns}
        checked = (
            replace(one, evidence=tuple(dict.fromkeys(id for id in one.evidence if id in known)))
            for one in questions
        )
        return replace(self, questions=tuple(checked))

    @property
    def over(self) -> datetime:
        """A day after the last turn: when its questions are asked."""
        return max((turn.time for turn in self.turns), default=BEGINNING) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Suite:
    """A name, and conversations with questions."""

    name: str
    conversations: tuple[SuiteConversation, ...]

    def first(self, conversations: int | None, questions: int | None) -> "Suite":
        """Cut to the first *conversations*, and each to the first *questions* with evidence."""
        chosen = self.conversations[:conversations]
        if questions is not None:
            chosen = tuple(
                replace(one, questions=tuple([q for q in one.questions if q.evidence][:questions]))
                for one in chosen
            )
        return replace(self, conversations=chosen)


#: What the classes were called in the first release.
_OLD_NAMES = {
    "Conversation": SuiteConversation,
    "Question": SuiteQuestion,
    "Turn": SuiteTurn,
}


def __getattr__(name: str) -> Any:
    if name not in _OLD_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    message = f"{name} is called Suite{name} now; the old name goes with the next release."
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    return _OLD_NAMES[name]
