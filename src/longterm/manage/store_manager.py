"""Memories kept in a store: recall what is known, extract, write what changed.

In this order: fill the namespace → queries from the conversation → one batch of searches →
one question to the model (more only for repairs, phases and steps) → one batch of writes.
Memories that are to be changed are read once more just before (see `commit`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, Item as StoreItem
from typing_extensions import TypedDict, Unpack, override

from longterm.commit import Policy, commit
from longterm.effects.observe import count_tokens
from longterm.effects.operations import search_op
from longterm.effects.steps import search
from longterm.errors import ConfigurationError
from longterm.extract.engine import Extraction, ExtractionInput, Extractor
from longterm.extract.prompts import CONSOLIDATE, INSTRUCTIONS, SEARCH_MEMORIES
from longterm.extract.proposal import NewId, Permissions
from longterm.extract.report import Dropped, ExtractionReport
from longterm.extract.schema import MemorySchema, Schema, memory_schemas
from longterm.guard import GuardOption, guard_of
from longterm.manage.access import DEFAULT_KEY, Default, NamespaceAccess
from longterm.manage.conversation_queries import conversation_queries, wishes_to_forget
from longterm.manage.known import normalize_existing
from longterm.manage.manager import fields_in, ids_for, job_in, now_in, steps_in, thread_in, today
from longterm.manage.query import QueryWriter
from longterm.manage.recalled import recalled
from longterm.manage.relevant import best, in_turn, is_scored, merged, within
from longterm.manage.results import Results, warn_of_dropped
from longterm.manage.saving import writes_of
from longterm.manage.sources import ConversationSources
from longterm.memory.conversation import as_messages
from longterm.memory.draft import Draft
from longterm.memory.history_items import KeepRevisions
from longterm.memory.model import Content, Document, Memory, document_of
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.models.names import ChatModel, ProtocolName, as_model
from longterm.recall.retriever import Recall
from longterm.types import Conversation, MemoryPhase, MemoryStoreManagerInput, MessagesInput

__all__ = ["MemoryPhase", "MemoryStoreManager", "create_memory_store_manager"]

#: How many memories a search may bring for the ranking to choose from.
_SEARCH_LIMIT = 50
#: How many memories that a wish to forget finds go before all others.
_FORGOTTEN = 5
#: How far a store without an index is read, so that new memories are seen as well as old.
_SCAN_LIMIT = 1_000


class _Unset(int):
    """LangMem's default of `query_limit`, where nobody has set one."""


_NO_LIMIT = _Unset(5)


@dataclass(frozen=True)
class _Stage:
    """One pass: who extracts, and whether it sees the conversation."""

    extractor: Extractor
    sees_messages: bool = True


class _Options(TypedDict, total=False):
    instructions: str
    default: Any
    default_factory: Callable[[RunnableConfig], Any] | None
    enable_inserts: bool
    enable_updates: bool
    enable_deletes: bool
    query_model: str | ChatModel | None
    query_limit: int
    known_tokens: int
    namespace: tuple[str, ...] | str | NamespaceTemplate
    store: BaseStore | None
    phases: Sequence[MemoryPhase] | None
    protocol: ProtocolName | None
    recall: Recall | None
    keep_revisions: KeepRevisions
    guard: GuardOption


