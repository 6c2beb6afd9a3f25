"""The nouns: what a memory is, and what can happen to one.

A document is the plain form of a memory: an id, a kind (the name of its schema) and a content
made of JSON data. Schemas turn it into the user's own objects at the edges; in the middle
there is only this. Values here are frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, cast

from pydantic import BaseModel, Field
from typing_extensions import TypeVar

__all__ = [
    "JOB_ID",
    "TURN",
    "Change",
    "Content",
    "Delete",
    "Document",
    "ExtractedMemory",
    "Insert",
    "Memory",
    "RemoveDoc",
    "SummarizeThread",
    "Update",
    "document_of",
    "index_of",
    "indexed_fields",
    "is_turn",
    "shown_content",
    "value_of",
]

#: The class of a memory's content; of several schemas, their union.
Content = TypeVar("Content", default=Any)

#: The key, in ``config["configurable"]``, of a job's id; ids of new memories are derived from it.
JOB_ID = "longterm_job_id"

#: The kind of a turn in the store.
TURN = "Turn"


class Memory(BaseModel):
    """One thing worth remembering, as a statement that can be understood on its own."""

    content: str = Field(description="The statement: names instead of pronouns, absolute dates.")


class SummarizeThread(BaseModel):
    """What a conversation was about."""

    title: str = Field(description="A short title for the conversation.")
    summary: str = Field(description="What was said, asked and decided, in a few sentences.")


class RemoveDoc(BaseModel):
    """Stands in a result for a memory that is to be removed."""

    json_doc_id: str = Field(description="Id of the memory to remove.")


class ExtractedMemory(NamedTuple, Generic[Content]):
    """A memory in a result: its id, and an instance of its schema (or a `RemoveDoc`)."""

    id: str
    content: Content


_NOTHING = MappingProxyType[str, Any]({})


@dataclass(frozen=True, slots=True)
class Document:
    """A memory in its plain form."""

    id: str
    #: Name of the schema; None for what was stored without one (by the memory tools, say).
    kind: str | None
    #: JSON data.
    content: Any
    #: What the store keeps beside kind and content; it is handed on untouched.
    beside: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    #: The stored value is the content itself, with nothing around it.
    bare: bool = False
    #: Where it lies; () is the namespace that is worked on.
    namespace: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Insert:
    """*document* is new."""

    document: Document


@dataclass(frozen=True, slots=True)
class Update:
    """*document* takes the place of *before*."""

    document: Document
    before: Document


@dataclass(frozen=True, slots=True)
class Delete:
    """*document* is to go."""

    document: Document


Change = Insert | Update | Delete


def shown_content(content: Any) -> Any:
    """Return the text of a content that is one text, and any other content as it is."""
    match content:
        case {"content": str(text)} if len(cast("dict[str, Any]", content)) == 1:
            return text
        case _:
            return content


def document_of(key: str, value: Mapping[str, Any], namespace: tuple[str, ...] = ()) -> Document:
    """Read a stored *value*, from any writer."""
    match value:
        case {"kind": str(kind), "content": content, **beside}:
            return Document(key, kind, content, beside, namespace=namespace)
        case {"content": content, **beside}:
            return Document(key, None, content, beside, namespace=namespace)
        case _:
            return Document(key, None, dict(value), bare=True, namespace=namespace)


def value_of(document: Document) -> dict[str, Any]:
    """Return what the store keeps of *document*: the inverse of `document_of`."""
    if document.bare:
        return dict(document.content)
    kind = {} if document.kind is None else {"kind": document.kind}
    return {**document.beside, **kind, "content": document.content}


def is_turn(value: Mapping[str, Any]) -> bool:
    """Tell whether a stored *value* is a turn: what was said, word for word, and no memory."""
    return value.get("kind") == TURN and isinstance(value.get("content"), str)


def index_of(value: Mapping[str, Any] | None) -> list[str] | None:
    """Return by which fields a stored *value* is found: a turn's own, else None, as the store's."""
    return indexed_fields(value) if value and value.get("kind") == TURN else None


def indexed_fields(value: Mapping[str, Any]) -> list[str]:
    """Return the fields by which a turn is found: each piece of a long one has its own vector."""
    return ["content", "pieces[*]"] if "pieces" in value else ["content"]
