"""One user's memory: what was said (turns) and what was learned (memories).

Each method is written once, as a flow, and has a blocking and an awaited form: ``recall`` and
``arecall``. Only what lies exactly in the user's two namespaces is read or written.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, NoReturn, cast

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import Item, SearchItem

from longterm.commit import Write, commit, if_unchanged
from longterm.effects.drivers import Work
from longterm.effects.runnable import both
from longterm.effects.steps import Reach, fetch, get_op, search_exactly
from longterm.errors import ConfigurationError, ConflictError, InvalidInputError, UnknownMemoryError
from longterm.history.quarantine import drop, held_in, release
from longterm.history.reading import deleted_keys, latest_numbers, numbers_at, revisions_of_each
from longterm.manage.manager import Results, now_in
from longterm.manage.searching import search_best
from longterm.memory.conversation import as_messages, unread_times
from longterm.memory.model import Document, document_of, value_of
from longterm.memory.quarantine import Held
from longterm.memory.revision import Revision, Source, sources_now
from longterm.memory.world_time import moment_of
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.retriever import RecallResult
from longterm.recall.turns import Turn
from longterm.service.costs import add_cost
from longterm.service.meanwhile import take_back
from longterm.service.records import (
    Learned,
    MemoryChange,
    MemoryRecord,
    TurnRecord,
    changed_document,
    new_document,
    text_id,
)
from longterm.service.scope import MemoryScope
from longterm.service.setup import Setup, template
from longterm.types import Conversation, MemoryStoreManagerInput, RecallInput

__all__ = ["PastMemory", "UserMemory"]

# `list` is a method below, and hides the type from the annotations of its class.
_Records = list[MemoryRecord]
_Revisions = list[Revision]
_Turns = list[TurnRecord]
_Sources = list[Source]


class UserMemory(MemoryScope):
    """The memory of one user, or of another scope; see `MemoryService.user`."""

    # --- conversations ---

    async def remember_flow(
        self,
        messages: Conversation | Mapping[str, Any],
        *,
        thread: str | None = None,
        now: datetime | None = None,
        wait: bool = True,
    ) -> Learned:
        """Keep the turns of *messages*, and extract memories from them; return what changed.

        That is a list of `MemoryChange` with `tokens`, `cost` and `left_out` of this run.

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
                await Work(lambda: executor.submit(payload, config, thread_id=None))
            return Learned()
        unread = list(filter(None, [unread_times(as_messages(messages))]))
        manager = setup.manager(self._depth)
        if manager is None:
            return Learned(left_out=unread)
        results = cast("Results[dict[str, Any]]", await manager.flow(payload, config))
        if await take_back(results.written, self._memories, self._said, turns):
            return Learned()
        used = results.run
        await add_cost(self._memories, used)
        return Learned(
            map(MemoryChange.of, results.written),
            tokens=used.tokens if used else None,
            cost=used.cost if used else None,
            left_out=[*unread, *(dropped.note for dropped in results.report.dropped)],
        )

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
        asked = RecallInput(question=_asked(question), thread=thread, now=now, as_of=as_of)
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
        if id is not None:
            id = text_id(id)
            if not id.strip():
                raise InvalidInputError("The id cannot be blank: leave it out for a new one.")
        document = new_document(id or str(uuid.uuid4()), content, kind, self._setup.kinds)
        (item,) = await fetch([get_op(self._memories, document.id)])
        if item is None:
            try:
                return await self._written(document, None)
            except ConflictError:  # the same, maybe, was added at this moment
                (item,) = await fetch([get_op(self._memories, document.id)])
                if item is None:
                    raise
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
        await drop([await self._held(id)])

    drop, adrop = both(drop_flow)

    # --- what was ---

    async def forgotten_flow(self) -> _Records:
        """Return the memories that were deleted and can be restored, as they were last."""
        keys = await deleted_keys(self._memories)
        revisions = await revisions_of_each(self._memories, keys)
        # Of one whose time was over, or whose revisions are not kept, nothing is left to restore.
        return [
            MemoryRecord.past(key, known)
            for key, known in revisions.items()
            if any(one.value is not None for one in known)
        ]

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
        return PastMemory(self._setup, self.labels, time, valid_at)

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
        raise UnknownMemoryError(id, held=True)

    async def _existing(self, id: str, revision: int | None = None) -> Item:
        (item,) = await fetch([get_op(self._memories, id)])
        if item is None:
            raise UnknownMemoryError(id)
        if revision is not None:
            (record,) = await self._records([item])
            if record.revision != revision:
                raise ConflictError(
                    f"Memory {id!r} is at revision {record.revision}, not {revision}: read it "
                    "again and decide anew."
                )
        return item

    async def _records(self, items: Sequence[Item]) -> _Records:
        numbers = await latest_numbers(self._memories, [item.key for item in items])
        return [MemoryRecord.of(item, numbers[item.key]) for item in items]

    async def _written(self, document: Document, before: Item | None) -> MemoryRecord:
        write = Write(self._memories, document.id, if_unchanged(before, value_of(document)))
        (await commit([write], actor="user", policy=self._setup.policy)).checked()
        return (await self._records([await self._existing(document.id)]))[0]


