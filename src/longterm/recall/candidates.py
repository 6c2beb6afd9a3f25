"""What may be recalled: turns and memories in one form. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any, Literal, cast

from langgraph.store.base import Item

from longterm.effects.capabilities import DecodesColumns, EncodedItem, KeepsTerms
from longterm.memory.conversation import zoned
from longterm.memory.model import indexed_fields, is_turn
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Source
from longterm.memory.when import planned_until
from longterm.recall.language import Sign
from longterm.recall.reading import LONG_TEXT, Reading, reading_of, shows
from longterm.text.tokenizer import TERM_BYTES, count_terms

__all__ = [
    "Candidate",
    "ItemType",
    "as_candidate",
    "as_candidates",
    "turn_name",
    "turn_names",
]

ItemType = Literal["turn", "memory"]

#: What most turns are found by: those that are not cut into pieces.
_FIELDS = tuple(indexed_fields({}))


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
    keeps_terms = issubclass(kind, KeepsTerms)
    found: list[Candidate] = []
    columns = zip(items, *kind.decode_columns(cast("Any", items)), strict=True)
    for item, namespace, key, value, written in columns:
        time = _parsed_time(value.get("time")) if is_turn(value) else None
        if time is None:
            found.append(_decoded(item))
            continue
        found_by = cast("KeepsTerms", item) if keeps_terms else None
        found.append(_turn(namespace, key, value, time, written, found_by=found_by))
    return found


def _decoded(item: EncodedItem) -> Candidate:
    return as_candidate(item.decode(), item if isinstance(item, KeepsTerms) else None)


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
    cut: object = value.get("pieces")
    packed = found_by.terms_of(_FIELDS if cut is None else indexed_fields(value))
    if packed is None or len(text) > LONG_TEXT:
        return None
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
