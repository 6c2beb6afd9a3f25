"""Memories kept in a store: recall what is known, extract, write what changed.

In this order: fill the namespace → read what is known → where it does not all fit, one batch of
searches with queries from the conversation → one question to the model (more only for repairs,
phases and steps) → one batch of writes.
Memories that are to be changed are read once more just before (see `commit`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, overload

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, Item as StoreItem, SearchItem
from typing_extensions import TypedDict, Unpack, override

from longterm.commit import Policy, commit
from longterm.effects.drivers import Work
from longterm.effects.observe import count_tokens
from longterm.effects.steps import Reach, place_of, search, search_op
from longterm.errors import ConfigurationError
from longterm.extract.engine import (
    Dropped,
    Extraction,
    ExtractionInput,
    ExtractionReport,
    Extractor,
)
from longterm.extract.prompts import CONSOLIDATE, FORGET, INSTRUCTIONS, SEARCH_MEMORIES
from longterm.extract.proposal import NewId, Permissions
from longterm.extract.schema import MemorySchema, Schema, memory_schemas, several
from longterm.guard import GuardOption, guard_of
from longterm.manage.access import DEFAULT_KEY, Default, NamespaceAccess
from longterm.manage.conversation_queries import conversation_queries
from longterm.manage.forgetting import (
    Forgetting,
    Request,
    find_requested,
    requests_to_forget,
    unmet,
    without_requests,
)
from longterm.manage.manager import (
    Results,
    fields_in,
    ids_for,
    now_in,
    steps_in,
    thread_in,
    today,
    warn_of_dropped,
)
from longterm.manage.query import QueryWriter
from longterm.manage.recalled import recalled
from longterm.manage.relevant import (
    best,
    in_turn,
    is_scored,
    memories,
    merged,
    normalize_existing,
    unique,
    within,
)
from longterm.manage.searching import SCAN_LIMIT
from longterm.manage.sources import ConversationSources, compare, writes_of
from longterm.memory.conversation import message_text, speaker
from longterm.memory.model import Content, Document, Draft, Memory, document_of
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.memory.revision import ExtractionRun, KeepRevisions
from longterm.models.names import ChatModel, ProtocolName, as_model
from longterm.models.prices import cost_of
from longterm.recall.recorder import said_messages
from longterm.recall.retriever import Recall
from longterm.types import Conversation, MemoryPhase, MemoryStoreManagerInput, MessagesInput

__all__ = ["MemoryPhase", "MemoryStoreManager", "create_memory_store_manager"]

#: How many memories a search may bring for the ranking to choose from.
_SEARCH_LIMIT = 50


class _Unset(int):
    """LangMem's default of `query_limit`, where none was set."""


_NO_LIMIT = _Unset(5)


@dataclass(frozen=True)
class _Stage:
    """One pass: who extracts, and whether it sees the conversation."""

    extractor: Extractor
    sees_messages: bool = True


class _StoreOptions(TypedDict, total=False):
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
    cite_messages: bool
    exact: bool


