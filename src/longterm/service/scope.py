"""A scope: where one user's turns and memories lie, and what is done with all of them at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain, groupby
from os import PathLike
from typing import TextIO

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore

from longterm.effects.drivers import Work, arun, run
from longterm.effects.runnable import both
from longterm.effects.steps import Together, namespaces_below, search_exactly
from longterm.errors import ConfigurationError
from longterm.extract.schema import world_times
from longterm.history import Erasure, History, Imported
from longterm.history.erasing import SourceFilter, erase, scrub_store
from longterm.history.exchange import import_lines
from longterm.history.reading import all_revisions, namespaces_with_history
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.service.costs import DayCost, costs_of, total_cost
from longterm.service.exchange import holds_turn, lines_in, written
from longterm.service.items import MEMORY_STORES, REQUESTS, USAGE
from longterm.service.records import UserStats, text_id
from longterm.service.setup import ROOTS, Setup, template
from longterm.text.characters import json_bytes

__all__ = ["MemoryScope"]


class MemoryScope:
    """The two namespaces of one user, or of another scope, and all that lies in them."""

    def __init__(self, setup: Setup, labels: tuple[str, ...]) -> None:
        if not labels:
            raise ConfigurationError("A scope needs at least one label, such as a user's id.")
        self._setup = setup
        self._depth = len(labels)
        values = {f"label_{number}": label for number, label in enumerate(labels)}
        self.labels = labels
        self._history = History(
            setup.store, policy=setup.policy, world_times=world_times(setup.kinds)
        )
        self.config = RunnableConfig(configurable=values)
        self._memories, self._said = (
            NamespaceTemplate(template(root, self._depth)).location(self.config) for root in ROOTS
        )

    @property
    def store(self) -> BaseStore:
        """The store it is in."""
        return self._setup.store

    def lines(self) -> Iterator[str]:
        """Yield the lines of `export` one by one."""
        return self._history.export(self._memories, self._said)

    def alines(self) -> AsyncIterator[str]:
        """Yield the lines of `export` one by one."""
        return self._history.aexport(self._memories, self._said)

    def export(self, path_or_file: str | PathLike[str] | TextIO | None = None) -> list[str]:
        """Write all memories, their revisions and sources, and all turns as lines of JSON.

        *path_or_file* is a path or an open file; without one the lines are returned.
        """
        if path_or_file is None:
            return list(self.lines())
        with written(path_or_file) as file:
            file.writelines(self.lines())
        return []

    async def aexport(self, path_or_file: str | PathLike[str] | TextIO | None = None) -> list[str]:
        """Do what `export` does."""
        if path_or_file is None:
            return [line async for line in self.alines()]
        with written(path_or_file) as file:
            async for line in self.alines():
                file.write(line)
        return []

    def import_(
        self,
        path_or_lines: str | PathLike[str] | Iterable[str | bytes],
        *,
        bring_back_erased: bool = False,
    ) -> Imported:
        """Bring in what `export` wrote, of this user or another, or what Mem0 exported.

        *path_or_lines* are a path or the lines themselves. What is there stays as it is: importing
        twice changes nothing. What was erased here stays erased, unless *bring_back_erased*.
        """
        with lines_in(path_or_lines) as read:
            job = self._imported(read, bring_back_erased=bring_back_erased)
            return run(job, self.config, store=self.store)

    async def aimport(
        self,
        path_or_lines: str | PathLike[str] | Iterable[str | bytes],
        *,
        bring_back_erased: bool = False,
    ) -> Imported:
        """Do what `import_` does."""
        with lines_in(path_or_lines) as read:
            job = self._imported(read, bring_back_erased=bring_back_erased)
            return await arun(job, self.config, store=self.store)

    async def erase_flow(self, id: str | None = None, *, cascade: bool = False) -> Erasure:
        """Remove a memory, or everything of this user, with its history; nothing brings it back.

        Returns what was removed, by place, and what an erase cannot reach.
        """
        if id is not None:
            return await self._history.erase_flow(self._memories, text_id(id), cascade=cascade)
        setup, memories = self._setup, self._memories
        report = Erasure(await Work(lambda: setup.erase(memories)))
        own = [(root, *memories[1:]) for root in (MEMORY_STORES, REQUESTS, USAGE)]
        scopes: list[list[Namespace]] = await Together(
            tuple(
                below(place)
                for place in (self._said, memories)
                for below in (namespaces_below, namespaces_with_history)
            )
        )
        # A scope that was emptied has a history still.
        for place in dict.fromkeys([self._said, memories, *own, *chain(*scopes)]):
            report += await erase(place, None, cascade=False, derived_in=None, actor="user")
        await scrub_store()
        return Erasure(report.removed, (), report.beyond)

    erase, aerase = both(erase_flow)

    async def purge_flow(self, source: SourceFilter) -> Erasure:
        """Erase every memory that came from *source*, if only in part, and what waits of it.

        *source* is the id of a thread or message, the name of a speaker or tool, a `Source` of
        which all that is set must agree, or a function of a source.
        """
        return await self._history.purge_flow(self._memories, source)

    purge, apurge = both(purge_flow)

    async def stats_flow(self) -> UserStats:
        """Count what is kept of this user, and what it has cost so far."""
        memories = await search_exactly(self._memories, refresh_ttl=False)
        turns = await search_exactly(self._said, refresh_ttl=False)
        revisions = await all_revisions(self._memories)
        costs = await costs_of(self._memories)
        return UserStats(
            memories=len(memories),
            turns=len(turns),
            revisions=sum(map(len, revisions.values())),
            size=sum(len(json_bytes(item.value)) for item in [*memories, *turns]),
            tokens=sum(one.tokens for one in costs),
            cost=total_cost([one.cost for one in costs]),
        )

    stats, astats = both(stats_flow)

    async def costs_flow(self) -> list[DayCost]:
        """Return what extraction has cost, by day, newest first."""
        return await costs_of(self._memories)

    costs, acosts = both(costs_flow)

    async def _imported(self, lines: Iterable[str | bytes], *, bring_back_erased: bool) -> Imported:
        """Bring each line into the namespace of this user that it belongs to."""
        total = Imported()
        for are_turns, some in groupby(lines, holds_turn):
            place = self._said if are_turns else self._memories
            total += await import_lines(
                some, place, self._setup.policy, bring_back_erased=bring_back_erased
            )
        return total
