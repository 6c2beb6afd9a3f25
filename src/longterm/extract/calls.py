"""Calls of our tools → proposals, tolerant of the form they come in. Pure.

Which tool is meant, and what its arguments are, is the same question whether a call came from a
provider's own parser or stands in the words of an answer; so every protocol reads calls here.
Models change the case of a name, put a namespace, a server or a channel mark before or after it,
use another verb for the same action, or put it last. A name is understood when the words of
exactly one tool stand in it, one after another, and nothing else in it names another action.
The calls of LangMem's tools (PatchDoc, RemoveDoc) are understood.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from longterm.errors import ConfigurationError
from longterm.extract.json_schema import properties_of
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
from longterm.extract.protocol import AllowedActions, target_of
from longterm.extract.reading import as_value, too_deep, unwrapped
from longterm.extract.spelled_calls import SpelledCall, calls_in, spelled_calls
from longterm.text.quoting import ENCODER

__all__ = [
    "CHANGE",
    "CHANGE_UNTYPED",
    "CITED",
    "FINISH",
    "REMOVE",
    "CallReader",
    "named",
    "words_in_name",
]

#: Marks of chat templates, and what follows them: ``Person<|channel|>commentary``.
_MARKS = re.compile(r"<[|｜][^>]*>?")
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")

_ADDS = {"add", "create", "insert", "save", "store", "remember", "record", "write", "append"}
_CHANGES = {"update", "change", "edit", "patch", "modify", "replace", "revise"}
_REMOVES = {"delete", "remove", "forget", "erase", "drop"}
_OTHERS = {"search", "find", "recall", "manage", "get", "list", "read", "query", "load", "undo"}


def words_in_name(name: str) -> tuple[str, ...]:
    """Return the words in *name*, in lower case, with one verb for each action."""
    words = (word.lower() for word in _WORDS.findall(_MARKS.sub(" ", name)))
    return tuple(
        "update" if word in _CHANGES else "delete" if word in _REMOVES else word for word in words
    )


def named(name: str, tools: Mapping[str, str]) -> str | None:
    """Return what *name* means in *tools*, by their names; None where none or several could be."""
    if name in tools:
        return tools[name]
    squashed = "".join(words_in_name(name))
    if len(same := {tools[one] for one in tools if "".join(words_in_name(one)) == squashed}) == 1:
        return same.pop()
    fitting = sorted(
        (one for one in tools if _stands_in(one, name)), key=lambda one: len(words_in_name(one))
    )
    # A shorter name may stand in a longer one, "Person" in "update_Person", but not beside it.
    beside = [
        one for one in fitting if not set(words_in_name(one)) <= set(words_in_name(fitting[-1]))
    ]
    same_length = [
        one for one in fitting if len(words_in_name(one)) == len(words_in_name(fitting[-1]))
    ]
    meant = {tools[one] for one in same_length}
    return meant.pop() if len(meant) == 1 and not beside else None


def _stands_in(tool: str, name: str) -> bool:
    """Whether the words of *tool* follow each other in *name*, and the rest is no other action."""
    inner, outer = words_in_name(tool), words_in_name(name)
    orders = {inner, (*inner[1:], *inner[:1])}  # update_person, person_update
    for start in range(len(outer) - len(inner) + 1):
        if inner and outer[start : start + len(inner)] in orders:
            rest = {*outer[:start], *outer[start + len(inner) :]}
            other_actions = {"update", "delete", *_OTHERS}
            if {"update", "delete"} & set(inner):
                other_actions |= _ADDS
            return not rest & other_actions
    return False


CHANGE = "update_{}"
CHANGE_UNTYPED = "update_memory"
REMOVE = "delete_memory"
#: The argument that names the messages a change comes from, where a model is asked to.
CITED = "cited"
FINISH = "Done"

#: Numbers of memories that mean themselves.
_PLAIN_NUMBERS = range(10**9)

#: Names of tools, by their words, that only say that something is called.
_NO_NAMES = (
    (), ("none",), ("null",), ("function",), ("tool",), ("call",), ("unknown",),
    ("tool", "call"), ("function", "call"), ("json", "tool", "call"), ("json",),
)  # fmt: skip
_IS_JSON = re.compile(r"\s*[\[{].*[\]}]\s*", re.DOTALL)
_FENCE = re.compile(r"\A\s*```\w*\n|\n?```\s*\Z")


class CallReader:
    """Reads calls of the tools that stand for *allowed*."""

    def __init__(self, allowed: AllowedActions) -> None:
        self._cites = allowed.cites
        self._adding = {kind.tool_name: kind for kind in allowed.kinds}
        self._changing = {CHANGE.format(name) for name in self._adding}
        #: What calls that add may be read from as they are; the others look like changes.
        self._fields = {
            name: frozenset(properties_of(kind.parameters))
            for name, kind in self._adding.items()
            if not {*map(str.lower, properties_of(kind.parameters))} >= {"number", "changes"}
        }
        if taken := self._adding.keys() & {*self._changing, CHANGE_UNTYPED, REMOVE, FINISH}:
            raise ConfigurationError(
                f"Schemas cannot be called {sorted(taken)}: tools of longterm's have these names."
            )
        if not {words_in_name(CHANGE_UNTYPED)} & set(map(words_in_name, self._changing)):
            self._changing.add(CHANGE_UNTYPED)
        #: Names that stand for a tool: a schema may be called by its own name as well.
        self._tools = {
            **{name: name for name in (*self._changing, REMOVE, FINISH)},
            **{kind.name: name for name, kind in self._adding.items()},
            **{name: name for name in self._adding},
        }

    def proposed(
        self, name: str, arguments: Any, identity: str, *, cut: bool = False
    ) -> list[Proposed]:
        """Return what the call of *name* proposes; *cut* where half of it is missing.

        That is one thing but where a client has run several calls together.
        """
        if not cut and (proposal := self._as_offered(name, arguments)):
            return [Proposed(proposal, identity, f"{name}({ENCODER.encode(arguments)})")]
        value, half = as_value({} if arguments in (None, "null") else arguments)
        deep = too_deep(value)
        said = f"{name}({ENCODER.encode('…' if deep else arguments)})"
        if cut or half:
            return [Proposed(CUT_OFF, identity, said)]
        calls = [(name, value)] if deep else list(self._calls(name, value))
        return [
            Proposed(self._proposal(*call), f"{identity}.{index}" if index else identity, said)
            for index, call in enumerate(calls or [(name, value)])
        ]

    def _as_offered(self, name: str, arguments: Any) -> Proposal | None:
        """Return what a call proposes that is what was offered to the letter, as most are.

        None for any other, which is read as it may be meant.
        """
        match arguments:
            case {**fields} if name in self._fields and fields.keys() <= self._fields[name]:
                nested = any(isinstance(one, dict | list) for one in fields.values())
                proposal = ProposedInsert(self._adding[name], fields)
            case {"number": number, "changes": {**changes}, **rest} if (
                name in self._changing
                and type(number) is int
                and number in _PLAIN_NUMBERS
                and changes
                and not rest
            ):
                proposal, nested = ProposedUpdate(number, changes), True
            case _:
                return None
        return None if nested and too_deep(arguments) else proposal

    def spelled_out(self, text: str, *, cut: bool = False) -> list[Proposed]:
        """Return what the calls in *text* propose, as some servers leave them in the words."""
        calls = spelled_calls(text, self._is_tool)
        proposed = [
            one
            for index, call in enumerate(calls)
            for one in self.proposed(
                call.name,
                self._arguments(call),
                "",
                cut=call.cut or (cut and index == len(calls) - 1),
            )
        ]
        return [replace(one, id=str(index)) for index, one in enumerate(proposed)]

    def bare(self, text: str) -> list[Proposed]:
        """Return what is proposed where *text* is the arguments of a call, and nothing else.

        That is plain where only one kind of memory has such fields.
        """
        text = _FENCE.sub("", text)
        value, half = as_value(text if _IS_JSON.fullmatch(text) else "")
        if half or not value or not isinstance(value, Mapping | list) or too_deep(value):
            return []
        several = cast("list[Any]", value if isinstance(value, list) else [value])
        tools = [self._fitting(one) for one in several]
        if not all(tools):
            return []
        return [
            Proposed(self._proposal(str(tool), one), str(index), text)
            for index, (tool, one) in enumerate(zip(tools, several, strict=True))
        ]

    def _is_tool(self, name: str) -> bool:
        return named(name, self._tools) is not None

    def _fields_of(self, tool: str | None) -> Collection[str]:
        """Return the names of a tool's arguments, in their order."""
        if kind := self._adding.get(tool or ""):
            return properties_of(kind.parameters)
        return ("number",) if tool == REMOVE else ("number", "changes")

    def _arguments(self, call: SpelledCall) -> Any:
        """Return the arguments of *call*, those without a name under the names in their order."""
        tool = named(call.name, self._tools)
        fields = self._fields_of(tool)
        if tool == REMOVE and len(call.positional) > 1:
            return {"number": [*call.positional]}
        if not call.positional or len(call.positional) > len(fields):
            return call.arguments
        return {**dict(zip(fields, call.positional, strict=False)), **call.arguments}

    def _fitting(self, value: Any) -> str | None:
        """Return the one tool that takes the fields of *value*, if there is one.

        What removes is never guessed.
        """
        if not isinstance(value, Mapping) or not value:
            return None
        given = cast("Mapping[str, Any]", value).keys()
        changing = [CHANGE_UNTYPED] * (set(given) == {"number", "changes"})
        fitting = changing + [
            name
            for name, kind in self._adding.items()
            if given <= properties_of(kind.parameters).keys()
            and given >= {*kind.parameters.get("required", ())}
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _calls(self, name: str, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield the calls that one of *name* with *value* stands for, by name and arguments."""
        tool, fields = named(name, self._tools), self._fields_of(named(name, self._tools))
        if tool == REMOVE and (numbers := _numbers_in(value)):
            value = [{"number": number} for number in numbers]
        match value:
            case [{}, *_] if len(cast("list[Any]", value)) > 1:
                for one in filter(None, cast("list[Any]", value)):
                    yield from self._calls(name, one)
            case {} if not value and "{" in name:  # all of the call is in its name
                for call in spelled_calls(name, self._is_tool):
                    yield call.name, call.arguments
            case {**given} if tool is None or not given.keys() <= {*fields}:
                inner = list(calls_in(given, self._is_tool))
                if inner and all(self._is_tool(one) for one, _ in inner):
                    for called, given in inner:
                        found, half = as_value(given)
                        yield called, given if half else found
                elif tool is None and words_in_name(name) in _NO_NAMES:
                    yield self._fitting(given) or name, given
                else:
                    for one in _several(given, fields):
                        yield name, one
            case _:
                yield name, value

    def _proposal(self, name: str, value: Any) -> Proposal:
        if isinstance(value, list) and len(cast("list[Any]", value)) == 1:
            value = cast("Any", value[0])
        if not isinstance(value, Mapping) or too_deep(value):
            reason = "The arguments of {} are not valid JSON."
            return Unreadable(reason.format(name), reason.format("a call"))
        arguments = dict(cast("Mapping[str, Any]", value))
        tool = named(name, self._tools)
        verb = words_in_name(name)[:1]
        numbered = {key.lower() for key in arguments} >= {"number", "changes"}
        match name, arguments:
            case _ if numbered and (verb == ("update",) or not self._has_fields(tool, arguments)):
                return _change_of_call(arguments, self._cited(arguments))
            case _ if kind := self._adding.get(tool or ""):
                places = self._cited(arguments, properties_of(kind.parameters))
                return ProposedInsert(kind, kind.unwrapped(arguments), places)
            case _ if tool in self._changing or name == CHANGE_UNTYPED:
                return _change_of_call(arguments, self._cited(arguments))
            case _ if tool == FINISH:
                return Finish()
            case "PatchDoc", {"json_doc_id": target, "patches": patches}:
                return ProposedUpdate(target_of(target), patches)
            case "PatchDoc", _:
                return Unreadable(f"{name} needs the number of a memory.")
            case _, {"number": _} if verb == ("delete",):
                return _removal(name, arguments)
            case _ if tool == REMOVE or name == "RemoveDoc":
                return _removal(name, arguments)
            case _:
                adding = " or ".join(sorted(self._adding))
                reason = f"To add a memory, call {adding}."
                return Unreadable(
                    f"There is no tool {name}. {reason}", f"There is no such tool. {reason}"
                )

    def _has_fields(self, tool: str | None, arguments: Mapping[str, Any]) -> bool:
        kind = self._adding.get(tool or "")
        return kind is None or arguments.keys() <= properties_of(kind.parameters).keys()

    def _cited(self, arguments: dict[str, Any], fields: Collection[str] = ()) -> tuple[int, ...]:
        """Take the messages cited out of *arguments*, and return their places."""
        if not self._cites or CITED in fields:
            return ()
        given, _ = as_value(arguments.pop(CITED, None))
        several = cast("list[Any]", given) if isinstance(given, list) else [given]
        numbers = [target_of(str(one).lstrip("#")) for one in several]
        return tuple(number - 1 for number in numbers if isinstance(number, int) and number > 0)


def _numbers_in(value: Any) -> list[Any]:
    """Return the numbers of the memories to remove where they stand alone, or in one list."""
    match value:
        case bool():
            return []
        case int():
            return [value]
        case [int(), *_] as numbers:
            return cast("list[Any]", numbers)
        case {"number": [_, _, *_] as numbers} | {"numbers": [*_] as numbers} if len(value) == 1:
            return cast("list[Any]", numbers)
        case _:
            return []


def _several(given: Mapping[str, Any], fields: Collection[str]) -> list[Mapping[str, Any]]:
    """Return the arguments of each call where one list in *given* holds those of several."""
    match list(given.items()):
        case [(_, [{}, *_] as listed)] if all(
            isinstance(one, Mapping)
            and ("number" in one if "number" in fields else one.keys() <= {*fields})
            for one in cast("list[Any]", listed)
        ):
            return cast("list[Mapping[str, Any]]", listed)
        case _:
            return [given]


def _removal(name: str, arguments: dict[str, Any]) -> Proposal:
    number = _number_in(unwrapped(arguments, ("number",)))
    if number is None:
        reason = "needs the number of one memory."
        return Unreadable(f"{name} {reason}", f"A removal {reason}")
    return ProposedDelete(target_of(number))


def _change_of_call(arguments: dict[str, Any], cited: tuple[int, ...]) -> Proposal:
    names = {"number": "number", "changes": "changes", "change": "changes"}
    fields = {names.get(key.lower(), key): value for key, value in arguments.items()}
    if "number" not in fields and "changes" not in fields:
        fields = {**unwrapped(fields, ("number", "changes"))}
    changes = fields.pop("changes", None)
    match as_value(changes):
        case {"number": number, **rest}, False if "number" not in fields and rest:
            return ProposedUpdate(target_of(number), rest, cited)
        case _:
            pass
    if changes in (None, "", {}):
        number, changes = fields.pop("number", None), fields
    else:
        number = _number_in(fields)
    if number is None or changes == {}:
        return Unreadable("A change needs the number of a memory and the fields that change.")
    return ProposedUpdate(target_of(number), _patch(changes), cited)


def _number_in(arguments: Mapping[str, Any]) -> Any:
    """Return the number of a memory in *arguments*: by its name, or where it stands alone."""
    fields = {key.lower(): value for key, value in arguments.items()}
    only = next(iter(fields.values())) if len(fields) == 1 else None
    match fields.get("number", only):
        case [alone] | {"number": alone} | {"value": alone}:
            return alone
        case list() | dict() | bool():
            return None
        case number:
            return number


def _patch(changes: Any) -> Any:
    """Return *changes*, which may come as JSON text; a plain text is a memory's new text."""
    value, half = as_value(changes)
    whole = isinstance(value, dict | list) and not half
    return cast("Any", value) if whole and value else changes
