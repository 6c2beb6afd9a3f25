"""Making an index again, whatever the database: the order of the work, and asking the model.

The new index grows beside the old one, in small transactions. When every item has it, but for
those written in the last moment, the database changes over, in one transaction; until then who
has the old model goes on undisturbed, and vectors that an interrupted run has made are found
again. Then follows what was written in the last moment: no process writes with the old model any
more, so there is an end, however busy the database is.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from longterm.effects.drivers import Work
from longterm.effects.steps import Flow
from longterm.stores.embedding import Embedder, vectors_of
from longterm.stores.operations import Indexed

__all__ = ["AT_ONCE", "EntryToIndex", "IndexRenewal", "Progress"]

AT_ONCE = 256

#: Called with how many items are done, and how many there are.
Progress = Callable[[int, int], None]

#: Looks up which vectors of a model there are, by the hashes of their texts.
LookUp = Callable[[int | None, Sequence[bytes]], Flow[dict[bytes, bytes]]]

PLACE = TypeVar("PLACE")


@dataclass(frozen=True, slots=True)
class EntryToIndex(Generic[PLACE]):
    """An item to index, as it was when it was read."""

    #: Where the next read goes on.
    place: PLACE
    revision: int
    found_by: Indexed


@dataclass(frozen=True)
class IndexRenewal(ABC, Generic[PLACE]):
    """One run over all items. A subclass knows the database; its methods may block."""

    embedder: Embedder | None
    look_up: LookUp
    progress: Progress | None

    async def flow(self) -> int:
        """Index every item again; how many that were."""
        model = await Work(self.register)
        done = await self._pass(model, 0)
        await Work(partial(self.change_over, model))
        return await self._pass(model, done)

    async def _pass(self, model: int | None, done: int) -> int:
        """Index what is not indexed yet; how many items are done by then."""
        last: PLACE | None = None
        count = AT_ONCE
        # Fewer than asked for: what others write from now on is not waited for.
        while count == AT_ONCE and (entries := await Work(partial(self.next_entries, last))):
            vectors: Mapping[bytes, bytes] = {}
            if self.embedder is not None and model is not None:
                texts = [text for entry in entries for text in entry.found_by.texts]
                vectors = await vectors_of(self.embedder, texts, partial(self.look_up, model))
            await Work(partial(self.write, entries, vectors, model))
            last, count = entries[-1].place, len(entries)
            done += count
            if self.progress is not None:
                total = await Work(self.count)
                self.progress(done, max(done, total))
        return done

    @abstractmethod
    def register(self) -> int | None:
        """Begin, and give the embedding model, if there is one, a number."""

    @abstractmethod
    def next_entries(self, after: PLACE | None) -> Sequence[EntryToIndex[PLACE]]:
        """Read `AT_ONCE` items that this run has not indexed, in the order of their places."""

    @abstractmethod
    def write(
        self,
        entries: Sequence[EntryToIndex[PLACE]],
        vectors: Mapping[bytes, bytes],
        model: int | None,
    ) -> None:
        """Index those of *entries* that are unchanged since they were read."""

    @abstractmethod
    def change_over(self, model: int | None) -> None:
        """Search by the new index from now on."""

    @abstractmethod
    def count(self) -> int:
        """Count all items."""
