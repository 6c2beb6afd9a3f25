"""Vectors that come after the answer: a write never waits for the embedding model.

A write with `EmbedLater` is done when the item and its full text are stored, with a mark that
it lacks its vectors, all in one transaction. So a process that dies loses nothing. The vectors
are made by a thread of the store that wrote the item, or else by a search that would miss them,
whichever comes first: the other waits, and no text is embedded twice. Those that a store left
behind are made by the next one that opens the database. What was changed, deleted or erased
meanwhile gets none.
"""

import asyncio
import logging
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from secrets import randbits
from typing import Any, Generic, TypeVar

from typing_extensions import override

from longterm.effects.drivers import OwnStep, Work, run
from longterm.errors import ModelChangedError, StoreError
from longterm.stores.embedding import Embedder, vectors_of
from longterm.stores.reindexing import EntryToIndex

__all__ = ["AT_ONCE", "CHARACTERS_AT_ONCE", "MOST_FAILURES", "LateVectors"]

#: So many items get their vectors at once, up to so many characters of them: a store that closes
#: waits for no more.
AT_ONCE, CHARACTERS_AT_ONCE = 128, 16_000
#: A text that the model could not embed so often is left to `reindex` and to the next opening.
MOST_FAILURES = 8
_LONGEST_PAUSE = 60.0

_logger = logging.getLogger(__name__)

PLACE = TypeVar("PLACE")


@dataclass(frozen=True, slots=True)
class _Finished(OwnStep[bool]):
    """Wait for *work*, whatever comes of it, but not for ever; whether it is done."""

    work: Future[None]
    seconds: float

    @override
    def perform(self) -> bool:
        return bool(wait([self.work], self.seconds).done)

    @override
    async def aperform(self) -> bool:
        # Not a thread of a pool: those who do the work need them.
        done, _ = await asyncio.wait([asyncio.wrap_future(self.work)], timeout=self.seconds)
        return bool(done)


