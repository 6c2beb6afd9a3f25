"""The protocol for models that call tools.

Adding is a tool with the schema's own name, changing is ``update_<schema>(number, changes)``,
removing ``delete_memory(number)``. No call is forced: to call nothing is the way to say that
nothing is worth keeping. The calls of LangMem's tools (PatchDoc, RemoveDoc) are understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from longterm.errors import ConfigurationError
from longterm.extract import prompts
from longterm.extract.proposal import (
    CUT_OFF,
    Finish,
    Proposal,
    Proposed,
    ProposedDelete,
    ProposedInsert,
    ProposedUpdate,
    Unreadable,
)
from longterm.extract.protocol import (
    AllowedActions,
    Outcomes,
    PromptInput,
    State,
    opening,
    target_of,
)
from longterm.extract.reading import read_json, too_deep
from longterm.extract.report import is_cut_off
from longterm.extract.schema import MemorySchema
from longterm.models.answer import without_thoughts
from longterm.models.names import ChatModel, adapt

__all__ = ["ToolCallProtocol"]

CHANGE = "update_{}"
CHANGE_UNTYPED = "update_memory"
REMOVE = "delete_memory"
FINISH = "Done"


class ToolCallProtocol:
    """Talk by tool calls; tools are bound to *model* once for each state."""

    mixes_numbers_up = False

    def __init__(self, model: ChatModel, allowed: AllowedActions) -> None:
        self._model = model
        self._allowed = allowed
        self._adding = {kind.tool_name: kind for kind in allowed.kinds}
        self._changing = {CHANGE.format(name) for name in self._adding} | {CHANGE_UNTYPED}
        self._bound: dict[State, ChatModel] = {}
        if taken := self._adding.keys() & {*self._changing, REMOVE, FINISH}:
            raise ConfigurationError(
                f"Schemas cannot be called {sorted(taken)}: tools of longterm's have these names."
            )

    def model(self, state: State) -> ChatModel:
        """Return the model with the tools of *state* bound to it."""
        if state not in self._bound:
            tools = list(_tools(self._allowed, state))
            options = {"tool_choice": "any"} if self._allowed.required else {}
            self._bound[state] = adapt(self._model, lambda model: _bind(model, tools, options))
        return self._bound[state]

    def opening(self, prompt_input: PromptInput) -> list[BaseMessage]:
        """Return the usual beginning; the tools describe themselves."""
        return opening(prompt_input, self._allowed, prompts.BY_TOOLS)

    def read(self, answer: Any) -> list[Proposed]:
        """Return the calls in *answer*; calls spelled out in words count where no real ones are."""
        message = _as_ai(answer)
        calls = [self._proposed(index, call) for index, call in enumerate(_calls(message))]
        if calls and _ends_in_a_call(message):
            calls[-1] = replace(calls[-1], proposal=CUT_OFF)
        return calls or self._spelled_out(message)

    def reply(self, answer: Any, outcomes: Outcomes) -> list[BaseMessage]:
        """Return *answer* with a result for each of its calls, as providers demand."""
        message = _as_ai(answer)
        results: list[BaseMessage] = [
            ToolMessage(outcomes.get(identity, prompts.SEEN), tool_call_id=identity)
            for identity in (call["id"] for call in _calls(message))
        ]
        return [message, *(results or [HumanMessage("\n".join(outcomes.values()))])]

    def _proposed(self, index: int, call: Mapping[str, Any]) -> Proposed:
        return Proposed(self._proposal(call), str(call["id"] or index), _said(call))

    def _proposal(self, call: Mapping[str, Any]) -> Proposal:
        name, arguments = str(call["name"]), _arguments(call["args"])
        if arguments is None:
            return Unreadable(f"The arguments of {name} are not valid JSON.")
        if name in self._adding:
            return ProposedInsert(self._adding[name], arguments)
        if name in self._changing:
            return _change(arguments)
        return self._other(name, arguments)

    def _other(self, name: str, arguments: dict[str, Any]) -> Proposal:
        match name, arguments:
            case (str(word), {"number": number}) if word == REMOVE:
                return ProposedDelete(target_of(number))
            case ("RemoveDoc", {"json_doc_id": target}):
                return ProposedDelete(target_of(target))
            case ("PatchDoc", {"json_doc_id": target, "patches": patches}):
                return ProposedUpdate(target_of(target), patches)
            case (str(word), _) if word == FINISH:
                return Finish()
            case _:
                return self._unknown(name)

    def _unknown(self, name: str) -> Unreadable:
        if name in (REMOVE, "RemoveDoc", "PatchDoc"):
            return Unreadable(f"{name} needs the number of a memory.")
        return Unreadable(f"There is no tool {name}. To add a memory, call {self._names()}.")

    def _names(self) -> str:
        return " or ".join(sorted(self._adding))

    def _spelled_out(self, message: AIMessage) -> list[Proposed]:
        """Read calls that a model wrote as words, as some local ones do."""
        text = without_thoughts(str(message.text))
        data = read_json(text) if "arguments" in text else None
        items = cast("list[Any]", data if isinstance(data, list) else [data])
        calls = [call for call in map(_spelled_call, items) if call]
        return [self._proposed(index, call) for index, call in enumerate(calls)]


def _said(call: Mapping[str, Any]) -> str:
    arguments = "…" if too_deep(call["args"]) else call["args"]
    return f"{call['name']}({json.dumps(arguments, ensure_ascii=False, default=str)})"


def _tools(allowed: AllowedActions, state: State) -> Iterator[dict[str, Any]]:
    if allowed.adds(state):
        for kind in allowed.kinds:
            yield _tool(kind.tool_name, kind.description, kind.parameters)
    if allowed.changes(state):
        yield from (_change_tool(kind) for kind in allowed.kinds)
    if allowed.changes(state) and state.untyped and not _has_untyped_name(allowed):
        changes = {"type": "object", "description": prompts.UNTYPED_CHANGES}
        yield _tool(CHANGE_UNTYPED, prompts.CHANGE_UNTYPED, _numbered(changes=changes))
    if allowed.removes(state):
        yield _tool(REMOVE, prompts.REMOVING, _numbered())
    if state.stepwise:
        yield _tool(FINISH, prompts.DONE, {"type": "object", "properties": {}})


def _has_untyped_name(allowed: AllowedActions) -> bool:
    """Whether a kind is called "memory", whose tool then changes what has no schema as well."""
    return any(CHANGE.format(kind.tool_name) == CHANGE_UNTYPED for kind in allowed.kinds)


def _change_tool(kind: MemorySchema) -> dict[str, Any]:
    description = prompts.CHANGE_TYPED.format(kind=kind.name)
    return _tool(CHANGE.format(kind.tool_name), description, _numbered(changes=kind.changes))


def _tool(name: str, description: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _numbered(**fields: dict[str, Any]) -> dict[str, Any]:
    number = {"type": "integer", "description": prompts.NUMBER}
    properties = {"number": number, **fields}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _bind(model: Any, tools: Sequence[dict[str, Any]], options: Mapping[str, Any]) -> ChatModel:
    try:
        return model.bind_tools(tools, **options)
    except (AttributeError, NotImplementedError) as error:
        raise ConfigurationError(
            f"{type(model).__name__} cannot call tools. Pass protocol='json' or protocol='text'."
        ) from error


def _as_ai(answer: Any) -> AIMessage:
    if isinstance(answer, AIMessage):
        return _identified(answer)
    return AIMessage(answer.text if isinstance(answer, BaseMessage) else str(answer))


def _identified(message: AIMessage) -> AIMessage:
    """Give every call an id of its own: results refer to them, and some models leave them out."""
    ids = [call["id"] for call in _calls(message)]
    if all(ids) and len(set(ids)) == len(ids):
        return message
    numbers = count()
    calls = [{**call, "id": f"call_{next(numbers)}"} for call in message.tool_calls]
    invalid = [{**call, "id": f"call_{next(numbers)}"} for call in message.invalid_tool_calls]
    return message.model_copy(update={"tool_calls": calls, "invalid_tool_calls": invalid})


def _calls(message: AIMessage) -> list[Mapping[str, Any]]:
    return [*message.tool_calls, *message.invalid_tool_calls]


def _ends_in_a_call(message: AIMessage) -> bool:
    """Tell whether the last call was cut off: the arguments that came are half of it."""
    if not is_cut_off(message):
        return False
    if message.invalid_tool_calls:
        return True
    blocks = cast("list[Any]", message.content if isinstance(message.content, list) else [])
    return bool(blocks) and cast("dict[str, Any]", blocks[-1]).get("type") == "tool_use"


def _arguments(args: Any) -> dict[str, Any] | None:
    """Return the arguments of a call; a client hands on as text what it could not parse."""
    value = read_json(args) if isinstance(args, str) else args
    fits = isinstance(value, dict) and not too_deep(value)
    return cast("dict[str, Any]", value) if fits else None


def _change(arguments: dict[str, Any]) -> Proposal:
    match arguments:
        case {"number": number, "changes": changes}:
            return ProposedUpdate(target_of(number), changes)
        case {"number": number, **changes} if changes:
            return ProposedUpdate(target_of(number), changes)
        case _:
            return Unreadable("A change needs the number of a memory and the fields that change.")


def _spelled_call(item: Any) -> dict[str, Any] | None:
    match item:
        case {"name": str(name), "arguments": arguments} | {
            "function": {"name": str(name), "arguments": arguments}
        }:
            return {"name": name, "args": arguments, "id": None}
        case _:
            return None
