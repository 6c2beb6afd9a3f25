"""One user's memory: what was said (turns) and what was learned (memories).

Each method is written once, as a flow, and has a blocking and an awaited form: ``recall`` and
``arecall``. Only what lies exactly in the user's two namespaces is read or written.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, Item, SearchItem

from longterm.commit import Write, commit, if_unchanged
from longterm.effects.forms import both
from longterm.effects.operations import get_op, search_op
from longterm.effects.steps import fetch, search
from longterm.errors import ConfigurationError, ConflictError, InvalidInputError, UnknownMemoryError
from longterm.manage.results import Results
from longterm.memory.model import Document, document_of, value_of
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.retriever import RecallResult
from longterm.service.records import (
    MemoryChange,
    MemoryRecord,
    UserStats,
    changed_document,
    new_document,
    shown,
)
from longterm.service.setup import Setup, template

__all__ = ["UserMemory"]

#: Items that are read at once where a whole namespace is read.
_PAGE = 500
#: LangGraph's own stores ask the clock twice for what they create.
_AT_ONCE = timedelta(milliseconds=1)

# `list` is a method below, and hides the type from the annotations of its class.
_Records = list[MemoryRecord]
_Changes = list[MemoryChange]
_Items = list[SearchItem]


class UserMemory:
    """The memory of one user, or of another scope; see `MemoryService.user`."""

    def __init__(self, setup: Setup, labels: tuple[str, ...]) -> None:
        if not labels:
            raise ConfigurationError("A scope needs at least one label, such as a user's id.")
        self._setup = setup
        self._depth = len(labels)
        values = {f"label_{number}": label for number, label in enumerate(labels)}
        self.labels = labels
        self.config = RunnableConfig(configurable=values)
        self._memories, self._turns = (
            NamespaceTemplate(template(root, self._depth))(self.config)
            for root in ("memories", "turns")
        )

    @property
    def store(self) -> BaseStore:
        """The store it is in."""
        return self._setup.store

    # --- conversations ---

    async def _remember(
        self,
        messages: Any,
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
        config = self._said_in(thread, now)
        await self._recorded(messages, config, now)
        payload = {"messages": messages}
        if not wait:
            if executor := self._setup.executor(self._depth):
                # No thread: a newer conversation must not take the place of this one.
                executor.submit(payload, config, thread_id=None)
            return []
        manager = self._setup.manager(self._depth)
        if manager is None:
            return []
        results = cast("Results[dict[str, Any]]", await manager.flow(payload, config))
        used = results.report.usage
        tokens = self._setup.tokens
        tokens[self._memories] = tokens.get(self._memories, 0) + (
            used["total_tokens"] if used else 0
        )
        items = await fetch([get_op(self._memories, put["key"]) for put in results])
        return [
            MemoryChange(
                action="created" if item.updated_at - item.created_at < _AT_ONCE else "changed",
                id=item.key,
                kind=document_of(item.key, item.value).kind,
                content=shown(document_of(item.key, item.value).content),
            )
            for item in items
            if item is not None
        ]

    remember, aremember = both(_remember)

    async def _record(
        self, messages: Any, *, thread: str | None = None, now: datetime | None = None
    ) -> int:
        """Keep the turns of *messages* word for word, each once; return how many were new."""
        return await self._recorded(messages, self._said_in(thread, now), now)

    record, arecord = both(_record)

    async def _recall(
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
        asked = {"question": question, "thread": thread, "now": now, "as_of": as_of}
        return await recall.flow(asked, self.config)

    recall, arecall = both(_recall)

    # --- single memories ---

    async def _search(
        self, query: str, *, filter: Mapping[str, Any] | None = None, limit: int = 10
    ) -> _Records:
        """Return the memories that fit *query*, best first.

        *filter* compares fields of the stored value: ``{"kind": "Food"}``.
        """
        items = await self._page(query, dict(filter or {}), limit, 0)
        return [MemoryRecord.of(item) for item in items]

    search, asearch = both(_search)

    async def _list(
        self, *, limit: int = 100, offset: int = 0, kind: str | None = None
    ) -> _Records:
        """Return the memories, those written last first; of one *kind* only, where it is given."""
        items = await self._page(None, {} if kind is None else {"kind": kind}, limit, offset)
        return [MemoryRecord.of(item) for item in items]

    list, alist = both(_list)

    async def _get(self, id: str) -> MemoryRecord | None:
        """Return the memory *id*; None where there is none."""
        (item,) = await fetch([get_op(self._memories, id)])
        return None if item is None else MemoryRecord.of(item)

    get, aget = both(_get)

    async def _add(
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
        if item.value == value_of(document):
            return MemoryRecord.of(item)
        raise ConflictError(f"There is already another memory {document.id!r}: edit that one.")

    add, aadd = both(_add)

    async def _edit(
        self, id: str, content: Any, *, expected_revision: int | None = None
    ) -> MemoryRecord:
        """Put *content* in the place of the memory's own and return it; the kind stays.

        Raises `UnknownMemoryError`, and `ConflictError` where the memory's latest revision is
        not the one that was expected, or it changed meanwhile.
        """
        item = await self._existing(id)
        self._check_revision(MemoryRecord.of(item), expected_revision)
        document = changed_document(document_of(id, item.value), content, self._setup.kinds)
        if value_of(document) == item.value:
            return MemoryRecord.of(item)
        return await self._written(document, item)

    edit, aedit = both(_edit)

    async def _forget(self, id: str) -> None:
        """Delete the memory *id*; its history stays, and it can be restored.

        Raises `UnknownMemoryError` where there is none.
        """
        item = await self._existing(id)
        write = Write(self._memories, id, if_unchanged(item, None))
        await commit([write], actor="user")

    forget, aforget = both(_forget)

    # --- all of it ---

    async def _stats(self) -> UserStats:
        """Count what is kept of this user, and what it has cost since the service was opened."""
        memories = await self._page(None, {}, None, 0)
        turns = await self._page(None, {}, None, 0, self._turns)
        tokens = self._setup.tokens.get(self._memories, 0)
        return UserStats(
            memories=len(memories),
            turns=len(turns),
            revisions=0,
            size=sum(len(str(item.value).encode()) for item in [*memories, *turns]),
            tokens=tokens,
            cost=None if tokens else 0.0,
        )

    stats, astats = both(_stats)

    # --- what the methods share ---

    def _said_in(self, thread: str | None, now: datetime | None) -> RunnableConfig:
        values = dict(self.config.get("configurable", {}))
        if thread is not None:
            values["thread_id"] = thread
        if now is not None:
            values["now"] = now
        return RunnableConfig(configurable=values)

    async def _recorded(self, messages: Any, config: RunnableConfig, now: datetime | None) -> int:
        recorder = create_conversation_recorder(
            namespace=template("turns", self._depth),
            store=self.store,
            clock=lambda: now or datetime.now(UTC),
        )
        return len(await recorder.flow({"messages": messages}, config))

    async def _existing(self, id: str) -> Item:
        (item,) = await fetch([get_op(self._memories, id)])
        if item is None:
            raise UnknownMemoryError(id)
        return item

    async def _written(self, document: Document, before: Item | None) -> MemoryRecord:
        edit = if_unchanged(before, value_of(document))
        await commit([Write(self._memories, document.id, edit)], actor="user")
        return MemoryRecord.of(await self._existing(document.id))

    @staticmethod
    def _check_revision(record: MemoryRecord, expected: int | None) -> None:
        if expected is not None and record.revision != expected:
            raise ConflictError(
                f"Memory {record.id!r} is at revision {record.revision}, not {expected}: "
                "read it again and decide anew."
            )

    async def _page(
        self,
        query: str | None,
        filter: dict[str, Any],
        limit: int | None,
        offset: int,
        place: Namespace | None = None,
    ) -> _Items:
        """Read items that lie exactly in *place*, the memories' where none is given."""
        place = place or self._memories
        wanted = None if limit is None else offset + limit
        found: _Items = []
        start = 0
        # A store searches below a namespace as well, where other scopes may lie.
        while wanted is None or len(found) < wanted:
            size = _PAGE if wanted is None else max(min(wanted, _PAGE), 1)
            op = search_op(
                place, query, filter=filter or None, limit=size, offset=start, refresh_ttl=False
            )
            (items,) = await search([op])
            found += [item for item in items if item.namespace == place]
            start += size
            if len(items) < size:
                break
        return found[offset:wanted]
