"""What may be recalled: turns and memories in one form, and the sets they are ranked in. Pure.

What does not depend on the question belongs to a `Timeline`, candidates put in order, and is
worked out once for each: a conversation is asked about again and again. What a question adds,
how near vectors find each, makes a `CandidateSet` of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain
from math import inf
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from langgraph.store.base import Item
from numpy.typing import NDArray

from longterm.effects.capabilities import DecodesColumns, EncodedItem, KeepsTerms
from longterm.memory.conversation import zoned
from longterm.memory.model import indexed_fields, is_turn
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Source
from longterm.memory.when import planned_until
from longterm.recall.language import NUMBERS, STANDING, TIME_WORDS, Sign
from longterm.recall.reading import HEAD, LONG_TEXT, PASSAGE, Reading, passages, reading_of, shows
from longterm.recall.vocabulary import STOP, clue_to, known_by, unpacked_terms
from longterm.text.tokenizer import TERM_BYTES, count_terms

__all__ = [
    "Candidate",
    "CandidateSet",
    "Floats",
    "Indices",
    "ItemType",
    "Stretches",
    "Timeline",
    "as_candidate",
    "as_candidates",
    "candidate_set",
    "named_speakers",
    "timeline_of",
    "turn_name",
    "turn_names",
]

ItemType = Literal["turn", "memory"]
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

#: A conversation that rests longer than this goes on as another session.
_PAUSE = timedelta(hours=6)


@dataclass(eq=False, slots=True)
class Candidate:
    """A turn or a memory that may be recalled; only one and the same object is equal.

    It is never changed. To freeze it would make a new one take four times as long, and a first
    question makes as many as there are turns.
    """

    namespace: Namespace
    key: str
    kind: ItemType
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
    sources: tuple[Source, ...] = ()
    value: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: When the store got it, in seconds since 1970; tells apart what has the same time.
    written: float | None = None
    #: When the store's item was last written, where that is known.
    updated: datetime | None = None
    #: Whether its sources are known: it is a turn, or the history was asked for those of a memory.
    is_sourced: bool = False
    #: The terms of the text where the store brought them along.
    packed_terms: bytes | None = None
    _reading: Reading | None = field(default=None, init=False, repr=False)
    _signs: dict[bytes, bool] | None = field(default=None, init=False, repr=False)
    _planned_until: float | None = field(default=None, init=False, repr=False)

    @property
    def id(self) -> tuple[Namespace, str]:
        """What tells it from every other item of the store."""
        return self.namespace, self.key

    @property
    def reading(self) -> Reading:
        """What was read in the text; done when it is first asked for."""
        # A cached_property takes a lock, and as long as the reading itself.
        if (known := self._reading) is None:
            known = self._reading = reading_of(self.text, self.packed_terms)
        return known

    def shows(self, sign: Sign, *, has_clue: bool) -> bool:
        """Whether *sign* is in the text; looked for when that is first asked."""
        if self._signs is None:
            self._signs = {}
        if (known := self._signs.get(sign.clue_terms)) is None:
            known = self._signs[sign.clue_terms] = shows(sign, self.text, has_clue=has_clue)
        return known

    @property
    def planned_until(self) -> float:
        """When the last day ends that a memory speaks of; infinite where none was to come."""
        if (known := self._planned_until) is None:
            known = planned_until(self.text, self.time) if self.kind == "memory" else inf
            self._planned_until = known
        return known


def as_candidate(item: Item, found_by: KeepsTerms | None = None) -> Candidate:
    """Read an item of a store as what may be recalled: a turn, or else a memory.

    *found_by* has the terms of the item where the store brought them along.
    """
    value = cast("Mapping[str, Any]", item.value)
    if is_turn(value):
        time = _parsed_time(value.get("time")) or zoned(item.created_at)
        written = zoned(item.created_at).timestamp()
        return _turn(
            item.namespace,
            item.key,
            value,
            time,
            written,
            found_by=found_by,
            updated=item.updated_at,
        )
    cited: object = value.get("sources")
    ids = cast("list[object]", cited) if isinstance(cited, list) else []
    return Candidate(
        namespace=item.namespace,
        key=item.key,
        kind="memory",
        text="; ".join(_leaves(value.get("content", value))),
        time=zoned(item.updated_at),
        thread=item.key,
        # Whose words they are, the value does not say.
        sources=tuple(Source(message_id=str(id), origin="user") for id in ids),
        value=value,
        updated=item.updated_at,
    )


def as_candidates(items: Sequence[EncodedItem]) -> list[Candidate]:
    """Read *items*, each as `as_candidate` does."""
    kind = type(next(iter(items), None))
    if not issubclass(kind, DecodesColumns) or any(type(item) is not kind for item in items):
        return [_decoded(item) for item in items]
    found: list[Candidate] = []
    columns = zip(items, *kind.decode_columns(cast("Any", items)), strict=True)
    for item, namespace, key, value, written in columns:
        if is_turn(value) and (time := _parsed_time(value.get("time"))) is not None:
            found_by = _found_by(item)
            found.append(_turn(namespace, key, value, time, written, found_by=found_by))
        else:
            found.append(_decoded(item))
    return found


def _decoded(item: EncodedItem) -> Candidate:
    return as_candidate(item.decode(), _found_by(item))


def _found_by(item: EncodedItem) -> KeepsTerms | None:
    # Its class is known from the first one on; to ask the item takes longer than to read it.
    return cast("KeepsTerms", item) if issubclass(type(item), KeepsTerms) else None


def _turn(
    namespace: Namespace,
    key: str,
    value: Mapping[str, Any],
    time: datetime,
    written: float,
    *,
    found_by: KeepsTerms | None,
    updated: datetime | None = None,
) -> Candidate:
    said, text = value.get, value["content"]
    position = said("position")
    # By place: with names it takes twice as long.
    return Candidate(
        namespace,
        key,
        "turn",
        text,
        time,
        str(said("speaker") or ""),
        str(said("role") or ""),
        str(said("thread") or ""),
        position if isinstance(position, int) else 0,
        str(said("message_id") or ""),
        (),
        value,
        written,
        updated,
        True,  # noqa: FBT003
        None if found_by is None else _content_terms(found_by, value, text),
    )


def _content_terms(found_by: KeepsTerms, value: Mapping[str, Any], text: str) -> bytes | None:
    """Return the terms of a turn's *text*: what it is found by, without those of its pieces."""
    packed = found_by.terms_of(indexed_fields(value))
    if packed is None or len(text) > LONG_TEXT:
        return None
    cut: object = value.get("pieces")
    if not isinstance(cut, list):
        return packed
    again = sum(count_terms(part) for part in cast("list[object]", cut) if isinstance(part, str))
    return packed[: len(packed) - TERM_BYTES * again]


