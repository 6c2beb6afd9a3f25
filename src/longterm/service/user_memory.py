"""One user's memory: what was said (turns) and what was learned (memories).

Each method is written once, as a flow, and has a blocking and an awaited form: ``recall`` and
``arecall``. Only what lies exactly in the user's two namespaces is read or written.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import chain, groupby
from os import PathLike
from typing import Any, TextIO, cast

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, Item
from pydantic_core import to_json

from longterm.commit import Write, commit, if_unchanged
from longterm.effects.drivers import arun, run
from longterm.effects.forms import both
from longterm.effects.operations import get_op
from longterm.effects.paging import Reach, namespaces_below, search_exactly
from longterm.effects.steps import Together, fetch
from longterm.effects.work import Work
from longterm.errors import ConfigurationError, ConflictError, InvalidInputError, UnknownMemoryError
from longterm.extract.schema import world_times
from longterm.history import Erasure, History, Imported
from longterm.history.erasing import SourceFilter, erase
from longterm.history.exchange import import_lines
from longterm.history.quarantine import drop, held_in, release
from longterm.history.reading import (
    all_revisions,
    deleted_keys,
    latest_numbers,
    namespaces_with_history,
    revisions_of_each,
)
from longterm.manage.manager import now_in
from longterm.manage.results import Results
from longterm.manage.searching import search_best
from longterm.memory.model import Document, document_of, value_of
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.memory.quarantine import Held
from longterm.memory.revision import Revision, Source
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.retriever import RecallResult
from longterm.recall.turns import Turn
from longterm.service.costs import DayCost, costs_of, total_cost
from longterm.service.exchange import holds_turn, lines_in, written
from longterm.service.items import MEMORY_STORES, REQUESTS, USAGE
from longterm.service.meanwhile import take_back
from longterm.service.records import (
    MemoryChange,
    MemoryRecord,
    TurnRecord,
    UserStats,
    changed_document,
    new_document,
)
from longterm.service.setup import ROOTS, Setup, template
from longterm.types import Conversation, MemoryStoreManagerInput, RecallInput

__all__ = ["UserMemory"]

# `list` is a method below, and hides the type from the annotations of its class.
_Records = list[MemoryRecord]
_Changes = list[MemoryChange]
_Revisions = list[Revision]
_Turns = list[TurnRecord]
_Sources = list[Source]
_Lines = list[str]
_Costs = list[DayCost]


class UserMemory:
    """The memory of one user, or of another scope; see `MemoryService.user`."""

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

    # --- conversations ---

    async def remember_flow(
        self,
        messages: Conversation | Mapping[str, Any],
        *,
        thread: str | None = None,
        now: datetime | None = None,
        wait: bool = True,
    ) -> _Changes:
        """Keep the turns of *messages*, and extract memories from them; return what changed.

        *messages* are OpenAI's dicts, LangChain's messages or one text; *now* says when they
        were said, where they do not. Without a model only the turns are kept. With *wait* false
        the extraction runs in the background, and nothing is returned.
        """
        config, setup = self._said_in(thread, now), self._setup
        turns, _ = await self._recorded(messages, config)
        payload = MemoryStoreManagerInput(messages=messages)
        if not wait:
            if executor := setup.executor(self._depth):
                # No thread: a newer conversation must not take the place of this one.
                future = await Work(lambda: executor.submit(payload, config, thread_id=None))
                setup.book_when_done(self._memories, future)
            return []
        manager = setup.manager(self._depth)
        if manager is None:
            return []
        results = cast("Results[dict[str, Any]]", await manager.flow(payload, config))
        if await take_back(results.written, self._memories, self._said, turns):
            return []
        await setup.book(self._memories, results)
        return [MemoryChange.of(one) for one in results.written]

    remember, aremember = both(remember_flow)

    async def record_flow(
        self,
        messages: Conversation | Mapping[str, Any],
        *,
        thread: str | None = None,
        now: datetime | None = None,
    ) -> int:
        """Keep the turns of *messages* word for word, each once; return how many were new."""
        return (await self._recorded(messages, self._said_in(thread, now)))[1]

    record, arecord = both(record_flow)

    async def turns_flow(self, *, limit: int = 100, offset: int = 0) -> _Turns:
        """Return the turns, those recorded last first."""
        found = await search_exactly(self._said, limit=limit, offset=offset, refresh_ttl=False)
        return [TurnRecord.of(item) for item in found]

    turns, aturns = both(turns_flow)

    async def recall_flow(
        self,
        question: str,
        *,
        limit: int | None = None,
        budget: int = 2_000,
        thread: str | None = None,
        now: datetime | None = None,
        as_of: datetime | None = None,
    ) -> RecallResult:
        """Find what matters to *question* among turns and memories.

        The result's `text` is a block for a system prompt, of at most *budget* tokens. What is
        said in *thread*, the conversation that is going on, is left out, and what came after
        *as_of*. "Last week" is relative to *now*.
        """
        recall = self._setup.recall(self._depth).within(limit=limit, budget=budget)
        asked = RecallInput(question=question, thread=thread, now=now, as_of=as_of)
        return await recall.flow(asked, self.config)

    recall, arecall = both(recall_flow)

    # --- single memories ---

    async def search_flow(
        self, query: str, *, filter: Mapping[str, Any] | None = None, limit: int = 10
    ) -> _Records:
        """Return the memories that fit *query*, best first.

        *filter* compares fields of the stored value: ``{"kind": "Food"}``.
        """
        mine = Reach(self._memories, exact=True)
        return await self._records(await search_best(mine, query, filter=filter, limit=limit))

    search, asearch = both(search_flow)

    async def list_flow(
        self, *, limit: int = 100, offset: int = 0, kind: str | None = None
    ) -> _Records:
        """Return the memories, those written last first; of one *kind* only, where it is given."""
        only = None if kind is None else {"kind": kind}
        found = await search_exactly(
            self._memories, filter=only, limit=limit, offset=offset, refresh_ttl=False
        )
        return await self._records(found)

    list, alist = both(list_flow)

    async def get_flow(self, id: str) -> MemoryRecord | None:
        """Return the memory *id*; None where there is none."""
        (item,) = await fetch([get_op(self._memories, id)])
        return None if item is None else (await self._records([item]))[0]

    get, aget = both(get_flow)

    async def add_flow(
        self, content: Any, *, kind: str | None = None, id: str | None = None
    ) -> MemoryRecord:
        """Store a memory by hand and return it.

        *content* is a text, JSON data or an instance of a schema. Adding the same again under
        the same *id* changes nothing; something else under it is a `ConflictError`.
        """
        if id is not None and not id.strip():
            raise InvalidInputError("The id cannot be blank: leave it out for a new one.")
        document = new_document(id or str(uuid.uuid4()), content, kind, self._setup.kinds)
        (item,) = await fetch([get_op(self._memories, document.id)])
        if item is None:
            return await self._written(document, None)
        guard = self._setup.policy.guard
        stored = value_of(document) if guard is None else guard.check(value_of(document)).value
        if item.value == stored:
            return (await self._records([item]))[0]
        raise ConflictError(f"There is already another memory {document.id!r}: edit that one.")

    add, aadd = both(add_flow)

    async def edit_flow(
        self, id: str, content: Any, *, expected_revision: int | None = None
    ) -> MemoryRecord:
        """Put *content* in the place of the memory's own and return it; the kind stays.

        Raises `UnknownMemoryError`, and `ConflictError` where the memory's latest revision is
        not the one that was expected, or it changed meanwhile.
        """
        item = await self._existing(id, expected_revision)
        document = changed_document(document_of(id, item.value), content, self._setup.kinds)
        if value_of(document) == item.value:
            return (await self._records([item]))[0]
        return await self._written(document, item)

    edit, aedit = both(edit_flow)

    async def forget_flow(self, id: str, *, expected_revision: int | None = None) -> None:
        """Delete the memory *id*; its history stays, and it can be restored.

        Raises `UnknownMemoryError` where there is none, and `ConflictError` where its latest
        revision is not the one that was expected, or it changed meanwhile.
        """
        item = await self._existing(id, expected_revision)
        write = Write(self._memories, id, if_unchanged(item, None))
        await commit([write], actor="user", policy=self._setup.policy)

    forget, aforget = both(forget_flow)

    # --- what the guard keeps back ---

    async def quarantined_flow(self) -> list[Held]:
        """Return what the guard keeps back of this user's memories and turns, oldest first."""
        return [one for place in (self._memories, self._said) for one in await held_in(place)]

    quarantined, aquarantined = both(quarantined_flow)

    async def release_flow(self, id: str) -> None:
        """Write what is in quarantine under *id* where it was to be; it is checked no more."""
        await release(await self._held(id))

    release, arelease = both(release_flow)

    async def drop_flow(self, id: str) -> None:
        """Remove what is in quarantine under *id* for good."""
        await drop(await self._held(id))

    drop, adrop = both(drop_flow)

    # --- what was ---

    async def forgotten_flow(self) -> _Records:
        """Return the memories that were deleted and can be restored, as they were last."""
        keys = await deleted_keys(self._memories)
        revisions = await revisions_of_each(self._memories, keys)
        return [MemoryRecord.past(key, revisions[key]) for key in keys]

    forgotten, aforgotten = both(forgotten_flow)

    def history(self, id: str) -> _Revisions:
        """Return the revisions of a memory, oldest first; none where it never was."""
        return self._history.of(self._memories, id)

    async def ahistory(self, id: str) -> _Revisions:
        """Return the revisions of a memory, oldest first; none where it never was."""
        return await self._history.aof(self._memories, id)

    def sources(self, id: str) -> _Sources:
        """Return the messages that a memory came from, newest first."""
        return self._history.sources(self._memories, id)

    async def asources(self, id: str) -> _Sources:
        """Return the messages that a memory came from, newest first."""
        return await self._history.asources(self._memories, id)

    def restore(self, id: str, revision: int) -> MemoryRecord:
        """Make a memory what it was after *revision*, also one that was forgotten.

        Raises `UnknownMemoryError` where there is no such revision.
        """
        self._history.restore(self._memories, id, revision)
        return cast("MemoryRecord", self.get(id))

    async def arestore(self, id: str, revision: int) -> MemoryRecord:
        """Do what `restore` does."""
        await self._history.arestore(self._memories, id, revision)
        return cast("MemoryRecord", await self.aget(id))

    def as_of(self, time: datetime | None = None, *, valid_at: date | None = None) -> UserMemory:
        """Return this memory as it was known at *time*, to be read only; None is now.

        With *valid_at* only memories that say of themselves that they were true then: see
        `longterm.ValidFrom`.
        """
        from longterm.service.past import PastMemory

        return PastMemory(self._setup, self.labels, time, valid_at)

    # --- all of it ---

    def lines(self) -> Iterator[str]:
        """Yield the lines of `export` one by one."""
        return self._history.export(self._memories, self._said)

    def alines(self) -> AsyncIterator[str]:
        """Yield the lines of `export` one by one."""
        return self._history.aexport(self._memories, self._said)

    def export(self, path_or_file: str | PathLike[str] | TextIO | None = None) -> _Lines:
        """Write all memories, their revisions and sources, and all turns as lines of JSON.

        *path_or_file* is a path or an open file; without one the lines are returned.
        """
        if path_or_file is None:
            return list(self.lines())
        with written(path_or_file) as file:
            file.writelines(self.lines())
        return []

    async def aexport(self, path_or_file: str | PathLike[str] | TextIO | None = None) -> _Lines:
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
            return await erase(self._memories, id, cascade=cascade, derived_in=None, actor="user")
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
            size=sum(len(to_json(item.value)) for item in [*memories, *turns]),
            tokens=sum(one.tokens for one in costs),
            cost=total_cost(costs),
        )

    stats, astats = both(stats_flow)

    async def costs_flow(self) -> _Costs:
        """Return what extraction has cost, by day, newest first."""
        return await costs_of(self._memories)

    costs, acosts = both(costs_flow)

    # --- what the methods share ---

    def _said_in(self, thread: str | None, now: datetime | None) -> RunnableConfig:
        given = {"thread_id": thread, "now": now}
        values = {name: value for name, value in given.items() if value is not None}
        return RunnableConfig(configurable={**self.config.get("configurable", {}), **values})

    async def _recorded(self, messages: Any, config: RunnableConfig) -> tuple[Sequence[Turn], int]:
        recorder = create_conversation_recorder(
            namespace=template("turns", self._depth),
            store=self.store,
            clock=lambda: now_in(config) or datetime.now(UTC),
            guard=self._setup.policy.guard,
        )
        said = recorder.turns_in({"messages": messages}, config)
        return said, len(await recorder.keep(said, config))

    async def _held(self, id: str) -> Held:
        for one in await self.quarantined_flow():
            if one.id == id:
                return one
        raise UnknownMemoryError(id)

    async def _existing(self, id: str, revision: int | None = None) -> Item:
        (item,) = await fetch([get_op(self._memories, id)])
        if item is None:
            raise UnknownMemoryError(id)
        if revision not in (None, found := (await self._records([item]))[0].revision):
            raise ConflictError(
                f"Memory {id!r} is at revision {found}, not {revision}: read it again and decide "
                "anew."
            )
        return item

    async def _records(self, items: Sequence[Item]) -> _Records:
        numbers = await latest_numbers(self._memories, [item.key for item in items])
        return [MemoryRecord.of(item, numbers[item.key]) for item in items]

    async def _written(self, document: Document, before: Item | None) -> MemoryRecord:
        write = Write(self._memories, document.id, if_unchanged(before, value_of(document)))
        (await commit([write], actor="user", policy=self._setup.policy)).checked()
        return (await self._records([await self._existing(document.id)]))[0]

    async def _imported(self, lines: Iterable[str | bytes], *, bring_back_erased: bool) -> Imported:
        """Bring each line into the namespace of this user that it belongs to."""
        total = Imported()
        for are_turns, some in groupby(lines, holds_turn):
            place = self._said if are_turns else self._memories
            total += await import_lines(
                some, place, self._setup.policy, bring_back_erased=bring_back_erased
            )
        return total
