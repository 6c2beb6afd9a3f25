"""What recall has read in a store, kept for the next question about the same conversation.

A cache belongs to one recall, holds no more than its cap in bytes and ends with it; what is
erased is dropped at once (`effects.erasure`). It never answers for the store: only what the
store has just brought is looked up, so that nothing changed or deleted is recalled.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import is_
from threading import Lock

from langgraph.store.base import Item

from longterm.effects.capabilities import EncodedItem
from longterm.effects.erasure import inform_of_erasures
from longterm.memory.namespace import Namespace
from longterm.recall.candidates import Candidate, as_candidate, as_candidates
from longterm.recall.timeline import Timeline, timeline_of

__all__ = ["FoundCandidates", "ReadingCache"]

#: Measured on chats in English and Chinese: what a candidate takes, and each character of it.
_BYTES, _BYTES_A_CHARACTER = 2_000, 20

Places = tuple[Namespace, ...]
Items = Sequence[EncodedItem | Item]


@dataclass(frozen=True, eq=False)
class FoundCandidates:
    """What a search brought, read: those of each place, one after the other."""

    candidates: tuple[Candidate, ...]

    @cached_property
    def namespaces(self) -> frozenset[Namespace]:
        """Where they lie."""
        return frozenset(one.namespace for one in self.candidates)

    @cached_property
    def threads(self) -> frozenset[str]:
        """The conversations they are of, and the keys of memories."""
        return frozenset(one.thread for one in self.candidates)

    @cached_property
    def unsourced(self) -> tuple[Candidate, ...]:
        """Memories whose sources the history was not asked for."""
        return tuple(one for one in self.candidates if not one.is_sourced)


@dataclass(slots=True)
class _Conversation:
    """Candidates by the encoded item, or the place in the store, and what was made of them last."""

    #: What was read or found again lately, and what was not; each with its size in bytes.
    candidates: dict[Hashable, Candidate] = field(default_factory=dict[Hashable, Candidate])
    size: int = 0
    older: dict[Hashable, Candidate] = field(default_factory=dict[Hashable, Candidate])
    older_size: int = 0
    #: The last timeline, and what it was made of.
    timeline: Timeline | None = None
    ordered: Sequence[Candidate] = ()
    #: What the store brought from each place, and what was read in it.
    last: tuple[Sequence[Items], FoundCandidates] | None = None

    def read_all(self, items: Items) -> list[Candidate]:
        """Read each of *items*, or find what was read in its equal."""
        known = self.candidates
        unread = [item for item in items if not isinstance(item, Item) and item not in known]
        if self.older:
            for item in unread:
                self._found_again(item)
            unread = [item for item in unread if item not in known]
        new = as_candidates(unread)
        known.update(zip(unread, new, strict=True))
        self.size += sum(map(_size, new))
        if len(new) == len(items):
            return new
        return [self._read(item) if isinstance(item, Item) else known[item] for item in items]

    def _read(self, item: Item) -> Candidate:
        key = (item.namespace, item.key)
        known = self.candidates.get(key) or self._found_again(key)
        if known is None or known.updated != item.updated_at or known.value != item.value:
            known = as_candidate(item)
            self._keep(key, known)
        return known

    def _found_again(self, key: Hashable) -> Candidate | None:
        """Count what is older under *key* among what was found lately; return it."""
        if (one := self.older.pop(key, None)) is not None:
            self.older_size -= _size(one)
            self._keep(key, one)
        return one

    def age(self) -> None:
        """Let go of what was not found again since the last time; all else is older now."""
        self.older, self.older_size = self.candidates, self.size
        self.candidates, self.size = {}, 0
        self.last = None

    def _keep(self, key: Hashable, one: Candidate) -> None:
        self.candidates[key] = one
        self.size += _size(one)


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

    def candidates(self, places: Places, items: Items) -> list[Candidate]:
        """Read *items*, found at or below *places*, as candidates."""
        with self._lock:
            return self._read(places, [items])

    def found(self, places: Places, parts: Sequence[Items]) -> FoundCandidates:
        """Read *parts*, what was found at or below each of *places*.

        The same object, with all that was worked out of it, while a store answers the same ones.
        """
        with self._lock:
            conversation = self._conversations.get(places)
            if conversation is not None and conversation.last is not None:
                last, found = conversation.last
                if len(last) == len(parts) and all(map(is_, last, parts)):
                    self._conversations.move_to_end(places)
                    return found
            found = FoundCandidates(tuple(self._read(places, parts)))
            conversation = self._conversations.get(places)
            if conversation is not None:
                conversation.last = parts, found
        return found

    def _read(self, places: Places, parts: Iterable[Items]) -> list[Candidate]:
        conversation = self._conversations.setdefault(places, _Conversation())
        self._conversations.move_to_end(places)
        found = [one for items in parts for one in conversation.read_all(items)]
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
                conversation.last = None
                for kept in (conversation.candidates, conversation.older):
                    kept.update((key, others.get(one, one)) for key, one in kept.items())

    def timeline(self, places: Places, candidates: Sequence[Candidate]) -> Timeline:
        """Put *candidates* in order, or find the timeline of the same ones."""
        with self._lock:
            conversation = self._conversations.get(places, _Conversation())
            timeline = conversation.timeline
            if timeline is not None and conversation.ordered is candidates:
                return timeline
            if timeline is None or set(timeline.candidates) != set(candidates):
                timeline = conversation.timeline = timeline_of(candidates)
            conversation.ordered = candidates
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
