"""The protocol for models that call tools.

Adding is a tool with the schema's own name, changing is ``update_<schema>(number, changes)``,
removing ``delete_memory(number)``. No call is forced where nothing may be the right answer; a
model then says so in a word, and an answer in other words is asked about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from itertools import count
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from longterm.extract import prompts
from longterm.extract.calls import CHANGE, CHANGE_UNTYPED, CITED, FINISH, REMOVE, CallReader
from longterm.extract.json_schema import properties_of, unmarked, with_plain_names
from longterm.extract.proposal import Proposed, Silent
from longterm.extract.protocol import (
    AllowedActions,
    Outcomes,
    PromptInput,
    State,
    opening_message,
    says_nothing,
)
from longterm.models.answer import Answer
from longterm.models.names import ChatModel, adapt, bind_tools, takes_plain_names_only
from longterm.text.characters import mapped

__all__ = ["ToolCallProtocol"]

_NAME_LENGTH = 64
#: OpenAI's API takes no more of a tool.
_DESCRIPTION_LENGTH = 1_024
_NAME = re.compile(rf"[a-zA-Z0-9_-]{{1,{_NAME_LENGTH}}}")


class ToolCallProtocol:
    """Talk by tool calls; tools are bound to *model* once for each state."""

    mixes_numbers_up = False

    def __init__(self, model: ChatModel, allowed: AllowedActions) -> None:
        self._model = model
        self._allowed = allowed
        self._reader = CallReader(allowed)
        self._bound: dict[State, ChatModel] = {}
        self._plain = takes_plain_names_only(model)
        #: Fields that the model knows by another name, by that.
        self._names: dict[str, str] = {}
        self._adding = [
            _tool(kind.tool_name, kind.description, self._citing(self._shown(kind.parameters)))
            for kind in allowed.kinds
        ]
        self._changing: dict[str, dict[str, Any]] = {}
        for kind in allowed.kinds if allowed.permissions.updates else ():
            # What the fields mean is said by the tool that adds, where there is one.
            adds = allowed.permissions.inserts
            changes = unmarked(kind.changes, "description") if adds else kind.changes
            name, description = CHANGE.format(kind.tool_name), prompts.CHANGE_TYPED
            parameters = self._citing(_numbered(changes=self._shown(changes)))
            self._changing[kind.name] = _tool(name, description.format(kind=kind.name), parameters)

    def model(self, state: State) -> ChatModel:
        """Return the model with the tools of *state* bound to it."""
        if state not in self._bound:
            tools = self._tools(state)
            options = {"tool_choice": "any"} if state.forced else {}
            bind = partial(bind_tools, tools=tools, options=options)
            self._bound[state] = adapt(self._model, bind)
        return self._bound[state]

    def _tools(self, state: State) -> list[dict[str, Any]]:
        offer = self._allowed.at(state)
        tools = [*self._adding] if offer.adds else []
        tools += [self._changing[kind.name] for kind in offer.changing]
        # The tool of a kind called "memory" changes what has no schema as well.
        names = [tool["function"]["name"] for tool in tools]
        if offer.changes and None in state.known and CHANGE_UNTYPED not in names:
            changes = {"type": "object", "description": prompts.UNTYPED_CHANGES}
            parameters = _numbered(changes=changes)
            tools.append(_tool(CHANGE_UNTYPED, prompts.CHANGE_UNTYPED, parameters))
        if offer.removes:
            tools.append(_tool(REMOVE, prompts.REMOVE_KNOWN, _numbered()))
        if state.stepwise:
            tools.append(_tool(FINISH, prompts.DONE, {"type": "object", "properties": {}}))
        return tools

    def _shown(self, schema: dict[str, Any]) -> dict[str, Any]:
        return with_plain_names(schema, self._names) if self._plain else schema

    def _own_names(self, text: str) -> str:
        for plain, name in self._names.items():
            text = text.replace(plain, name)
        return text

    def _citing(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return *parameters* with room for the messages cited, unless a field is called so."""
        fields = properties_of(parameters)
        if not self._allowed.cites or CITED in fields:
            return parameters
        numbers = {"type": "array", "items": {"type": "integer"}, "description": prompts.CITED}
        return {**parameters, "properties": {**fields, CITED: numbers}}

    def opening(self, prompt_input: PromptInput) -> list[BaseMessage]:
        """Return the usual beginning; the tools describe themselves."""
        allowed = self._allowed
        return opening_message(prompt_input, allowed, prompts.BY_TOOLS, numbered=allowed.cites)

    def read(self, answer: Answer) -> list[Proposed]:
        """Return the calls in *answer*; calls spelled out in words count where no real ones are."""
        cut = answer.end in ("cut", "refused")
        text = self._own_names(answer.text)
        calls = mapped(self._own_names, answer.calls) if self._names else answer.calls
        if calls:
            ids = [str(call["id"]) for call in _identified(answer).calls]
            last = ids[-1] if cut and answer.ends_in_a_call else None
            return [
                one
                for id_, call in zip(ids, calls, strict=True)
                for one in self._reader.proposed(
                    str(call["name"]), call["args"], id_, cut=id_ == last
                )
            ]
        if spelled := self._reader.spelled_out(text, cut=cut):
            return spelled
        if answer.end == "complete" and (bare := self._reader.bare(text)):
            return bare
        if not answer.text and answer.is_whole_though_empty:
            return []
        if says_nothing(answer):
            return []
        reason = prompts.NO_CALL if answer.text else prompts.EMPTY
        return [Proposed(Silent(reason), "0", answer.text)]

    def reply(self, answer: Answer, outcomes: Outcomes) -> list[BaseMessage]:
        """Return *answer* with a result for each of its calls, as providers demand.

        What is about no call stands with the last result: after it, Mistral takes no user's words.
        """
        answer = _identified(answer)
        ids = [str(call["id"]) for call in answer.calls]
        results = [outcomes.get(id_, prompts.SEEN) for id_ in ids]
        others = [outcome for id_, outcome in outcomes.items() if id_ not in ids]
        message = answer.message or AIMessage(answer.text)
        if broken := message.invalid_tool_calls:
            mended = [{**call, "args": _object_of(call["args"])} for call in broken]
            message = message.model_copy(update={"invalid_tool_calls": mended})
        said = [message] if ids or answer.text else []
        if not ids:
            return [*said, *([HumanMessage("\n".join(others))] if others else [])]
        results[-1] = "\n".join([results[-1], *others])
        pairs = zip(ids, results, strict=True)
        return [*said, *(ToolMessage(result, tool_call_id=id_) for id_, result in pairs)]