@overload
def create_memory_store_manager(
    model: str | ChatModel,
    /,
    *,
    schemas: Sequence[type[Content]] | type[Content],
    **options: Unpack[_StoreOptions],
) -> MemoryStoreManager[Content]: ...
@overload
def create_memory_store_manager(
    model: str | ChatModel, /, *, schemas: None = None, **options: Unpack[_StoreOptions]
) -> MemoryStoreManager[Memory]: ...
@overload
def create_memory_store_manager(
    model: str | ChatModel,
    /,
    *,
    schemas: Sequence[Schema] | Schema | None,
    **options: Unpack[_StoreOptions],
) -> MemoryStoreManager[Any]: ...
def create_memory_store_manager(
    model: str | ChatModel,
    /,
    *,
    schemas: Sequence[Schema] | Schema | None = None,
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
    cite_messages: bool = False,
    exact: bool = False,
) -> MemoryStoreManager[Any]:
    """Create a manager that keeps memories of conversations in a store.

    *store* is any LangGraph store; without one, that of the running graph is used. *namespace*
    is filled from ``config["configurable"]``. What lies below it is found and known too, and
    changed where it lies, unless *exact*; what is new is written to *namespace* itself.

    All known memories are shown to the model while they take at most about *known_tokens*; beyond
    that those that the conversation speaks of, or that queries written by *query_model* find; with
    *recall*, see `create_recall`, those it ranks first. With *query_limit* at most so many are
    shown, however few there are. *default* is the memory under the key ``"default"`` until there
    is another; *phases* are further passes over the memories. *keep_revisions* says how many
    revisions of a memory are kept, or for how long (a timedelta); None keeps all. *guard* looks at
    each memory before it is written: the default one redacts secrets, None lets everything in (see
    `longterm.guard`). With *cite_messages* a model that calls tools may name the messages that a
    memory comes from. For the other arguments see `create_memory_manager`.

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
        cite_messages=cite_messages,
        exact=exact,
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
        raise ConfigurationError(f"The default fits none of the schemas ({names}).")
    return document


class MemoryStoreManager(NamespaceAccess[Content]):
    """Keeps memories in a store; see `create_memory_store_manager`.

    As in LangMem the class deletes by default, and the function that makes one does not.

    ``invoke({"messages": …}, config)`` returns what it wrote, as ``{"namespace", "key",
    "value"}`` dicts. Also offers the store's own `get`, `search`, `put` and `delete` on the
    manager's namespace, with values as instances of the schemas.
    """

    def __init__(
        self,
        model: str | ChatModel,
        /,
        *,
        schemas: Sequence[type[Content]] | Sequence[Schema] | Schema | None = None,
        instructions: str = INSTRUCTIONS,
        default: Any = None,
        default_factory: Callable[[RunnableConfig], Any] | None = None,
        enable_inserts: bool = True,
        enable_updates: bool = True,
        enable_deletes: bool = True,
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
        cite_messages: bool = False,
        exact: bool = False,
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
            exact=exact,
        )
        permissions = Permissions(enable_inserts, enable_updates, enable_deletes)
        main = Extractor(
            chat,
            kinds,
            permissions,
            instructions=instructions,
            protocol=protocol,
            cites=cite_messages,
        )
        later = [_phase(chat, kinds, phase, protocol) for phase in phases or ()]
        self.model = chat
        self.schemas = several(schemas or (Memory,))
        self.instructions = instructions
        self.enable_inserts = enable_inserts
        self.enable_deletes = enable_deletes
        self.phases = list(phases or ())
        self.default_factory = default_factory
        self.query_limit = query_limit
        self.query_model = query_model
        self.known_tokens = known_tokens
        self._model_name = model if isinstance(model, str) else getattr(chat, "model_name", None)
        self._stages = [_Stage(main), *later]
        self._forgetting: Forgetting | None = None
        if enable_deletes:
            forgets = replace(permissions, inserts=False, begins=False)
            self._forgetting = Forgetting(
                Extractor(chat, kinds, forgets, instructions=FORGET, protocol=protocol),
                known_tokens,
                None if isinstance(query_limit, _Unset) else query_limit,
            )
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
        messages, steps = said_messages(fields.get("messages")), steps_in(fields)
        namespace = self.namespace.location(config)
        if not messages:
            return Results()
        requests = requests_to_forget(messages)
        # A profile is one document of the namespace itself, and begun whatever lies below.
        reach = Reach(namespace, exact=self.exact or self._profile)
        known, later = await self._known(messages, requests, reach, config)
        draft = Draft.of([document_of(item.key, item.value, item.namespace) for item in known])
        if not known and self._default is not None:
            draft = draft.insert(self._default(config))
        new_id = self._ids(namespace, config, messages, draft)
        session = ExtractionInput(messages, draft, steps, today(config), new_id)
        extractions = [await self._extract(session)]
        if later and self._forgetting:
            extractions += await self._forgetting.flow(requests, session, extractions[0], later)
        drafts = [one.draft for one in extractions]
        report = sum((one.report for one in extractions), ExtractionReport())
        if requests:
            drafts[0], left_out = without_requests(drafts[0], requests)
            report += left_out + unmet(requests, drafts, permitted=self._forgetting is not None)
        changed = (entry for draft in drafts for entry in draft.entries)
        sources = ConversationSources(messages, thread_in(config), now_in(config))
        await compare(sources, changed)
        writes = [write for draft in drafts for write in writes_of(draft, namespace, sources)]
        name, taken = self._model_name, None
        if used := report.usage:
            read, written = used["input_tokens"], used["output_tokens"]
            count_tokens(name, read=read, written=written)
            # The price list is large and read at its first use: no event loop waits for it.
            cost = await Work(partial(cost_of, name, read=read, written=written))
            taken = ExtractionRun(str(uuid.uuid4()), len(writes), read, written, cost)
        done = await commit(writes, actor="manager", model=name, policy=self._policy, run=taken)
        report += ExtractionReport(dropped=tuple(Dropped("", why) for why in done.lost))
        warn_of_dropped(report)
        return Results(done.puts, report, done.written, taken)

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
        self,
        messages: Sequence[BaseMessage],
        requests: Sequence[Request],
        reach: Reach,
        config: RunnableConfig,
    ) -> tuple[list[StoreItem], list[StoreItem]]:
        """Return the memories to show to the model, oldest first, and what it should see later.

        All of them while they fit; else those that matter most, no part of the conversation
        going short. What requests to forget find goes first, in up to half of the room, and the
        rest of it is for later.
        """
        limit = None if isinstance(self.query_limit, _Unset) else self.query_limit
        size = max(_SEARCH_LIMIT, limit or 0)
        [latest] = await search([search_op(reach.namespace, limit=size)])
        shown, wanted = list(memories(latest, reach)), list[StoreItem]()
        fit = len(latest) < size and len(within(shown, self.known_tokens)) == len(shown)
        if limit is not None or not fit:
            writer = self._query_writer
            queries = await writer.write(messages) if writer else conversation_queries(messages)
            asked = [search_op(reach.namespace, query, limit=size) for query in queries]
            found = [*await search(asked), latest]
            wanted += await find_requested(requests, reach) if requests else []
            ranked = await self._ranked(queries, found, reach, config)
            if limit is None:
                held = within(wanted, self.known_tokens // 2)
                shown = within(unique([*held, *ranked]), self.known_tokens)
            else:
                shown = unique([*wanted[: -(-limit // 2)], *ranked])[:limit]
        places = set(map(place_of, shown))
        later = [item for item in wanted if place_of(item) not in places]
        return sorted(shown, key=lambda item: (item.created_at, item.key)), later

    async def _ranked(
        self,
        queries: Sequence[str],
        found: Sequence[Sequence[SearchItem]],
        reach: Reach,
        config: RunnableConfig,
    ) -> Sequence[StoreItem]:
        """Return memories, best first; *found* is what each query brought, and last the newest."""
        # A profile is known whatever is talked about, and a default only where nothing is.
        always = self._profile or self._default is not None
        limited = not isinstance(self.query_limit, _Unset)
        size = max(_SEARCH_LIMIT, self.query_limit if limited else 0)
        if self._recall is not None and queries and not always:
            return await recalled(self._recall, queries, reach, limit=size, config=config)
        asked = found[:-1] if limited and queries and not always else found
        if any(is_scored(item) for items in found for item in items):
            return in_turn(asked, reach)
        items = merged(found, reach)
        if len(found[-1]) >= size:
            scan = search_op(reach.namespace, limit=max(SCAN_LIMIT, size), refresh_ttl=False)
            items = merged(await search([scan]), reach)
        words = [[query] for query in queries] + [[]] * (len(asked) - len(queries))
        return in_turn(best(items, words, size), reach)

    def _ids(
        self,
        namespace: Namespace,
        config: RunnableConfig,
        messages: Sequence[BaseMessage],
        known: Draft,
    ) -> NewId:
        """Return a source of ids; a profile has an id of its own, so that it is begun only once."""
        if not self._profile:
            said = [(speaker(one), message_text(one)) for one in messages]
            # What is known is part of it: the same said later, of what has changed, is another.
            seen = [(one.id, one.kind, one.content) for _, one in known.living]
            return ids_for(config, namespace, thread_in(config), said, seen)
        profile = uuid.uuid5(uuid.NAMESPACE_OID, "\0".join(("profile", *namespace)))
        return lambda _kind, _content: str(profile)
