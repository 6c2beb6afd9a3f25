"""A user's memory as it was at a moment: reading only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, NoReturn, cast

from langgraph.store.base import SearchItem

from longterm.effects.forms import both
from longterm.errors import ConfigurationError
from longterm.history.reading import numbers_at
from longterm.memory.world_time import moment_of
from longterm.recall.retriever import RecallResult
from longterm.service.records import MemoryRecord
from longterm.service.setup import Setup
from longterm.service.user_memory import UserMemory
from longterm.types import RecallInput

__all__ = ["PastMemory"]

_Records = list[MemoryRecord]


class PastMemory(UserMemory):
    """What `UserMemory.as_of` returns; whatever would write raises `ConfigurationError`."""

    def __init__(
        self,
        setup: Setup,
        labels: tuple[str, ...],
        time: datetime | None,
        valid_at: date | None = None,
    ) -> None:
        super().__init__(setup, labels)
        self.time = datetime.now(UTC) if time is None else moment_of(time)
        self.valid_at = valid_at
        self._then = partial(self._history.state, self._memories, self.time, valid_at=self.valid_at)

    async def recall_flow(self, question: str, **options: Any) -> RecallResult:
        """Find what mattered to *question* then."""
        recall = self._setup.recall(self._depth).within(
            limit=options.pop("limit", None),
            budget=options.pop("budget", 2_000),
            world_times=self._history.world_times,
        )
        asked = {"question": question, "now": self.time, **options, "as_of": self.time}
        asked["valid_at"] = self.valid_at
        return await recall.flow(cast("RecallInput", asked), self.config)

    recall, arecall = both(recall_flow)

    async def search_flow(
        self, query: str, *, filter: Mapping[str, Any] | None = None, limit: int = 10
    ) -> _Records:
        """Return the memories of then that fit *query*, best first."""
        return await self._numbered(await self._then(query=query, filter=filter, limit=limit))

    search, asearch = both(search_flow)

    async def list_flow(
        self, *, limit: int = 100, offset: int = 0, kind: str | None = None
    ) -> _Records:
        """Return the memories of then."""
        only = None if kind is None else {"kind": kind}
        return await self._numbered(await self._then(filter=only, limit=limit, offset=offset))

    list, alist = both(list_flow)

    async def get_flow(self, id: str) -> MemoryRecord | None:
        """Return the memory *id* as it was then; None where there was none."""
        records = await self._numbered(await self._then(key=id))
        return records[0] if records else None

    get, aget = both(get_flow)

    async def _numbered(self, items: Sequence[SearchItem]) -> _Records:
        """Return *items* as records, each with the number of its revision then."""
        numbers = await numbers_at(self._memories, items, self.time)
        return [MemoryRecord.of(item, numbers[item.key]) for item in items]

    def _refuse(self, *_args: Any, **_options: Any) -> NoReturn:
        raise ConfigurationError(
            f"This is the memory as it was at {self.time.isoformat()}: it can only be read. "
            "Write to the user's memory itself, or restore a revision there."
        )

    async def _arefuse(self, *_args: Any, **_options: Any) -> NoReturn:
        self._refuse()

    remember = record = add = edit = forget = restore = import_ = erase = purge = _refuse
    aremember = arecord = aadd = aedit = aforget = arestore = aimport = aerase = apurge = _arefuse
