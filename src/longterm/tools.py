"""Tools for agents: write memories, search memories.

What goes wrong is the tool's answer to the model, marked as an error, and nothing is
changed. The tools take LangChain's tool calls and arguments, and the raw calls of OpenAI's and
Anthropic's own clients.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, cast, get_args

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import StructuredTool, ToolException
from langchain_core.tools.base import ArgsSchema
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.errors import GraphBubbleUp
from langgraph.store.base import BaseStore, Item, SearchItem
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from pydantic_core import to_jsonable_python
from typing_extensions import is_typeddict, override

from longterm.commit import Policy, Write, commit
from longterm.effects.clock import utc_now
from longterm.effects.drivers import arun, run
from longterm.effects.steps import Flow, Reach
from longterm.errors import (
    ConfigurationError,
    GuardedError,
    InvalidInputError,
    PartialWriteError,
)
from longterm.extract.json_values import decoded, without_gaps
from longterm.extract.proposal import is_blank, texts_in
from longterm.extract.schema import memory_schemas, plain, problems_in
from longterm.extract.typeddict import modern
from longterm.guard import GuardOption, guard_of
from longterm.manage.manager import now_in, thread_in
from longterm.manage.once import keep_once
from longterm.manage.searching import search_best
from longterm.manage.sources import ConversationSources
from longterm.memory.conversation import as_messages, well_formed, zoned
from longterm.memory.model import ProposalError, is_turn
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.memory.revision import KeepRevisions, Source
from longterm.memory.when import planned_until

__all__ = ["MemoryTool", "create_manage_memory_tool", "create_search_memory_tool"]

_log = logging.getLogger(__name__)

Action = Literal["create", "update", "delete"]
ResponseFormat = Literal["content", "content_and_artifact"]

_WHEN_TO_WRITE = (
    "Use it when the user states a preference or a fact that will matter later, asks to "
    "remember or forget something, or when what you remember turns out to be wrong."
)


#: More than this says no more about what went wrong.
_ANSWER_LENGTH = 1_000

_Id = Annotated[
    str | None, BeforeValidator(lambda id: str(id) if isinstance(id, uuid.UUID | int) else id)
]
_ID = "Id of the memory to update or delete, as the search shows it. Leave it out to create."


def create_manage_memory_tool(
    namespace: tuple[str, ...] | str | NamespaceTemplate,
    *,
    instructions: str = _WHEN_TO_WRITE,
    schema: Any = str,
    actions_permitted: Sequence[Action] = ("create", "update", "delete"),
    store: BaseStore | None = None,
    name: str = "manage_memory",
    guard: GuardOption = "default",
    keep_revisions: KeepRevisions = None,
) -> MemoryTool:
    """Create a tool with which an agent creates, updates and deletes memories.

    *schema* is the type of a memory's content. *guard* looks at each memory before it is
    written: the default one redacts secrets (see `longterm.guard`). *keep_revisions* says how many
    revisions of a memory are kept, or for how long; None keeps all. Raises `ConfigurationError`
    where no known action is permitted, and for a schema that does not read back what it writes.
    """
    actions = tuple(actions_permitted or ())
    if not actions or not set(actions) <= set(get_args(Action)):
        raise ConfigurationError(
            f"actions_permitted must name at least one of {get_args(Action)}; got {list(actions)}."
        )
    *others, last = actions
    verbs = f"{', '.join(others)} or {last}" if others else last
    job = partial(
        _manage, NamespaceTemplate(namespace), actions, Policy(guard_of(guard), keep_revisions)
    )
    return _tool_for(
        job,
        store,
        name=name,
        description=f"{verbs.capitalize()} a long-term memory. {instructions}".strip(),
        args_schema=_arguments(name, schema, actions),
    )


def create_search_memory_tool(
    namespace: tuple[str, ...] | str | NamespaceTemplate,
    *,
    instructions: str = "",
    store: BaseStore | None = None,
    response_format: ResponseFormat = "content",
    name: str = "search_memory",
    exact: bool = False,
) -> MemoryTool:
    """Create a tool with which an agent searches memories; it answers JSON, best first.

    What lies below *namespace* is found too, unless *exact*: agents that write to
    ``("memories", "team", "a")`` and ``("memories", "team", "b")`` share what ``("memories",
    "team")`` finds. With ``response_format="content_and_artifact"`` the items themselves are the
    artifact.
    """
    job = partial(_search, NamespaceTemplate(namespace), response_format, exact=exact)
    return _tool_for(
        job,
        store,
        name=name,
        description=f"Search the long-term memories. {instructions}".strip(),
        args_schema=_SearchArguments,
        response_format=response_format,
    )


def _or(default: Any) -> BeforeValidator:
    """Take *default* where a model writes null for what it would leave out."""
    return BeforeValidator(lambda value: default if value is None else value)


class _SearchArguments(BaseModel):
    query: Annotated[str, _or("")] = Field(description="What to look for, in words.")
    limit: Annotated[int, _or(10)] = Field(
        10, ge=1, description="How many memories to return at most."
    )
    offset: Annotated[int, _or(0)] = Field(
        0, ge=0, description="How many of the best ones to pass over."
    )
    filter: dict[str, Any] | None = Field(None, description="Fields that must have these values.")


class MemoryTool(StructuredTool):
    """A tool that also takes the raw calls of OpenAI's and Anthropic's own clients."""

    @property
    @override
    def tool_call_schema(self) -> ArgsSchema:
        """What a model is shown: with the key ``"required"`` even where nothing is required.

        Some providers refuse a schema without it.
        """
        schema = super().tool_call_schema
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            schema.model_config["json_schema_extra"] = _with_required
        return schema

    @override
    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return super().invoke(self._input(input), config, **kwargs)

    @override
    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return await super().ainvoke(self._input(input), config, **kwargs)

    def _input(self, value: Any) -> Any:
        """Return *value* as LangChain takes it: a tool call of its own, or arguments."""
        match value.model_dump() if isinstance(value, BaseModel) else value:
            case {"function": {"arguments": arguments}}:  # OpenAI's chat completions
                return _raw_arguments(arguments)
            case {"type": "function_call", "arguments": arguments}:  # OpenAI's responses
                return _raw_arguments(arguments)
            case {"type": "tool_use", "input": given} | {"toolUse": {"input": given}}:
                return given  # Anthropic, Bedrock
            case {"type": "tool_call"}:
                return value
            case {"functionCall": {"args": given}} | {"name": self.name, "args": given, "id": _}:
                return given or {}  # Google
            case str(text):
                given = _as_json_object(text)
                return {next(iter(self.args)): text} if given is None else given
            case arguments:
                return arguments

    @override
    def _parse_input(self, tool_input: Any, tool_call_id: str | None) -> Any:
        tool_input = self._input(tool_input)  # run and arun come here at once
        if _UNREADABLE in tool_input:
            raise ToolException("The arguments are not a JSON object. Nothing was changed.")
        try:
            try:
                return super()._parse_input(tool_input, tool_call_id)
            except ValidationError:  # what is meant is understood, as in every protocol
                form = convert_to_openai_tool(self)["function"]["parameters"]
                meant = without_gaps(decoded(tool_input, form), form)
                return super()._parse_input(meant, tool_call_id)
        except RecursionError:
            raise ToolException("The arguments are nested too deeply. Use plain text.") from None


def _with_required(schema: dict[str, Any]) -> None:
    schema.setdefault("required", [])


#: Stands for arguments that cannot be read, until the tool can say so as its answer.
_UNREADABLE = "__unreadable__"


def _raw_arguments(arguments: Any) -> dict[str, Any]:
    """Return the arguments of a client's raw call, which come as a text of JSON."""
    if isinstance(arguments, dict):
        return cast("dict[str, Any]", arguments)
    given = _as_json_object(str(arguments or "{}"))
    return {_UNREADABLE: True} if given is None else given