def _identified(answer: Answer) -> Answer:
    """Give every call an id of its own, and a name that providers take back.

    Results refer to the ids, and some models leave them out or repeat them.
    """
    given = answer.calls
    ids = [call["id"] for call in given]
    names_fit = all(_NAME.fullmatch(str(call["name"])) for call in given)
    if answer.message is None or (all(ids) and len(set(ids)) == len(ids) and names_fit):
        return answer
    mark = blake2b(str(answer.message.id).encode(), digest_size=4).hexdigest()
    numbers = count()

    def mended(call: Any) -> Any:
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", str(call["name"]))[:_NAME_LENGTH]
        return {**call, "id": f"call_{mark}_{next(numbers)}", "name": name or "unknown"}

    calls = [mended(call) for call in answer.message.tool_calls]
    invalid = [mended(call) for call in answer.message.invalid_tool_calls]
    update = {"tool_calls": calls, "invalid_tool_calls": invalid}
    return replace(answer, message=answer.message.model_copy(update=update))


def _object_of(arguments: str | None) -> str:
    """Return *arguments* as an object of JSON: servers of open models read earlier calls."""
    try:
        whole = isinstance(json.loads(arguments or ""), dict)
    except (ValueError, RecursionError):
        whole = False
    return arguments if arguments and whole else json.dumps({"unreadable": arguments})


def _tool(name: str, description: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    if len(description) > _DESCRIPTION_LENGTH:  # the arguments' own may be longer
        parameters = {**parameters, "description": description}
        description = f"{description[: _DESCRIPTION_LENGTH - 1]}…"
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _numbered(**fields: dict[str, Any]) -> dict[str, Any]:
    properties = {"number": {"type": "integer"}, **fields}
    return {"type": "object", "properties": properties, "required": list(properties)}