def _leaves(content: Any, name: str = "") -> Iterator[str]:
    """Words of a document, each with the name of its field."""
    match content:
        case {"content": str(text)} if len(cast("dict[str, Any]", content)) == 1:
            yield text
        case dict():
            for key, inner in cast("dict[str, Any]", content).items():
                yield from _leaves(inner, key)
        case list():
            for inner in cast("list[Any]", content):
                yield from _leaves(inner, name)
        case None:
            return
        case _:
            yield f"{name}: {content}" if name else str(content)


def _parsed_time(text: object) -> datetime | None:
    try:
        return zoned(datetime.fromisoformat(text)) if isinstance(text, str) else None
    except ValueError:
        return None


def turn_names(turn: Candidate) -> tuple[tuple[str, object], ...]:
    """Return how sources may name *turn*: by its message's id, or else its key, or by its time.

    Each stands beside the thread, the first also without one, for a source that does not say.
    """
    message = turn.message_id or turn.key
    return (turn.thread, message), ("", message), (turn.thread, turn.time)


def turn_name(source: Source) -> tuple[str, object]:
    """Return how *source* names the turn of its message."""
    return source.thread_id or "", source.message_id or source.time


class Stretches(NamedTuple):
    """Stretches of one long row: where each begins, and where it ends."""

    begins: Indices
    ends: Indices