def _as_json_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _tool_for(job: Callable[..., Flow[Any]], store: BaseStore | None, **options: Any) -> MemoryTool:
    """Build a tool that performs *job* on *store*, or on the store of the running graph."""
    from langgraph.prebuilt import ToolRuntime

    def call(config: RunnableConfig, runtime: Any = None, **arguments: Any) -> Any:
        with _answered():
            return run(job(config, runtime, **arguments), config, store=store)

    async def acall(config: RunnableConfig, runtime: Any = None, **arguments: Any) -> Any:
        with _answered():
            return await arun(job(config, runtime, **arguments), config, store=store)

    for one in (call, acall):  # by this annotation LangGraph knows that it is to be filled in
        one.__annotations__["runtime"] = ToolRuntime
    return MemoryTool(
        func=call,
        coroutine=acall,
        handle_tool_error=lambda error: _sendable(str(error)),
        handle_validation_error=_bad_arguments,
        **options,
    )


def _said(runtime: Any) -> list[BaseMessage]:
    """Return what was said in the agent's conversation, where the tool runs in a graph.

    What memory tools are asked and what they answer are no person's words.
    """
    match getattr(runtime, "state", None):
        case {"messages": [*given]}:
            messages = as_messages(given)
        case state:
            messages = as_messages(getattr(state, "messages", None) or [])
    own = {one.name for one in getattr(runtime, "tools", ()) if isinstance(one, MemoryTool)}
    said: list[BaseMessage] = []
    for message in messages:
        match message:
            case AIMessage(tool_calls=calls):
                others = [call for call in calls if call["name"] not in own]
                said.append(message.model_copy(update={"tool_calls": others}))
            case ToolMessage(name=str(name)) if name in own:
                pass
            case _:
                said.append(message)
    return said