class LateVectors(ABC, Generic[PLACE]):
    """What lacks its vectors in one database, for one open store; its thread ends when all is done.

    A subclass knows the database; its methods may block.
    """

    #: Seconds to wait after a failure; twice as many after each further one in a row.
    first_pause = 1.0
    #: Seconds to wait for what another makes, who may be waiting for us, or be gone.
    patience = 1.0

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock, self._is_stopped = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._is_wanted = self._has_adopted = False
        #: What is being made, and what is done when that is.
        self._in_hand: dict[PLACE, Future[None]] = {}
        #: Which marks are ours.
        self.writer = randbits(62)

    # --- the thread ---

    def wake(self, delay: float = 0) -> None:
        """Have the thread look for what is missing, *delay* seconds from now if it must begin."""
        if self._process != os.getpid():
            self._begin()  # a forked child has no thread, and locks that are never released
        with self._lock:
            self._is_wanted = True
            if self._thread is None and not self._is_stopped.is_set():
                self._thread = threading.Thread(
                    target=self._work, args=(delay,), name="longterm-vectors", daemon=True
                )
                self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Let the thread end what it has in hand, and leave the rest."""
        if self._process != os.getpid():
            return
        self._is_stopped.set()
        with self._lock:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def _work(self, delay: float) -> None:
        self._is_stopped.wait(delay)
        try:
            if not self._has_adopted:
                self.adopt()
                self._has_adopted = True
            while self._goes_on():
                pause = self.first_pause
                while not self._is_stopped.is_set() and (entries := self.own()):
                    if run(self._make(entries)) is not None:
                        pause = self.first_pause
                    else:
                        self._is_stopped.wait(pause)
                        pause = min(2 * pause, _LONGEST_PAUSE)
        except Exception as error:  # noqa: BLE001 - the marks stay, and others go on
            with self._lock:
                self._thread = None
            if not self._is_stopped.is_set():
                _logger.warning(
                    "Vectors of what was written could not be stored (%s); the next search makes "
                    "them.",
                    type(error).__name__,
                )

    def _goes_on(self) -> bool:
        """Whether the thread was woken since it looked last; otherwise it is none any more."""
        with self._lock:
            wanted, self._is_wanted = self._is_wanted, False
            if not wanted or self._is_stopped.is_set():
                self._thread = None
                return False
            return True

    # --- making them ---

    async def complete(self, paths: Collection[str]) -> int:
        """Make what is missing at and below *paths* and has not failed before; how many items.

        What another makes at the time is waited for.
        """
        done = 0
        for path in paths:
            while entries := await Work(partial(self.below, path)):
                made = await self._make(entries)
                if made is None:
                    break
                done += made
                if made == len(entries) < AT_ONCE:
                    break  # these were all
        return done

    async def _make(self, entries: Sequence[EntryToIndex[PLACE]]) -> int | None:
        """Make the vectors of some of *entries*, or wait for who makes them; of how many.

        None where the model could not.
        """
        makers = self._makers_of(entries)
        if makers is not None and await _Finished(makers, self.patience):
            return 0
        taken, work = self._taken(entries)
        try:
            return len(taken) if await self._made(taken) else None
        finally:
            with self._lock:
                for entry in taken:
                    if self._in_hand.get(entry.place) is work:
                        del self._in_hand[entry.place]
            work.set_result(None)

    def _makers_of(self, entries: Sequence[EntryToIndex[PLACE]]) -> Future[None] | None:
        """Return what is done when some of *entries* are, if all of them are being made."""
        if self._process != os.getpid():
            self._begin()
        with self._lock:
            works = [self._in_hand.get(entry.place) for entry in entries]
        return None if None in works else works[0]

    def _taken(
        self, entries: Sequence[EntryToIndex[PLACE]]
    ) -> tuple[Sequence[EntryToIndex[PLACE]], Future[None]]:
        """Take some of *entries* in hand, those first that are not being made."""
        work = Future[None]()
        with self._lock:
            free = [entry for entry in entries if entry.place not in self._in_hand] or entries
            sizes = accumulate(sum(map(len, entry.found_by.texts)) for entry in free)
            taken = free[: max(sum(size <= CHARACTERS_AT_ONCE for size in sizes), 1)]
            self._in_hand |= dict.fromkeys((entry.place for entry in taken), work)
        return taken, work

    async def _made(self, entries: Sequence[EntryToIndex[PLACE]]) -> bool:
        """Make the vectors of *entries*; whether the model could."""
        texts = [text for entry in entries for text in entry.found_by.texts]
        try:
            vectors = await vectors_of(self.embedder, texts, self._look_up)
        except (ModelChangedError, StoreError):
            raise  # of the database, not of the model
        except Exception as error:  # noqa: BLE001 - whatever a model raises; the marks stay
            _logger.warning(
                "%s failed (%s) on what was written earlier; full text finds it meanwhile.",
                self.embedder.name,
                type(error).__name__,
            )
            await Work(partial(self.failed, entries))
            return False
        await Work(partial(self.write, entries, vectors))
        return True

    async def _look_up(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        return await Work(partial(self.known, digests))

    @staticmethod
    def alone_if_failed(rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Return *rows*, which begin with the number of failures, but only the first if it failed.

        So one text that no model can read holds no other up.
        """
        return rows[:1] if rows and rows[0][0] else rows

    # --- the database ---

    @abstractmethod
    def adopt(self) -> None:
        """Take over what others left; what failed them is tried anew."""

    @abstractmethod
    def own(self) -> Sequence[EntryToIndex[PLACE]]:
        """Read some of what is ours to do, oldest first: one alone of those that have failed."""

    @abstractmethod
    def below(self, path: str) -> Sequence[EntryToIndex[PLACE]]:
        """Read some of what is missing at and below *path* and never failed, newest first."""

    @abstractmethod
    def known(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Look up which vectors there are, by the hashes of their texts.

        Another model's database is a `ModelChangedError`.
        """

    @abstractmethod
    def write(self, entries: Sequence[EntryToIndex[PLACE]], vectors: Mapping[bytes, bytes]) -> None:
        """Store vectors of those unchanged since, and take their marks away."""

    @abstractmethod
    def failed(self, entries: Sequence[EntryToIndex[PLACE]]) -> None:
        """Note that the model could not embed *entries*."""
