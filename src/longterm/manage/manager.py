"""The functional core: messages and known memories in, memories out, nothing stored.

Results are ordinary lists, equal to any other list with the same items, that carry a report of
what happened.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Generic, Literal, TypeVar, cast, overload

from langchain_core.runnables import RunnableConfig
from typing_extensions import TypedDict, Unpack, override

from longterm.commit import Written
from longterm.effects.runnable import FlowRunnable
from longterm.effects.warn import warn_caller
from longterm.errors import DroppedWarning, InvalidInputError
from longterm.extract.engine import ExtractionInput, ExtractionReport, Extractor
from longterm.extract.prompts import INSTRUCTIONS
from longterm.extract.proposal import NewId, Permissions
from longterm.extract.schema import Schema, memory_schemas, several
from longterm.guard import GuardOption, guard_of
from longterm.manage.forgetting import requests_to_forget, unmet, without_requests
from longterm.manage.guarding import guarded_draft
from longterm.manage.relevant import Known, normalize_existing
from longterm.manage.sources import ConversationSources
from longterm.memory.conversation import as_time
from longterm.memory.model import JOB_ID, Content, Draft, ExtractedMemory, Memory, RemoveDoc
from longterm.memory.revision import ExtractionRun
from longterm.models.names import ChatModel, ProtocolName, as_model
from longterm.recall.recorder import said_messages
from longterm.types import Conversation, MemoryManagerInput, MessagesInput

__all__ = [
    "MemoryManager",
    "Results",
    "create_memory_manager",
    "fields_in",
    "ids_for",
    "job_in",
    "now_in",
    "plain_values",
    "steps_in",
    "thread_in",
    "today",
    "warn_of_dropped",
]

T = TypeVar("T")


class Results(list[T]):
    """A list of results; `report` tells calls, tokens, and what was dropped and why.

    `written` is what became of a store's items, what was deleted as well, and `run` what it took,
    as the revisions say it; None where the model did not say its tokens.
    """

    def __init__(
        self,
        items: Iterable[T] = (),
        report: ExtractionReport | None = None,
        written: Sequence[Written] = (),
        run: ExtractionRun | None = None,
    ) -> None:
        super().__init__(items)
        self.report = report or ExtractionReport()
        self.written = tuple(written)
        self.run = run


def warn_of_dropped(report: ExtractionReport) -> None:
    """Issue a `DroppedWarning` for each thing that was dropped; what it was, only the report says.

    Warnings end in logs, and what was left out may quote what people said.
    """
    for dropped in report.dropped:
        what = f"Left out of what a model wanted to remember, see the report: {dropped.note}"
        warn_caller(what, DroppedWarning)


class _Options(TypedDict, total=False):
    instructions: str
    enable_inserts: bool
    enable_updates: bool
    protocol: ProtocolName | None
    guard: GuardOption


@overload
def create_memory_manager(
    model: str | ChatModel,
    /,
    *,
    schemas: Sequence[type[Content]] | type[Content],
    enable_deletes: Literal[False] = ...,
    **options: Unpack[_Options],
) -> MemoryManager[Content]: ...
@overload
def create_memory_manager(
    model: str | ChatModel,
    /,
    *,
    schemas: Sequence[type[Content]] | type[Content],
    enable_deletes: bool,
    **options: Unpack[_Options],
) -> MemoryManager[Content | RemoveDoc]: ...
@overload
def create_memory_manager(
    model: str | ChatModel,
    /,
    *,
    enable_deletes: Literal[False] = ...,
    **options: Unpack[_Options],
) -> MemoryManager[Memory]: ...
@overload
def create_memory_manager(
    model: str | ChatModel,
    /,
    *,
    schemas: Sequence[Schema] | Schema = ...,
    enable_deletes: bool = ...,
    **options: Unpack[_Options],
) -> MemoryManager[Any]: ...
def create_memory_manager(
    model: str | ChatModel,
    /,
    *,
    schemas: Sequence[Schema] | Schema = (Memory,),
    instructions: str = INSTRUCTIONS,
    enable_inserts: bool = True,
    enable_updates: bool = True,
    enable_deletes: bool = False,
    protocol: ProtocolName | None = None,
    guard: GuardOption = "default",
) -> MemoryManager[Any]:
    """Create a manager that extracts memories from conversations and stores nothing.

    *schemas* are pydantic models, TypedDicts, dataclasses or JSON schemas. *protocol* says how
    to talk with the model: ``"tools"``, ``"json"`` or ``"text"``; by default what it does best.
    With ``enable_inserts=False`` one document is begun and then kept current (a profile).
    *guard* looks at each new memory and each change before it is returned: the default one
    redacts secrets and leaves out what others than the user order, None lets everything through.

    Raises `ConfigurationError` for a model or schema that cannot be used.
    """
    return MemoryManager(
        model,
        schemas=schemas,
        instructions=instructions,
        enable_inserts=enable_inserts,
        enable_updates=enable_updates,
        enable_deletes=enable_deletes,
        protocol=protocol,
        guard=guard,
    )


class MemoryManager(
    FlowRunnable[MemoryManagerInput | MessagesInput | Conversation, list[ExtractedMemory[Content]]],
    Generic[Content],
):
    """Extracts memories by ``invoke({"messages": …, "existing": …})``.

    See `create_memory_manager`.
    """

    def __init__(
        self,
        model: str | ChatModel,
        *,
        schemas: Sequence[type[Content]] | Sequence[Schema] | Schema = (Memory,),
        instructions: str = INSTRUCTIONS,
        enable_inserts: bool = True,
        enable_updates: bool = True,
        enable_deletes: bool = False,
        protocol: ProtocolName | None = None,
        guard: GuardOption = "default",
    ) -> None:
        self.model = as_model(model)
        self._guard = guard_of(guard)
        self.schemas = several(schemas or (Memory,))
        self.instructions = instructions
        self.enable_inserts = enable_inserts
        self.enable_updates = enable_updates
        self.enable_deletes = enable_deletes
        self._kinds = memory_schemas(self.schemas)
        self._permissions = Permissions(enable_inserts, enable_updates, enable_deletes)
        self._extractor = Extractor(
            self.model,
            self._kinds,
            self._permissions,
            instructions=instructions,
            protocol=protocol,
        )

    async def __call__(
        self, messages: Conversation, existing: Iterable[Any] | None = None
    ) -> list[ExtractedMemory[Content]]:
        """Extract memories from *messages*, knowing *existing*."""
        return await self.ainvoke({"messages": messages, "existing": existing})

    @override
    async def flow(
        self, input: MemoryManagerInput | MessagesInput | Conversation, config: RunnableConfig
    ) -> list[ExtractedMemory[Content]]:
        fields = fields_in(input)
        messages = said_messages(fields.get("messages"))
        known = normalize_existing(fields.get("existing"), self._kinds)
        draft = Draft.of([document for document, _ in known.values()])
        if not messages:
            return Results(self._memories(draft, known))
        session = ExtractionInput(messages, draft, steps_in(fields), today(config), ids_for(config))
        extraction = await self._extractor.extract(session)
        after, report = extraction.draft, extraction.report
        if requests := requests_to_forget(messages):
            after, left_out = without_requests(after, requests)
            report += left_out + unmet(requests, [after], permitted=self._permissions.deletes)
        if self._guard is not None:
            sources = ConversationSources(messages, thread_in(config))
            after, kept_out = guarded_draft(after, sources, self._guard)
            report += kept_out
        warn_of_dropped(report)
        return Results(self._memories(after, known), report)

    def _memories(self, draft: Draft, known: Known) -> list[ExtractedMemory[Content]]:
        """Return what is known now, what changed first."""
        entries = sorted(draft.entries, key=lambda entry: not entry.changed)
        lasting = [entry for entry in entries if entry.before or not entry.deleted]
        kinds = {kind.name: kind for kind in self._kinds}
        memories: list[ExtractedMemory[Any]] = []
        for entry in lasting:
            document = entry.document
            if entry.deleted:
                content: Any = RemoveDoc(json_doc_id=document.id)
            elif not entry.changed:
                content = known[document.id][1]
            else:
                kind, content = kinds.get(document.kind or ""), document.content
                content = content if kind is None else kind.load(content, content)
            memories.append(ExtractedMemory(document.id, content))
        return memories


def fields_in(input: Any) -> Mapping[str, Any]:
    """Return *input* as ``{"messages": …}``; a plain list of messages is one without the rest."""
    if not isinstance(input, Mapping) or "role" in input:
        return {"messages": input}
    fields = cast("Mapping[str, Any]", input)
    if "messages" not in fields:
        raise InvalidInputError(f'The input needs "messages"; it has {sorted(fields)}.')
    return fields


def plain_values(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may fill placeholders of instructions: texts and numbers beside the messages."""
    return {name: one for name, one in fields.items() if isinstance(one, str | int | float)}