@contextmanager
def _answered() -> Generator[None]:
    """Turn what fails into the tool's answer, so that the agent's run goes on.

    What the developer has to mend, a missing store or placeholder, still ends the run, and an
    interrupt (a guard that asks a person) still halts it.
    """
    try:
        yield
    except (ToolException, ConfigurationError, GraphBubbleUp):
        raise
    except (PartialWriteError, GuardedError) as error:
        raise ToolException(str(error)) from error
    except (InvalidInputError, ValueError, NotImplementedError) as error:
        raise ToolException(f"That cannot be done: {error!s:.300}") from error
    except Exception as error:
        _log.warning("A memory tool failed: %s", type(error).__name__)
        raise ToolException(
            f"The memory is out of order just now ({type(error).__name__}); nothing was "
            "changed. Go on without it."
        ) from error


def _bad_arguments(error: Exception) -> str:
    problems = problems_in(error) if isinstance(error, ValidationError) else str(error)
    return _sendable(f"The arguments do not fit: {problems}. Nothing was changed.")


def _sendable(answer: str) -> str:
    """Return *answer* as every client can send it: it may quote what the model wrote."""
    return well_formed(answer[:_ANSWER_LENGTH]).replace("\0", "\ufffd")


def _content_type(schema: Any) -> Any:
    """Return *schema* as a type; a JSON schema as a dict that is checked against it.

    What has fields is held to reading back as it is written, as it is in managers.
    """
    if not (isinstance(schema, Mapping) or _has_fields(schema)):
        return modern(schema)
    (kind,) = memory_schemas([cast("Any", schema)])

    def check(content: Any) -> Any:
        try:
            checked = kind.check(plain(content))
        except ProposalError as error:
            raise ValueError(str(error)) from error
        return checked if isinstance(schema, Mapping) else content

    if not isinstance(schema, Mapping):
        return Annotated[modern(schema), AfterValidator(check)]
    return Annotated[dict[str, Any], AfterValidator(check), WithJsonSchema(kind.parameters)]


def _has_fields(schema: Any) -> bool:
    given = cast("type[Any]", schema)
    if isinstance(schema, type) and issubclass(given, BaseModel):
        return not issubclass(given, RootModel)
    return is_dataclass(given) or is_typeddict(given)


def _arguments(name: str, schema: Any, actions: tuple[Action, ...]) -> type[BaseModel]:
    content = _content_type(schema)
    first = "create" if "create" in actions else actions[0]
    fields: dict[str, Any] = {
        "content": (content | None, Field(None, description="What to remember.")),
        "action": (
            Annotated[Literal[actions], _or(first)],
            Field(first, description="What to do."),
        ),
        "id": (_Id, Field(None, description=_ID)),
    }
    return create_model(name, __config__=ConfigDict(json_schema_extra=_with_required), **fields)


