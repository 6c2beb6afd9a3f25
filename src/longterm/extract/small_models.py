"""The protocol for small models, down to 1.5 billion parameters: notes about a user.

Measured on Qwen2.5-Coder-1.5B: shown a memory as JSON, such a model copies it back unchanged;
shown only a label, it writes a new one. A first field that asks what the user does at all keeps
it from inventing notes out of questions, and compact examples in the form of the task keep it
to that form. So known memories are notes with a label, a changed note comes back whole, and a
note of a single text is written as that text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, cast

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from typing_extensions import override

from longterm.extract import prompts
from longterm.extract.json_answer import JsonProtocol, constant
from longterm.extract.proposal import Proposal, label
from longterm.extract.protocol import PromptInput, State
from longterm.extract.schema import MemorySchema, memory_schemas
from longterm.extract.strict import closed_object
from longterm.memory.conversation import message_text, speaker, well_formed
from longterm.memory.model import Document, Memory

__all__ = ["SmallModelProtocol"]

#: A memory that is one text is its own label up to this length; of another, a word or two will do.
_TEXT_LABEL, _FIELD_LABEL = 400, 60


(_MEMORY,) = memory_schemas([Memory])


class SmallModelProtocol(JsonProtocol):
    """Talk about notes; the provider holds the model to the schema of the answer."""

    mixes_numbers_up = True

    @cached_property
    def _text(self) -> str | None:
        """Name of the one field that a note has, where that is a text."""
        match [_schema_fields(kind) for kind in self._allowed.kinds]:
            case [{**fields}] if [field.get("type") for field in fields.values()] == ["string"]:
                return next(iter(fields))
            case _:
                return None

    @override
    def opening(self, prompt_input: PromptInput) -> list[BaseMessage]:
        system = prompts.notes(
            "" if prompt_input.instructions == prompts.INSTRUCTIONS else prompt_input.instructions,
            "\n".join(map(_described, self._allowed.kinds)),
            sentences=self._text is not None,
            updates=self._allowed.permissions.updates,
            deletes=self._allowed.permissions.deletes,
        )
        known = "\n".join(
            f"[{number}] {_label(document)}" for number, document in prompt_input.known
        )
        said = [(speaker(message), message_text(message)) for message in prompt_input.messages]
        return [SystemMessage(system), HumanMessage(prompts.notes_session(known, said))]

    @override
    def schema(self, state: State) -> dict[str, Any]:
        some = {"type": "array", "items": {"anyOf": list(self._changes(state))}}
        none: dict[str, Any] = {"type": "array", "items": {}, "maxItems": 0}
        telling = ["tells", *["forgets"] * self._allowed.permissions.deletes]
        # LangChain wants fields at the top, too; engines with a grammar follow the alternatives.
        return {
            "title": "notes",
            "description": "How the notes change.",
            **closed_object(user={"type": "string"}, changes=some),
            "anyOf": [
                *(closed_object(user=constant(word), changes=some) for word in telling),
                closed_object(user=constant("asks"), changes=none),
            ],
        }

    def _changes(self, state: State) -> Iterator[dict[str, Any]]:
        """Yield what may be done; a model takes the first too often, so the harmless one leads."""
        offer, number = self._allowed.at(state), {"type": "integer", "minimum": 0}
        several = len(self._allowed.kinds) > 1
        for kind in self._allowed.kinds:
            named = {"kind": constant(kind.name)} if several else {}
            note = _schema_fields(kind)[self._text] if self._text else kind.parameters
            if offer.adds:
                yield closed_object(action=constant("insert"), **named, note=note)
            if offer.changes:
                yield closed_object(action=constant("update"), number=number, note=note)
        if offer.removes:
            yield closed_object(action=constant("delete"), number=number)

    @override
    def _proposal(self, operation: Any) -> Proposal:
        match self._with_fields(operation):
            case {"action": "update", "note": {**fields}, **rest}:
                given = {name: value for name, value in fields.items() if not _empty(value)}
                return super()._proposal({"action": "update", **rest, "note": given})
            case whole:
                return super()._proposal(whole)

    def _with_fields(self, operation: Any) -> Any:
        match operation:
            case {"note": str(text), **rest} if self._text:
                return {**rest, "note": {self._text: text}}
            case _:
                return operation


def _schema_fields(kind: MemorySchema) -> Mapping[str, Mapping[str, Any]]:
    return cast("Mapping[str, Mapping[str, Any]]", kind.parameters.get("properties", {}))


def _empty(value: Any) -> bool:
    """Whether *value* only fills a place: the model was shown a label, not the whole memory."""
    return value is None or value in ("", [], {})


def _described(kind: MemorySchema) -> str:
    if (kind.name, kind.description) == (_MEMORY.name, _MEMORY.description):
        return ""  # the examples say it better
    parts = [
        f"{name} ({field.get('description', field.get('type', 'any'))})"
        for name, field in _schema_fields(kind).items()
    ]
    return f"A note is a {kind.name}: {kind.description} It has {', '.join(parts)}."


def _label(document: Document) -> str:
    content: Any = document.content
    several = isinstance(content, dict) and len(cast("dict[str, Any]", content)) > 1
    return well_formed(label(document)[: _FIELD_LABEL if several else _TEXT_LABEL])
