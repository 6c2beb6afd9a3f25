"""What may be recalled: turns and memories in one form, and the pool they are ranked in. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from longterm.memory.namespace import Namespace
from longterm.recall.reading import Reading, read

__all__ = ["Candidate", "Indices", "Kind", "Pool", "pooled"]

Kind = Literal["turn", "memory"]
Indices = NDArray[np.int64]

#: A conversation that rests longer than this goes on as another session.
_PAUSE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A turn or a memory that may be recalled."""

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
    #: How near vectors find it to the question; None where they cannot say.
    cosine: float | None = None

    @property
    def id(self) -> tuple[Namespace, str]:
        """What tells it from every other item of the store."""
        return self.namespace, self.key


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates in the order they were said, thread by thread, with what was read in them."""

    candidates: tuple[Candidate, ...]
    readings: tuple[Reading, ...]
    #: The number of the session each belongs to: sessions are stretches of the pool.
    sessions: Indices
    #: Where the session of each begins and ends.
    starts: Indices
    ends: Indices

    def __len__(self) -> int:
        return len(self.candidates)

    @property
    def speakers(self) -> frozenset[str]:
        """Names of people who spoke; a role is no name."""
        return frozenset(one.speaker for one in self.candidates if one.speaker != one.role) - {""}

    def around(self, reach: int) -> tuple[Indices, Indices]:
        """Find the stretch of neighbours within *reach* of each, in the same session."""
        here = np.arange(len(self))
        return np.maximum(here - reach, self.starts), np.minimum(here + reach + 1, self.ends)


def pooled(candidates: Iterable[Candidate]) -> Pool:
    """Put *candidates* in order and find their sessions; the first of equal ones stays."""
    unique = {one.id: one for one in reversed(list(candidates))}
    ordered = tuple(sorted(unique.values(), key=_order))
    sessions = np.cumsum([_begins(*pair) for pair in _with_predecessor(ordered)], dtype=np.int64)
    return Pool(
        candidates=ordered,
        readings=tuple(read(one.text) for one in ordered),
        sessions=sessions,
        starts=np.searchsorted(sessions, sessions, "left"),
        ends=np.searchsorted(sessions, sessions, "right"),
    )


def _order(one: Candidate) -> tuple[Namespace, str, datetime, int, str]:
    return one.namespace, one.thread, one.time, one.position, one.key


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