async def _manage(
    template: NamespaceTemplate,
    actions: Sequence[Action],
    policy: Policy,
    config: RunnableConfig,
    runtime: Any,
    *,
    content: Any = None,
    action: Action | None = None,
    id: Any = None,
) -> str:
    namespace, given = template.location(config), plain(content)

    def sources() -> tuple[Source, ...] | None:
        said = _said(runtime)
        return ConversationSources(said, thread_in(config)).of_content(given) if said else None

    match action or ("create" if "create" in actions else actions[0]):
        case "create":
            if id:
                raise ToolException("To create a memory, leave out the id; to change one, update.")
            value = {"content": _not_blank(given)}
            key = await keep_once(namespace, value, actor="tool", sources=sources(), policy=policy)
            return f"created memory {key}"
        case "update":
            new = _not_blank(given)
            key = await _edit(namespace, id, lambda old: _with_content(old, new), sources(), policy)
            return f"updated memory {key}"
        case "delete":
            key = await _edit(namespace, id, lambda _: None, None, policy)
            return f"Deleted memory {key}"


class _UnknownIdError(ToolException):
    """There is no memory of the id that a model gave."""


async def _edit(
    namespace: Namespace,
    id: Any,
    change: Callable[[dict[str, Any]], dict[str, Any] | None],
    sources: tuple[Source, ...] | None,
    policy: Policy,
) -> str:
    """Make *change* of the value of memory *id*, unless others change it; return its key."""
    if not id:
        raise ToolException("Give the id of the memory, as the search shows it.")

    async def at(key: str) -> str:
        looks: list[datetime] = []

        def edit(item: Item | None) -> dict[str, Any] | None:
            if item is None:
                raise _UnknownIdError(f"There is no memory {id}. Search for the one you mean.")
            looks.append(item.updated_at)
            if item.updated_at != looks[0]:
                raise ToolException(f"Memory {id} was changed just now. Search for it again.")
            return change(item.value)

        write = Write(namespace, key, edit, sources=sources)
        (await commit([write], actor="tool", policy=policy)).checked()
        return key

    try:
        return await at(str(id))
    except _UnknownIdError:
        if not (meant := _plain_id(str(id))):
            raise
        return await at(meant)


def _plain_id(id: str) -> str:
    """Return *id* without what models put around it, and a UUID as it is usually written."""
    bare = id.strip(" \t\n\"'`<>()[]")
    try:
        return str(uuid.UUID(bare))
    except ValueError:
        return bare


def _not_blank(content: Any) -> Any:
    if is_blank(content):
        raise ToolException("The content is missing. Nothing was changed.")
    return content


def _with_content(value: dict[str, Any], content: Any) -> dict[str, Any]:
    """Return *value* with *content* in the form it has: other keys, and a schema's, stay."""
    match value.get("content"), content:
        case {"content": str(), **others}, str() if not others:
            return {**value, "content": {"content": content}}
        case {**fields}, str():
            raise ToolException(f"This memory has the fields {sorted(fields)}, not just a text.")
        case _:
            return {**value, "content": content}


async def _search(
    template: NamespaceTemplate,
    response_format: ResponseFormat,
    config: RunnableConfig,
    _runtime: Any,
    *,
    exact: bool,
    query: str,
    limit: int = 10,
    offset: int = 0,
    filter: dict[str, Any] | None = None,
) -> Any:
    reach = Reach(template.location(config), exact)
    items = await search_best(reach, query, filter=filter, limit=limit, offset=offset)
    now = zoned(now_in(config) or utc_now())
    data = to_jsonable_python([_shown_item(one, now) for one in items], serialize_unknown=True)
    text = well_formed(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    return (text, items) if response_format == "content_and_artifact" else text


def _shown_item(item: SearchItem, now: datetime) -> dict[str, Any]:
    """Return *item* as a model is shown it, with a note where it plans what is past *now*."""
    shown: dict[str, Any] = cast("Any", item).dict()
    said, texts = zoned(item.updated_at), "; ".join(texts_in(item.value))
    past = not is_turn(item.value) and planned_until(texts, said) <= now.timestamp()
    return {**shown, "note": "planned, now past"} if past else shown