def _asked(question: object) -> str:
    """Return *question*, which is a text; `create_recall` reads conversations as well."""
    if isinstance(question, str):
        return question
    raise InvalidInputError(
        f"A question is a text, not {type(question).__name__}. Of a conversation, pass the text "
        "of its last message."
    )


class PastMemory(UserMemory):
    """What `UserMemory.as_of` returns: recall, search, list, get, turns, history, sources.

    Whatever would write, or concerns what is there now, raises `ConfigurationError`.
    """

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
        """Find what mattered to *question* then, or *as_of* a time before."""
        recall = self._setup.recall(self._depth).within(
            limit=limit, budget=budget, world_times=self._history.world_times
        )
        then = self.time if as_of is None else min(self.time, moment_of(as_of, '"as_of"'))
        asked = {
            "question": _asked(question),
            "thread": thread,
            "now": then if now is None else now,
            "as_of": then,
            "valid_at": self.valid_at,
        }
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

    async def turns_flow(self, *, limit: int = 100, offset: int = 0) -> _Turns:
        """Return the turns that were said until then, those recorded last first."""
        found = map(TurnRecord.of, await search_exactly(self._said, refresh_ttl=False))
        until = [turn for turn in found if turn.time <= self.time]
        return until[offset : offset + limit]

    turns, aturns = both(turns_flow)

    def history(self, id: str) -> _Revisions:
        """Return the revisions that a memory had then, oldest first."""
        return [one for one in super().history(id) if one.time <= self.time]

    async def ahistory(self, id: str) -> _Revisions:
        """Return the revisions that a memory had then, oldest first."""
        return [one for one in await super().ahistory(id) if one.time <= self.time]

    def sources(self, id: str) -> _Sources:
        """Return the messages that a memory came from then, newest first."""
        return sources_now(self.history(id))

    async def asources(self, id: str) -> _Sources:
        """Return the messages that a memory came from then, newest first."""
        return sources_now(await self.ahistory(id))

    async def _numbered(self, items: Sequence[SearchItem]) -> _Records:
        """Return *items* as records, each with the number of its revision then."""
        numbers = await numbers_at(self._memories, items, self.time)
        return [MemoryRecord.of(item, numbers[item.key]) for item in items]

    def _refuse(self, *_args: Any, **_options: Any) -> NoReturn:
        raise ConfigurationError(
            f"This is the memory as it was at {self.time.isoformat()}: it can only be read, by "
            "recall, search, list, get, turns, history and sources. Write to the user's memory "
            "itself, or restore a revision there."
        )

    async def _arefuse(self, *_args: Any, **_options: Any) -> NoReturn:
        self._refuse()

    remember = record = add = edit = forget = restore = import_ = erase = purge = _refuse
    release = drop = quarantined = forgotten = export = lines = stats = costs = _refuse
    aremember = arecord = aadd = aedit = aforget = arestore = aimport = aerase = apurge = _arefuse
    arelease = adrop = aquarantined = aforgotten = aexport = _arefuse
    alines, astats, acosts = _refuse, _arefuse, _arefuse