def steps_in(fields: Mapping[str, Any]) -> int:
    """Return ``max_steps``, 1 by default; raises `InvalidInputError` for fewer."""
    steps = fields.get("max_steps")
    if steps is None:
        return 1
    if not isinstance(steps, int) or steps < 1:
        raise InvalidInputError(f"max_steps must be a whole number from 1 on, not {steps!r}.")
    return steps


def today(config: RunnableConfig) -> date:
    """Return the date of ``now`` in the config's ``configurable``, else where this program runs.

    Raises `InvalidInputError` for a ``now`` that is no time.
    """
    return (now_in(config) or datetime.now().astimezone()).date()


def now_in(config: RunnableConfig) -> datetime | None:
    """Return ``now`` in the config's ``configurable``, None where it is not given.

    Raises `InvalidInputError` for one that is no time.
    """
    given = config.get("configurable", {}).get("now")
    now = None if given is None else as_time(given)
    if given is not None and now is None:
        raise InvalidInputError("config['configurable']['now'] must be a datetime or ISO 8601.")
    return now


def job_in(config: RunnableConfig) -> Any:
    """Return the id of the job that runs here, where it has one."""
    return config.get("configurable", {}).get(JOB_ID)


def thread_in(config: RunnableConfig) -> str | None:
    """Return the id of the conversation, where it has one."""
    thread = config.get("configurable", {}).get("thread_id")
    return None if thread is None else str(thread)


def ids_for(config: RunnableConfig, *given: object) -> NewId:
    """Return a source of ids for new memories: random, or the same ones for the same job.

    A job that may run again after a crash has an id of its own; else what was *given* is the job,
    so that two equal calls at one moment make one memory. The same content then has the
    same id each time; and what the second run says otherwise never takes the place of what the
    first one wrote.
    """
    job = job_in(config)
    if job is None and not given:
        return lambda _kind, _content: str(uuid.uuid4())
    job = str(job) if job is not None else sha256(_as_json(given).encode()).hexdigest()
    return lambda kind, content: str(uuid.uuid5(uuid.NAMESPACE_OID, _as_json([job, kind, content])))


def _as_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
