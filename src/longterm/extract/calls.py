"""Calls of our tools → proposals, tolerant of the form they come in. Pure.

Which tool is meant, and what its arguments are, is the same question whether a call came from a
provider's own parser or stands in the words of an answer; so every protocol reads calls here.
The calls of LangMem's tools (PatchDoc, RemoveDoc) are understood.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
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
from longterm.extract.spelled_calls import spelled_calls
from longterm.extract.tool_names import named, words_in_name

__all__ = ["CHANGE", "CHANGE_UNTYPED", "CITED", "FINISH", "REMOVE", "CallReader"]

CHANGE = "update_{}"
CHANGE_UNTYPED = "update_memory"
REMOVE = "delete_memory"
#: The argument that names the messages a change comes from, where a model is asked to.
CITED = "cited"
FINISH = "Done"


class CallReader:
    """Reads calls of the tools that stand for *allowed*."""

    def __init__(self, allowed: AllowedActions) -> None:
        self._cites = allowed.cites
        self._adding = {kind.tool_name: kind for kind in allowed.kinds}
        self._changing = {CHANGE.format(name) for name in self._adding}
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

    def proposed(self, name: str, arguments: Any, identity: str, *, cut: bool = False) -> Proposed:
        """Return what the call of *name* proposes; *cut* where half of it is missing."""
        value, half = as_value({} if arguments in (None, "null") else arguments)
        shown = "…" if too_deep(value) else arguments
        said = f"{name}({json.dumps(shown, ensure_ascii=False, default=str)})"
        if cut or half:
            return Proposed(CUT_OFF, identity, said)
        return Proposed(self._proposal(name, value), identity, said)

    def spelled_out(self, text: str, *, cut: bool = False) -> list[Proposed]:
        """Return what the calls in *text* propose, as some servers leave them in the words."""
        calls = spelled_calls(text, lambda name: named(name, self._tools) is not None)
        return [
            self.proposed(
                call.name,
                call.arguments,
                str(index),
                cut=call.cut or (cut and index == len(calls) - 1),
            )
            for index, call in enumerate(calls)
        ]

    def _proposal(self, name: str, value: Any) -> Proposal:
        if isinstance(value, list) and len(cast("list[Any]", value)) == 1:
            value = cast("Any", value[0])
        if not isinstance(value, Mapping) or too_deep(value):
            reason = "The arguments of {} are not valid JSON."
            return Unreadable(reason.format(name), reason.format("a call"))
        arguments = dict(cast("Mapping[str, Any]", value))
        tool = named(name, self._tools)
        match name, arguments:
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
            case _, {"number": _} if words_in_name(name)[:1] == ("delete",):
                return _removal(name, arguments)
            case _ if tool == REMOVE or name == "RemoveDoc":
                return _removal(name, arguments)
            case _:
                adding = " or ".join(sorted(self._adding))
                reason = f"To add a memory, call {adding}."
                return Unreadable(
                    f"There is no tool {name}. {reason}", f"There is no such tool. {reason}"
                )

    def _cited(self, arguments: dict[str, Any], fields: Collection[str] = ()) -> tuple[int, ...]:
        """Take the messages cited out of *arguments*, and return their places."""
        if not self._cites or CITED in fields:
            return ()
        given, _ = as_value(arguments.pop(CITED, None))
        several = cast("list[Any]", given) if isinstance(given, list) else [given]
        numbers = [target_of(str(one).lstrip("#")) for one in several]
        return tuple(number - 1 for number in numbers if isinstance(number, int) and number > 0)


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
    if changes is None:
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
