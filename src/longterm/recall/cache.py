"""What recall has read in a store, kept for the next question about the same conversation.

A cache belongs to one recall, holds no more than its cap in bytes and ends with it; what is
erased is dropped at once (`effects.erasure`). It never answers for the store: only what the
store has just brought is looked up, so that nothing changed or deleted is recalled.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import cast

from langgraph.store.base import Item

from longterm.effects.capabilities import EncodedItem, KeepsTerms
from longterm.effects.erasure import inform_of_erasures
from longterm.memory.namespace import Namespace
from longterm.recall.candidates import Candidate, Timeline, as_candidate, timeline_of

__all__ = ["ReadingCache"]

#: Measured on chats in English and Chinese: what a candidate takes, and each character of it.
_BYTES, _BYTES_A_CHARACTER = 2_000, 20

Places = tuple[Namespace, ...]


@dataclass(slots=True)
class _Conversation:
    """Candidates by the encoded item, or the place in the store, and the last timeline of them."""

    #: What was read or found again lately, and what was not; each with its size in bytes.
    candidates: dict[Hashable, Candidate] = field(default_factory=dict[Hashable, Candidate])
    size: int = 0
    older: dict[Hashable, Candidate] = field(default_factory=dict[Hashable, Candidate])
    older_size: int = 0
    timeline: Timeline | None = None

    def read_all(self, items: Iterable[EncodedItem | Item]) -> list[Candidate]:
        """Read each of *items*, or find what was read in its equal."""
        known = self.candidates.get
        # Most are known, and are no items but encoded ones: looked up in one go.
        return [
            self._read(item) if isinstance(item, Item) or (one := known(item)) is None else one
            for item in items
        ]

    def _read(self, item: EncodedItem | Item) -> Candidate:
        key = (item.namespace, item.key) if isinstance(item, Item) else item
        known = self.candidates.get(key)
        if known is None and (known := self.older.pop(key, None)) is not None:
            self.older_size -= _size(known)
            self._keep(key, known)
        if known is None or (
            isinstance(item, Item)
            and (known.updated != item.updated_at or known.value != item.value)
        ):
            known = (
                as_candidate(item)
                if isinstance(item, Item)
                else as_candidate(item.decode(), _found_by(item))
            )
            self._keep(key, known)
        return known

    def age(self) -> None:
        """Let go of what was not found again since the last time; all else is older now."""
        self.older, self.older_size = self.candidates, self.size
        self.candidates, self.size = {}, 0

    def _keep(self, key: Hashable, one: Candidate) -> None:
        self.candidates[key] = one
        self.size += _size(one)


def _found_by(item: EncodedItem) -> KeepsTerms | None:
    # Its class is known from the first one on; to ask the item takes longer than to read it.
    return cast("KeepsTerms", item) if issubclass(type(item), KeepsTerms) else None


def _size(one: Candidate) -> int:
    return _BYTES + _BYTES_A_CHARACTER * len(one.text)


class ReadingCache:
    """Candidates and timelines of the conversations asked about last."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._conversations: OrderedDict[Places, _Conversation] = OrderedDict()
        inform_of_erasures(self)

    def __deepcopy__(self, memo: object) -> "ReadingCache":
        """Return an empty one: frameworks copy what holds a recall, and a copy reads anew."""
        return ReadingCache(self._max_bytes)

    def candidates(self, places: Places, items: Iterable[EncodedItem | Item]) -> list[Candidate]:
        """Read *items*, found at or below *places*, as candidates."""
        with self._lock:
            conversation = self._conversations.setdefault(places, _Conversation())
            self._conversations.move_to_end(places)
            found = conversation.read_all(items)
            if conversation.size > self._max_bytes // 2:
                conversation.age()
            while self._total() > self._max_bytes:
                oldest = next(iter(self._conversations.values()))
                if oldest.older and oldest.candidates:
                    oldest.older, oldest.older_size = {}, 0
                else:
                    self._conversations.popitem(last=False)
        return found

    def replace(self, places: Places, others: Mapping[Candidate, Candidate]) -> None:
        """Keep another candidate for each of those read before."""
        with self._lock:
            if conversation := self._conversations.get(places):
                for kept in (conversation.candidates, conversation.older):
                    kept.update((key, others.get(one, one)) for key, one in kept.items())

    def timeline(self, places: Places, candidates: Sequence[Candidate]) -> Timeline:
        """Put *candidates* in order, or find the timeline of the same ones."""
        with self._lock:
            conversation = self._conversations.get(places, _Conversation())
            timeline = conversation.timeline
            if timeline is None or set(timeline.candidates) != set(candidates):
                timeline = conversation.timeline = timeline_of(candidates)
        return timeline

    def forget(self, namespace: Namespace, key: str | None = None) -> None:  # noqa: ARG002 - whole conversations go
        """Drop every conversation that may hold something of *namespace*."""
        with self._lock:
            for places in list(self._conversations):
                lengths = (min(len(place), len(namespace)) for place in places)
                pairs = zip(places, lengths, strict=True)
                if any(place[:shared] == namespace[:shared] for place, shared in pairs):
                    del self._conversations[places]

    def close(self) -> None:
        """Drop everything."""
        with self._lock:
            self._conversations.clear()

    @property
    def size(self) -> int:
        """About how many bytes are kept."""
        with self._lock:
            return self._total()

    def _total(self) -> int:
        return sum(one.size + one.older_size for one in self._conversations.values())