@overload
def create_memory_store_manager(
    model: str | ChatModel,
    /,
    *,
    schemas: Sequence[type[Content]],
    **options: Unpack[_Options],
) -> MemoryStoreManager[Content]: ...
@overload
def create_memory_store_manager(
    model: str | ChatModel, /, *, schemas: None = None, **options: Unpack[_Options]
) -> MemoryStoreManager[Memory]: ...
@overload
def create_memory_store_manager(
    model: str | ChatModel, /, *, schemas: Sequence[Schema] | None, **options: Unpack[_Options]
) -> MemoryStoreManager[Any]: ...
def create_memory_store_manager(
    model: str | ChatModel,
    /,
    *,
    schemas: Sequence[Schema] | None = None,
    instructions: str = INSTRUCTIONS,
    default: Any = None,
    default_factory: Callable[[RunnableConfig], Any] | None = None,
    enable_inserts: bool = True,
    enable_updates: bool = True,
    enable_deletes: bool = False,
    query_model: str | ChatModel | None = None,
    query_limit: int = _NO_LIMIT,
    known_tokens: int = 1_000,
    namespace: tuple[str, ...] | str | NamespaceTemplate = ("memories", "{langgraph_user_id}"),
    store: BaseStore | None = None,
    phases: Sequence[MemoryPhase] | None = None,
    protocol: ProtocolName | None = None,
    recall: Recall | None = None,
    keep_revisions: KeepRevisions = None,
    guard: GuardOption = "default",
) -> MemoryStoreManager[Any]:
    """Create a manager that keeps memories of conversations in a store.

    *store* is any LangGraph store; without one, that of the running graph is used. *namespace*
    is filled from ``config["configurable"]``. All known memories are shown to the model while
    they take at most about *known_tokens*; beyond that those that the conversation speaks of,
    or that queries written by *query_model* find; with *recall*, see `create_recall`, those it
    ranks first. With *query_limit* at most so many are shown, however few there are. *default* is
    the memory under the key ``"default"`` until there is another; *phases* are further passes
    over the memories. *keep_revisions* says how many revisions of a memory are kept, or for how
    long (a timedelta); None keeps all. *guard* looks at each memory before it is written:
    the default one redacts secrets, None lets everything in (see `longterm.guard`). For the
    other arguments see `create_memory_manager`.

    Raises `ConfigurationError` for what cannot be used.
    """
    return MemoryStoreManager(
        model,
        schemas=schemas,
        instructions=instructions,
        default=default,
        default_factory=default_factory,
        enable_inserts=enable_inserts,
        enable_updates=enable_updates,
        enable_deletes=enable_deletes,
        query_model=query_model,
        query_limit=query_limit,
        known_tokens=known_tokens,
        namespace=namespace,
        store=store,
        phases=phases,
        protocol=protocol,
        recall=recall,
        keep_revisions=keep_revisions,
        guard=guard,
    )


def _phase(
    model: ChatModel,
    kinds: tuple[MemorySchema, ...],
    phase: MemoryPhase,
    protocol: ProtocolName | None,
) -> _Stage:
    permissions = Permissions(
        phase.get("enable_inserts", True),
        phase.get("enable_updates", True),
        phase.get("enable_deletes", True),
    )
    instructions = phase.get("instructions", CONSOLIDATE)
    extractor = Extractor(model, kinds, permissions, instructions=instructions, protocol=protocol)
    return _Stage(extractor, phase.get("include_messages", False))


def _default(
    value: Any, factory: Callable[[RunnableConfig], Any] | None, kinds: Sequence[MemorySchema]
) -> Default | None:
    if value is not None and factory is not None:
        raise ConfigurationError("Pass default or default_factory, not both.")
    if factory is not None:
        return lambda config: _default_document(factory(config), kinds)
    if value is None:
        return None
    document = _default_document(value, kinds)
    return lambda _: document


def _default_document(value: Any, kinds: Sequence[MemorySchema]) -> Document:
    document, _ = normalize_existing([(DEFAULT_KEY, value)], kinds)[DEFAULT_KEY]
    if document.kind is None:
        names = ", ".join(kind.name for kind in kinds)
        raise ConfigurationError(f"The default {value!r:.200} fits none of the schemas ({names}).")
    return document


