"""The protocol for models that do not call tools: one JSON object for everything.

By the provider's structured output where the model has it (*structured*), in strict mode
where that is possible, else by describing the form in words. Either way the answer is read
tolerantly: models that were asked for one form answer in another, and what they meant is often
plain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import (
    RunnableBinding,
    RunnableParallel,
    RunnableSequence,
    RunnableWithFallbacks,
)
from langchain_core.runnables.base import RunnableBindingBase

from longterm.errors import ConfigurationError
from longterm.extract import prompts
from longterm.extract.calls import CallReader, words_in_name
from longterm.extract.json_schema import properties_of
from longterm.extract.proposal import (
    CUT_OFF,
    Finish,
    Proposal,
    Proposed,
    ProposedDelete,
    ProposedInsert,
    ProposedUpdate,
    Silent,
    Unreadable,
)
from longterm.extract.protocol import (
    AllowedActions,
    Outcomes,
    PromptInput,
    State,
    opening_message,
    says_nothing,
    target_of,
)
from longterm.extract.reading import cut_off, read_json
from longterm.extract.strict import closed_object, strict_edits, strict_form
from longterm.models.answer import Answer
from longterm.models.names import (
    ChatModel,
    chosen_late,
    has_strict_mode,
    holds_to,
    innermost,
    is_chosen_late,
)

__all__ = ["JsonProtocol", "constant"]

_ADD = frozenset({"add", "insert", "create", "new", "remember"})
_CHANGE = frozenset({"change", "update", "edit", "replace", "patch"})
_REMOVE = frozenset({"remove", "delete", "forget"})
_NOTHING = frozenset({"none", "no", "nothing", "keep", "noop", "done", "finish"})
_VERBS = _ADD | _CHANGE | _REMOVE | _NOTHING
#: Where models say which action is meant, if no kind has a field of the name, and which memory.
_UNDER = ("op", "operation", "event", "type")
_NUMBERS = ("number", "id", "memory_id", "index")
#: Where the content stands.
_INSIDE = ("content", "changes", "note", "memory")


class JsonProtocol:
    """Talk by one JSON object; *structured* lets the provider hold the model to its schema."""

    mixes_numbers_up = False

    def __init__(self, model: ChatModel, allowed: AllowedActions, *, structured: bool) -> None:
        self._model = model
        self._allowed = allowed
        #: The form is described in words, too; so a model that cannot be held to it can be asked.
        self._structured = structured and all(
            holds_to(model, kind.parameters) for kind in allowed.kinds
        )
        strict = all(strict_form(kind.parameters) for kind in allowed.kinds)
        self._strict = self._structured and has_strict_mode(model) and strict
        self._kinds = {kind.name.lower(): kind for kind in allowed.kinds}
        own = {name for kind in allowed.kinds for name in properties_of(kind.parameters)}
        self._under = ["action", *(key for key in _UNDER if key not in own)]
        self._reader = CallReader(allowed)
        self._bound: dict[State, ChatModel] = {}

    def model(self, state: State) -> ChatModel:
        """Return the model, held to the schema of *state* if it can be."""
        if not self._structured:
            return self._model
        if state not in self._bound:
            mode = {"strict": True} if self._strict else {}
            self._bound[state] = _held_to_schema(self._model, self.schema(state), mode)
        return self._bound[state]

    def schema(self, state: State) -> dict[str, Any]:
        """Return the JSON schema of an answer in *state*."""
        return answer_schema(self._allowed, state, strict=self._strict)

    def opening(self, prompt_input: PromptInput) -> list[BaseMessage]:
        """Return the usual beginning, with the form of the answer in words."""
        allowed = self._allowed
        offer = allowed.at(prompt_input.state)
        change = prompts.JSON_CHANGE_LISTED if self._strict else prompts.JSON_CHANGE
        forms = [
            *[prompts.JSON_ADD] * offer.adds,
            *[change] * offer.changes,
            *[prompts.JSON_REMOVE] * offer.removes,
        ]
        schemas = [
            f"{kind.name}: {kind.description} {json.dumps(kind.parameters, ensure_ascii=False)}"
            for kind in allowed.kinds
        ]
        guide = prompts.BY_JSON.format(forms="\n".join(forms), schemas="\n".join(schemas))
        return opening_message(prompt_input, self._allowed, guide)

    def read(self, answer: Answer) -> list[Proposed]:
        """Return the operations in *answer*."""
        if answer.calls:  # nothing was offered to call, but what is meant is plain
            cut = answer.end in ("cut", "refused") and answer.ends_in_a_call
            last = answer.calls[-1] if cut else None
            called = [
                one
                for call in answer.calls
                for one in self._reader.proposed(
                    str(call["name"]), call["args"], "", cut=call is last
                )
            ]
            return [replace(one, id=str(index)) for index, one in enumerate(called)]
        data, half = read_json(answer.text), cut_off(answer.text)
        if data is None and (calls := self._reader.spelled_out(answer.text)):
            return calls
        if data is None and says_nothing(answer):
            return []
        if data is None and answer.text:
            return [Proposed(Unreadable("The answer is not JSON."), "0", answer.text)]
        if data is None:
            return (
                [] if answer.is_whole_though_empty else [Proposed(Silent(prompts.EMPTY), "0", "")]
            )
        operations = list(_operations(data)) or [answer.text] * half
        proposals = [self._proposal(operation) for operation in operations]
        if half:
            proposals[-1] = CUT_OFF
        return [
            Proposed(proposal, str(index), json.dumps(said, ensure_ascii=False, default=str))
            for index, (proposal, said) in enumerate(zip(proposals, operations, strict=True))
        ]

    def reply(self, answer: Answer, outcomes: Outcomes) -> list[BaseMessage]:
        """Return *answer* and, numbered like its operations, what became of them."""
        lines = [f"{int(identity) + 1}. {outcome}" for identity, outcome in outcomes.items()]
        said = [AIMessage(answer.text)] if answer.text else []
        return [*said, HumanMessage("\n".join(lines))]

    def _proposal(self, operation: Any) -> Proposal:
        if not isinstance(operation, Mapping):
            return Unreadable("Each operation must be a JSON object.")
        if calls := self._reader.spelled_out(json.dumps(operation, default=str)):
            return calls[0].proposal
        fields = dict(cast("Mapping[str, Any]", operation))
        guess = "add" if "number" not in fields else "change" if len(fields) > 1 else "remove"
        under = next((key for key in self._under if _verb(fields.get(key)) in _VERBS), "action")
        said = fields.pop(under, None) or guess
        action = _verb(said)
        if action not in _ADD:
            fields = _by_number(fields)
        match action:
            case _ if action in _ADD:
                return self._add(fields)
            case _ if action in _CHANGE:
                fields.pop("kind", None)
                number = fields.pop("number", None)
                if number is None or not fields:
                    return Unreadable("A change needs the number of a memory and its changes.")
                changes = _object_in(fields.get("changes"))
                listed = isinstance(changes, list)
                edits = cast("list[Any]", changes) if listed else _content(fields)
                return ProposedUpdate(target_of(number), edits)
            case _ if action in _REMOVE and "number" in fields:
                return ProposedDelete(target_of(fields["number"]))
            case _ if action in _REMOVE:
                return Unreadable("To remove a memory, give its number.")
            case _ if action in _NOTHING:
                return Finish()
            case _:
                return Unreadable(f"There is no action {said!r}.", "There is no such action.")

    def _add(self, fields: dict[str, Any]) -> Proposal:
        name = fields.pop("kind", None)
        only = len(self._kinds) == 1 and name is None
        kind = next(iter(self._kinds.values())) if only else self._kinds.get(str(name).lower())
        fields.pop("number", None)
        if kind is None:
            return Unreadable(f"Name the kind: {', '.join(k.name for k in self._kinds.values())}.")
        return ProposedInsert(kind, _content(fields))


def answer_schema(allowed: AllowedActions, state: State, *, strict: bool = False) -> dict[str, Any]:
    """Return the JSON schema of an answer in *state*."""
    operations: list[dict[str, Any]] = []
    offer, number = allowed.at(state), {"type": "integer"}
    for kind in allowed.kinds:
        content, changes = kind.parameters, kind.changes
        if strict:
            content, changes = strict_form(content) or {}, strict_edits(content)
        if offer.adds:
            named = constant(kind.name)
            operations.append(closed_object(action=constant("add"), kind=named, content=content))
        if kind in offer.changing:
            change = constant("change")
            operations.append(closed_object(action=change, number=number, changes=changes))
    if offer.changes and None in state.known:
        changes = closed_object(content={"type": "string"})
        operations.append(closed_object(action=constant("change"), number=number, changes=changes))
    if offer.removes:
        operations.append(closed_object(action=constant("remove"), number=number))
    items = operations[0] if len(operations) == 1 else {"anyOf": operations}
    return {
        "title": "memory_operations",
        "description": "What to do with the memories; an empty list for nothing.",
        **closed_object(operations={"type": "array", "items": items}),
    }


def constant(word: str) -> dict[str, Any]:
    """Return the JSON schema of just *word*."""
    return {"const": word, "type": "string"}


def _held_to_schema(
    model: ChatModel,
    schema: dict[str, Any],
    mode: Mapping[str, Any],
    later: Mapping[str, Any] = MappingProxyType({}),
) -> ChatModel:
    """Return *model* held to *schema*, with the options that are bound to it handed on.

    Those bound *later*, further out, go before those bound earlier, and all before the *mode*.
    """
    match model:
        case RunnableBinding(bound=inner, kwargs=options, config=config):
            held = _held_to_schema(inner, schema, mode, {**options, **later})
            return held.with_config(config)
        case RunnableBindingBase(bound=inner):
            held = _held_to_schema(inner, schema, mode, later)
            return model.model_copy(update={"bound": held})
        case RunnableWithFallbacks(runnable=first, fallbacks=others):
            held, *fallbacks = (
                _held_to_schema(one, schema, mode, later) for one in (first, *others)
            )
            return model.model_copy(update={"runnable": held, "fallbacks": fallbacks})
        case _ if is_chosen_late(model):
            return chosen_late(model, lambda chosen: _held_to_schema(chosen, schema, mode, later))
        case _:
            options = {**mode, **later} if has_strict_mode(model) else later
            return _structured_chat(model, schema, options)


def _structured_chat(model: Any, schema: dict[str, Any], options: Mapping[str, Any]) -> ChatModel:
    """Return *model* with *options*, held to *schema*; where it is plain, without its parser.

    Clients refuse or forget what is bound to a model when they hold it to a form; some parsers
    mend half an answer, and lose why it ended.
    """
    strict = {key: options[key] for key in ("strict",) if key in options}
    others = {key: value for key, value in options.items() if key not in strict}
    held: Any = None
    try:
        hold = partial(model.with_structured_output, schema, method="json_schema", **strict)
        try:
            held = hold(include_raw=True)
        except NotImplementedError:  # NVIDIA's client gives one of the two only
            held = hold()
    except (AttributeError, NotImplementedError, ValueError) as error:
        raise ConfigurationError(
            f"{type(model).__name__} has no structured output by JSON schema: {error}. "
            "Pass protocol='tools' or protocol='text'."
        ) from error
    first: Any = cast("Any", held).first if isinstance(held, RunnableSequence) else held
    raw = cast("Any", first).steps__["raw"] if isinstance(first, RunnableParallel) else first
    asking = cast("ChatModel", raw if innermost(raw) is model else held)
    return asking.bind(**others) if others else asking


def _operations(data: Any) -> Iterator[Any]:
    """Yield the operations in *data*, in whatever a model wrapped them."""
    match data:
        case list():
            for item in cast("list[Any]", data):
                yield from _operations(item)
        case {"action": _}:
            yield data
        case {"operations": str(text)} if text.strip():
            yield from _operations(text)
        case {"operations": list()} | {"changes": list()} | {"memories": list()}:
            names = ("operations", "changes", "memories")
            listed = next(data[name] for name in names if isinstance(data.get(name), list))
            yield from _operations(listed)
        case str() if isinstance(inner := _object_in(data), dict | list):
            yield from _operations(inner)
        case {**given} if len(given) == 1 and _is_wrapped(*given.items()):
            yield from _operations(*given.values())
        case {**groups} if set(groups) <= (_ADD | _CHANGE | _REMOVE):
            yield from _of_groups(cast("dict[str, Any]", groups))
        case _:
            yield data


def _of_groups(groups: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the operations that stand in lists by their actions."""
    for action, group in groups.items():
        for operation in cast("list[Any]", group if isinstance(group, list) else [group]):
            fields: dict[str, Any] = {"action": action}
            if isinstance(operation, Mapping):
                yield {**fields, **cast("Mapping[str, Any]", operation)}
            else:
                yield {**fields, "number": operation}


def _is_wrapped(item: tuple[str, Any]) -> bool:
    """Whether *item*, alone in an object, holds operations and not the content of a memory."""
    match item:
        case (name, _) if name in _INSIDE:
            return False
        case (_, {"operations": _} | {"action": _} | [{"action": _}, *_]):
            return True
        case _:
            return False


def _verb(action: Any) -> str:
    """Return the first word of *action*, of ``update_Food`` as well."""
    return next(iter(words_in_name(str(action or ""))), "")


def _by_number(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return *fields* with the memory's number under its own name."""
    key = next((key for key in _NUMBERS if fields.get(key) is not None), "number")
    others = {name: value for name, value in fields.items() if name not in (key, "number")}
    return {**others, "number": fields[key]} if key in fields else others


def _content(fields: dict[str, Any]) -> Any:
    """Return the content proper, which some models put beside the action instead of inside."""
    for name in _INSIDE:
        if isinstance(content := _object_in(fields.get(name)), Mapping):
            return cast("Mapping[str, Any]", content)
    return fields


def _object_in(value: Any) -> Any:
    """Return *value*, or what stands in it where it is an object or a list as JSON text."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")) or cut_off(value):
        return value
    return read_json(value) or value
