"""The protocol for small models, down to 1.5 billion parameters: notes about a user.

Measured on Qwen2.5-Coder-1.5B: shown a memory as JSON, such a model copies it back unchanged;
shown only a label, it writes a new one. A first field that asks whether anything was told at
all keeps it from inventing notes out of questions, and one compact example keeps its JSON
short. So known memories are notes with a label, and a changed note comes back whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from typing_extensions import override

from longterm.extract import wording
from longterm.extract.json_answer import JsonAnswer, constant
from longterm.extract.protocol import Brief, Repertoire, Scene
from longterm.extract.schema import Kind
from longterm.extract.strict import closed
from longterm.memory.conversation import message_text, render, speaker, well_formed
from longterm.memory.model import Document

__all__ = ["Notes"]

#: A memory that is one text is its own label up to this length; of another, a word or two will do.
_TEXT_LABEL, _FIELD_LABEL = 400, 60


class Notes(JsonAnswer):
    """Talk about notes; the provider holds the model to the schema of the answer."""

    @override
    def opening(self, brief: Brief) -> list[BaseMessage]:
        system = wording.notes(
            "" if brief.instructions == wording.INSTRUCTIONS else brief.instructions,
            "\n".join(map(_described, self._repertoire.kinds)),
            updates=self._repertoire.permissions.updates,
            deletes=self._repertoire.permissions.deletes,
        )
        known = "\n".join(f"[{number}] {_label(document)}" for number, document in brief.known)
        user = wording.notes_session(known, _said(brief), brief.today)
        return [SystemMessage(system), HumanMessage(user)]

    @override
    def schema(self, scene: Scene) -> dict[str, Any]:
        some = {"type": "array", "items": {"anyOf": list(_changes(self._repertoire, scene))}}
        none: dict[str, Any] = {"type": "array", "items": {}, "maxItems": 0}
        # LangChain wants fields at the top, too; engines with a grammar follow the alternatives.
        return {
            "title": "notes",
            "description": "How the notes change.",
            **closed(about_user={"type": "boolean"}, changes=some),
            "anyOf": [
                closed(about_user={"const": True}, changes=some),
                closed(about_user={"const": False}, changes=none),
            ],
        }


def _changes(repertoire: Repertoire, scene: Scene) -> Iterator[dict[str, Any]]:
    """Yield what may be done; a model takes the first too often, so the harmless one leads."""
    number = {"type": "integer", "minimum": 0}
    several = len(repertoire.kinds) > 1
    for kind in repertoire.kinds:
        named = {"kind": constant(kind.name)} if several else {}
        if repertoire.adds(scene):
            yield closed(action=constant("insert"), **named, note=kind.parameters)
        if repertoire.changes(scene):
            yield closed(action=constant("update"), number=number, note=kind.parameters)
    if repertoire.removes(scene):
        yield closed(action=constant("delete"), number=number)


def _described(kind: Kind) -> str:
    fields = cast("Mapping[str, Mapping[str, Any]]", kind.parameters.get("properties", {}))
    parts = [
        f"{name} ({field.get('description', field.get('type', 'any'))})"
        for name, field in fields.items()
    ]
    return f"A note is a {kind.name}: {kind.description} It has {', '.join(parts)}."


def _label(document: Document) -> str:
    content: Any = document.content
    values: list[Any] = [*content.values()] if isinstance(content, dict) else [content]
    limit = _TEXT_LABEL if len(values) == 1 else _FIELD_LABEL
    return well_formed(" ".join(str(values[0] if values else "(empty)").split())[:limit])


def _said(brief: Brief) -> str:
    """Return the words of the user alone, where nobody else spoke."""
    if all(speaker(message) == "user" for message in brief.messages):
        return "\n".join(map(message_text, brief.messages))
    return render(brief.messages)