@dataclass(frozen=True, eq=False)
class Timeline:
    """Candidates in the order they were said, thread by thread; arrays hold one number for each."""

    candidates: tuple[Candidate, ...]
    #: Where the session of each begins and ends: sessions are stretches of the timeline.
    starts: Indices
    ends: Indices

    def __len__(self) -> int:
        return len(self.candidates)

    @cached_property
    def speakers(self) -> frozenset[str]:
        """Names of people who spoke."""
        return named_speakers(self.candidates)

    @cached_property
    def moments(self) -> Floats:
        """When each was said, in seconds since 1970."""
        return np.array([one.time.timestamp() for one in self.candidates])

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """What was read in each."""
        return tuple(one.reading for one in self.candidates)

    @cached_property
    def _every_term(self) -> tuple[Indices, "Stretches"]:
        """Return the terms of all, one after the other, and where those of each stand."""
        packed = [one.terms for one in self.readings]
        lengths = np.array([len(one) // TERM_BYTES for one in packed], np.int64)
        ends = np.cumsum(lengths)
        return unpacked_terms(b"".join(packed)), Stretches(ends - lengths, ends)

    @cached_property
    def _rules(self) -> NDArray[np.uint8]:
        """Tell of each of the terms of all which rules know it."""
        return known_by(self._every_term[0])

    @cached_property
    def _content(self) -> tuple[Indices, "Stretches"]:
        """Return the same without the terms that say nothing of what a text is about."""
        every, (begins, ends) = self._every_term
        counts = (self._rules & STOP) == 0
        so_far = np.append(0, np.cumsum(counts))
        return every[counts], Stretches(so_far[begins], so_far[ends])

    @property
    def terms(self) -> Indices:
        """Hashes of the terms of all that say what it is about, one after the other."""
        return self._content[0]

    @property
    def wholes(self) -> "Stretches":
        """Where the terms of each stand among those of all."""
        return self._content[1]

    @cached_property
    def heads(self) -> "Stretches":
        """The beginning of each: what its neighbours may borrow."""
        begins, ends = self.wholes
        return Stretches(begins, np.minimum(begins + HEAD, ends))

    @cached_property
    def passages(self) -> tuple["Stretches", Indices]:
        """List the passages of all, and which is the first of each."""
        lengths = self.wholes.ends - self.wholes.begins
        if lengths.max(initial=0) <= PASSAGE:
            return self.wholes, np.arange(len(self))
        cut = [passages(length) for length in lengths.tolist()]
        counts = np.array([len(one) for one in cut], np.int64)
        begins, ends = np.array([*chain.from_iterable(cut)], np.int64).reshape(-1, 2).T
        offsets = np.repeat(self.wholes.begins, counts)
        return Stretches(offsets + begins, offsets + ends), np.cumsum(counts) - counts

    def terms_of(self, at: int) -> frozenset[int]:
        """Collect the terms of one, each once."""
        begins, ends = self.wholes
        return frozenset(self.terms[begins[at] : ends[at]].tolist())

    @cached_property
    def asks(self) -> Floats:
        """1 for each that asks a question."""
        return np.array([one.asks for one in self.readings], np.float64)

    @cached_property
    def standing(self) -> Floats:
        """1 for each wish of a user how things shall be done from now on."""
        return self._showing(STANDING) * [one.role == "user" for one in self.candidates]

    @cached_property
    def mentions_time(self) -> Floats:
        """1 for each that speaks of a time."""
        return self._showing(TIME_WORDS)

    @cached_property
    def mentions_number(self) -> Floats:
        """1 for each that holds a number."""
        return self._showing(NUMBERS)

    def _showing(self, sign: Sign) -> Floats:
        """1 for each that shows *sign*; most need not be searched for it."""
        clued = np.zeros(len(self), np.bool_)
        ends = self._every_term[1].ends
        clued[np.searchsorted(ends, np.flatnonzero(self._rules & clue_to(sign)), "right")] = True
        may_hold = clued | [one.is_foreign or (sign.digits and one.digits) for one in self.readings]
        found = np.zeros(len(self))
        for at in np.flatnonzero(may_hold).tolist():
            found[at] = self.candidates[at].shows(sign, has_clue=bool(clued[at]))
        return found

    @cached_property
    def tokens(self) -> Floats:
        """About how many tokens the line of each takes in a block."""
        return np.array([one.tokens for one in self.readings], np.float64)

    @cached_property
    def word_counts(self) -> Floats:
        """How many words each has."""
        return np.array([one.words for one in self.readings], np.float64)

    @cached_property
    def new_terms(self) -> Floats:
        """How many terms of each were not said before."""
        begins, ends = self.wholes
        ranks = np.empty(len(self), np.int64)
        ranks[np.argsort(self.moments, kind="stable")] = np.arange(len(self))
        # Which candidate of all, in order of time, says each term; and who says it first.
        said = np.repeat(ranks, ends - begins)
        order = np.argsort(self.terms)
        is_new = np.diff(self.terms[order], prepend=0) != 0
        is_new[:1] = True
        first = np.minimum.reduceat(said[order], np.flatnonzero(is_new)) if len(said) else said
        return np.bincount(first, minlength=len(self))[ranks].astype(np.float64)

    @cached_property
    def before(self) -> Mapping[Candidate, Candidate]:
        """What was said just before each, in the same session."""
        pairs = zip(self.candidates, self.candidates[1:], self.starts[1:].tolist(), strict=False)
        return {one: before for at, (before, one, start) in enumerate(pairs, 1) if start < at}

    @cached_property
    def sources(self) -> tuple[Indices, Indices]:
        """Pairs of a memory's place and that of a turn it came from, as two arrays."""
        turns: dict[tuple[str, object], int] = {}
        if not any(one.sources for one in self.candidates):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        for at, one in enumerate(self.candidates):
            if one.kind == "turn":
                turns |= dict.fromkeys(turn_names(one), at)
        pairs = [
            (at, turns[name])
            for at, one in enumerate(self.candidates)
            for source in one.sources
            if (name := turn_name(source)) in turns
        ]
        memories, said = zip(*pairs, strict=True) if pairs else ((), ())
        return np.array(memories, np.int64), np.array(said, np.int64)

    @cached_property
    def sessions(self) -> tuple["Stretches", Indices]:
        """Where each session begins and ends, and to which of them each candidate belongs."""
        is_first = np.arange(len(self)) == self.starts
        return Stretches(self.starts[is_first], self.ends[is_first]), np.cumsum(is_first) - 1

    def neighborhood(self, reach: int) -> tuple[Indices, Indices]:
        """Begin and end of the stretch within *reach* of each, in the same session."""
        here = np.arange(len(self))
        return np.maximum(here - reach, self.starts), np.minimum(here + reach + 1, self.ends)


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """A timeline, and how near vectors find each to a question: NaN if they cannot say."""

    timeline: Timeline
    cosines: Floats

    def __len__(self) -> int:
        return len(self.timeline)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Candidates in the order they were said, thread by thread."""
        return self.timeline.candidates


def candidate_set(
    timeline: Timeline, cosines: Mapping[Candidate, float] = MappingProxyType({})
) -> CandidateSet:
    """Lay *cosines*, where there are any, beside the candidates of *timeline*."""
    # What has none is None, which becomes NaN.
    return CandidateSet(timeline, np.array([*map(cosines.get, timeline.candidates)], np.float64))


def timeline_of(candidates: Iterable[Candidate]) -> Timeline:
    """Put *candidates* in order and find their sessions; the first of equal ones stays."""
    unique = {one.id: one for one in reversed(list(candidates))}
    ordered = sorted(
        unique.values(),
        key=lambda one: (
            one.namespace,
            one.thread,
            one.time,
            one.time.timestamp() if one.written is None else one.written,
            one.position,
            one.key,
        ),
    )
    # A memory is a session by itself.
    begins = [
        before is None
        or one.kind == "memory"
        or (before.namespace, before.thread) != (one.namespace, one.thread)
        or one.time - before.time > _PAUSE
        for before, one in zip((None, *ordered), ordered, strict=False)
    ]
    sessions = np.cumsum(begins, dtype=np.int64)
    return Timeline(
        candidates=tuple(ordered),
        starts=np.searchsorted(sessions, sessions, "left"),
        ends=np.searchsorted(sessions, sessions, "right"),
    )


def named_speakers(candidates: Iterable[Candidate]) -> frozenset[str]:
    """Names of people who spoke; a role is no name."""
    return frozenset(one.speaker for one in candidates if one.speaker != one.role) - {""}