class MemoryStoreManager(NamespaceAccess[Content]):
    """Keeps memories in a store; see `create_memory_store_manager`.

    ``invoke({"messages": …}, config)`` returns what it wrote, as ``{"namespace", "key",
    "value"}`` dicts. Also offers the store's own `get`, `search`, `put` and `delete` on the
    manager's namespace, with values as instances of the schemas.
    """

    def __init__(
        self,
        model: str | ChatModel,
        /,
        *,
        schemas: Sequence[type[Content]] | Sequence[Schema] | None = None,
        instructions: str = INSTRUCTIONS,
        default: Any = None,
        default_factory: Callable[[RunnableConfig], Any] | None = None,
        enable_inserts: bool = True,
        enable_updates: bool = True,
        enable_deletes: bool = False,
        query_model: str | ChatModel | None = None,
        query_limit: int = _NO_LIMIT,
        known_tokens: int = 1_000,
        namespace: tuple[str, ...] | str | NamespaceTemplate = ("memories", "{langgraph_user_id}"),
        store: BaseStore | None = None,
        phases: Sequence[MemoryPhase] | None = None,
        protocol: ProtocolName | None = None,
        recall: Recall | None = None,
        keep_revisions: KeepRevisions = None,
        guard: GuardOption = "default",
    ) -> None:
        if query_limit < 0:
            raise ConfigurationError(f"query_limit cannot be negative: {query_limit}.")
        chat, kinds = as_model(model), memory_schemas(schemas or (Memory,))
        super().__init__(
            NamespaceTemplate(namespace),
            kinds,
            _default(default, default_factory, kinds),
            store,
            Policy(guard_of(guard), keep_revisions),
        )
        permissions = Permissions(enable_inserts, enable_updates, enable_deletes)
        main = Extractor(chat, kinds, permissions, instructions=instructions, protocol=protocol)
        later = [_phase(chat, kinds, phase, protocol) for phase in phases or ()]
        self.model = chat
        self.schemas = tuple(schemas or (Memory,))
        self.instructions = instructions
        self.default_factory = default_factory
        self.query_limit = query_limit
        self.query_model = query_model
        self.known_tokens = known_tokens
        self._model_name = model if isinstance(model, str) else getattr(chat, "model_name", None)
        self._stages = [_Stage(main), *later]
        self._query_writer = (
            None if query_model is None else QueryWriter(as_model(query_model), SEARCH_MEMORIES)
        )
        self._profile = not enable_inserts
        self._recall = recall

    async def __call__(self, messages: Conversation) -> list[dict[str, Any]]:
        """Keep what matters in *messages*."""
        return await self.ainvoke({"messages": messages})

    @override
    async def flow(
        self, input: MemoryStoreManagerInput | MessagesInput | Conversation, config: RunnableConfig
    ) -> list[dict[str, Any]]:
        fields = fields_in(input)
        messages, steps = as_messages(fields.get("messages")), steps_in(fields)
        namespace = self.namespace.location(config)
        if not messages:
            return Results()
        draft = self._draft(await self._known(messages, namespace, config), config)
        session = ExtractionInput(
            messages, draft, steps, today(config), self._ids(namespace, config)
        )
        extraction = await self._extract(session)
        if used := extraction.report.usage:
            read, written = used["input_tokens"], used["output_tokens"]
            count_tokens(self._model_name, read=read, written=written)
        random_ids = not (self._profile or self._default or job_in(config))
        sources = ConversationSources(messages, thread_in(config), now_in(config))
        writes = writes_of(extraction.draft, namespace, sources, random_ids=random_ids)
        done = await commit(writes, actor="manager", model=self._model_name, policy=self._policy)
        report = extraction.report + ExtractionReport(
            dropped=tuple(Dropped("", why) for why in done.lost)
        )
        warn_of_dropped(report)
        return Results(done.puts, report, done.written)

    async def _extract(self, session: ExtractionInput) -> Extraction:
        report = ExtractionReport()
        for stage in self._stages:
            if stage.sees_messages or session.draft.living:
                seen = session if stage.sees_messages else replace(session, messages=())
                extraction = await stage.extractor.extract(seen)
                session = replace(session, draft=extraction.draft)
                report += extraction.report
        return Extraction(session.draft, report)

    async def _known(
        self, messages: Sequence[BaseMessage], namespace: Namespace, config: RunnableConfig
    ) -> list[StoreItem]:
        """Return the memories to show to the model: those that matter most, oldest first."""
        queries = await self._queries(messages)
        chosen = (
            await self._all_or_best(queries, messages, namespace, config)
            if isinstance(self.query_limit, _Unset)
            else await self._at_most(self.query_limit, queries, namespace, config)
        )
        return sorted(chosen, key=lambda item: (item.created_at, item.key))

    async def _all_or_best(
        self,
        queries: Sequence[str],
        messages: Sequence[BaseMessage],
        namespace: Namespace,
        config: RunnableConfig,
    ) -> Sequence[StoreItem]:
        """Return everything known if it fits, else what each part of the conversation finds."""
        wishes = wishes_to_forget(messages)
        asked = [*wishes, *queries]
        found = await search(
            [search_op(namespace, query, limit=_SEARCH_LIMIT) for query in [*asked, None]]
        )
        newest = merged(found[-1:], namespace)
        if len(found[-1]) < _SEARCH_LIMIT and len(within(newest, self.known_tokens)) == len(newest):
            return newest
        if self._recall is not None and queries and not (self._profile or self._default):
            return within(
                await recalled(self._recall, asked, namespace, limit=_SEARCH_LIMIT, config=config),
                self.known_tokens,
            )
        if any(is_scored(item) for items in found for item in items):
            held = in_turn([items[:_FORGOTTEN] for items in found[: len(wishes)]], namespace)
            others = in_turn(found, namespace)
            ranked = [
                *held,
                *(item for item in others if item.key not in {one.key for one in held}),
            ]
        else:
            scan = await search([search_op(namespace, limit=_SCAN_LIMIT)])
            items = merged(scan, namespace)
            ranked = in_turn([best(items, [one], _SEARCH_LIMIT) for one in asked], namespace)
        return within(ranked, self.known_tokens)

    async def _at_most(
        self, limit: int, queries: Sequence[str], namespace: Namespace, config: RunnableConfig
    ) -> Sequence[StoreItem]:
        """Return the *limit* memories that matter most, no part of the conversation going short."""
        if self._recall is not None and queries and not (self._profile or self._default):
            return await recalled(self._recall, queries, namespace, limit=limit, config=config)
        # A profile is known whatever is talked about, and a default only where nothing is.
        unasked = [None] if self._profile or self._default or not queries else []
        size = max(_SEARCH_LIMIT, limit)
        found = await search(
            [search_op(namespace, query, limit=size) for query in [*queries, *unasked]]
        )
        items = merged(found, namespace)
        if any(map(is_scored, items)):
            return in_turn(found, namespace)[:limit]
        if max(map(len, found)) >= size:
            scan = search_op(namespace, limit=max(_SCAN_LIMIT, size))
            items = merged(await search([scan]), namespace)
        return best(items, queries, limit)

    async def _queries(self, messages: Sequence[BaseMessage]) -> list[str]:
        if self._query_writer is None:
            return conversation_queries(messages)
        return await self._query_writer.write(messages)

    def _draft(self, known: Sequence[StoreItem], config: RunnableConfig) -> Draft:
        draft = Draft.of([document_of(item.key, item.value) for item in known])
        if known or self._default is None:
            return draft
        return draft.insert(self._default(config))

    def _ids(self, namespace: Namespace, config: RunnableConfig) -> NewId:
        """Return a source of ids; a profile has an id of its own, so that it is begun only once."""
        if not self._profile:
            return ids_for(config)
        profile = uuid.uuid5(uuid.NAMESPACE_OID, "\0".join(("profile", *namespace)))
        return lambda _kind, _content: str(profile)
