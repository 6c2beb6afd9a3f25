"""What may be recalled: turns and memories in one form, and the pool they are ranked in. Pure.

What does not depend on the question is worked out once: candidates that are put in order are
a `Talk`, and the last talks are kept, as a conversation is asked about again and again. What
a question adds, how near vectors find each, makes a `Pool` of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longterm.memory.namespace import Namespace
from longterm.recall.reading import Passage, Reading, read

__all__ = ["Candidate", "Floats", "Indices", "Kind", "Pool", "Talk", "pooled", "speakers"]

Kind = Literal["turn", "memory"]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

_TALKS = 16

#: A conversation that rests longer than this goes on as another session.
_PAUSE = timedelta(hours=6)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A turn or a memory that may be recalled; only one and the same object is equal."""

    namespace: Namespace
    key: str
    kind: Kind
    text: str
    time: datetime
    #: Who spoke: a name, or else the role; "" for a memory.
    speaker: str = ""
    role: str = ""
    thread: str = ""
    #: The place among what was said in the same microsecond.
    position: int = 0
    #: The message a turn was, and the messages a memory was learned from.
    message_id: str = ""
    sources: tuple[str, ...] = ()
    value: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: When the store got it; tells apart what has the same time.
    written: datetime | None = None

    @property
    def id(self) -> tuple[Namespace, str]:
        """What tells it from every other item of the store."""
        return self.namespace, self.key


@dataclass(frozen=True, eq=False)
class Talk:
    """Candidates in the order they were said, thread by thread, with what was read in them."""

    candidates: tuple[Candidate, ...]
    readings: tuple[Reading, ...]
    #: Where the session of each begins and ends: sessions are stretches of the talk.
    starts: Indices
    ends: Indices

    def __len__(self) -> int:
        return len(self.candidates)

    @cached_property
    def speakers(self) -> frozenset[str]:
        """Names of people who spoke."""
        return speakers(self.candidates)

    @cached_property
    def moments(self) -> Floats:
        """When each was said, in seconds."""
        return np.array([one.time.timestamp() for one in self.candidates])

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """List the passages of all; a short text is one, and whole."""
        return tuple(passage for one in self.readings for passage in one.passages)

    @cached_property
    def firsts(self) -> Indices:
        """Where the passages of each begin."""
        return np.cumsum([0, *(len(one.passages) for one in self.readings)], dtype=np.int64)[:-1]

    def around(self, reach: int) -> tuple[Indices, Indices]:
        """Find the stretch of neighbours within *reach* of each, in the same session."""
        here = np.arange(len(self))
        return np.maximum(here - reach, self.starts), np.minimum(here + reach + 1, self.ends)


@dataclass(frozen=True, slots=True)
class Pool:
    """A talk, and how near vectors find each candidate to a question, NaN if they cannot say."""

    talk: Talk
    cosines: Floats

    def __len__(self) -> int:
        return len(self.talk)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Candidates in the order they were said, thread by thread."""
        return self.talk.candidates


def pooled(
    candidates: Iterable[Candidate],
    cosines: Mapping[Candidate, float | None] = MappingProxyType({}),
) -> Pool:
    """Put *candidates* in order and find their sessions; the first of equal ones stays."""
    unique = {one.id: one for one in reversed(list(candidates))}
    talk = _talk(frozenset(unique.values()))
    said = (cosines.get(one) for one in talk.candidates)
    return Pool(talk, np.array([np.nan if one is None else one for one in said]))


def speakers(candidates: Iterable[Candidate]) -> frozenset[str]:
    """Names of people who spoke; a role is no name."""
    return frozenset(one.speaker for one in candidates if one.speaker != one.role) - {""}


@lru_cache(_TALKS)
def _talk(candidates: frozenset[Candidate]) -> Talk:
    ordered = tuple(sorted(candidates, key=_order))
    sessions = np.cumsum([_begins(*pair) for pair in _with_predecessor(ordered)], dtype=np.int64)
    return Talk(
        candidates=ordered,
        readings=tuple(read(one.text) for one in ordered),
        starts=np.searchsorted(sessions, sessions, "left"),
        ends=np.searchsorted(sessions, sessions, "right"),
    )


def _order(one: Candidate) -> tuple[Namespace, str, datetime, datetime, int, str]:
    written = one.written or one.time
    return one.namespace, one.thread, one.time, written, one.position, one.key


def _with_predecessor(
    ordered: Sequence[Candidate],
) -> Iterable[tuple[Candidate | None, Candidate]]:
    return zip((None, *ordered), ordered, strict=False)


def _begins(before: Candidate | None, one: Candidate) -> bool:
    """Whether *one* begins a session; a memory is one by itself."""
    if before is None or one.kind == "memory":
        return True
    same = (before.namespace, before.thread) == (one.namespace, one.thread)
    return not same or one.time - before.time > _PAUSE
