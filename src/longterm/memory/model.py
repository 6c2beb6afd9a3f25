"""The nouns: what a memory is, what can happen to one, and a draft of what is to happen.

A document is the plain form of a memory: an id, a kind (the name of its schema) and a content
made of JSON data. Schemas turn it into the user's own objects at the edges; in the middle
there is only this. Values here are frozen, but for a `Draft`.

A `Draft` numbers the memories it knows, takes proposals one after the other and at the end tells
the difference to where it began. So two updates of one memory both count, what was inserted and
then removed never existed, and what stayed the same is not written. Rule: a proposal that cannot
be carried out raises `ProposalError`, whose message is written for the model that made it; the
draft stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, cast

from pydantic import BaseModel, Field
from typing_extensions import TypeVar

from longterm.errors import LongtermError

__all__ = [
    "JOB_ID",
    "TURN",
    "Change",
    "Content",
    "Delete",
    "Document",
    "Draft",
    "Entry",
    "ExtractedMemory",
    "Insert",
    "Memory",
    "ProposalError",
    "RemoveDoc",
    "SummarizeThread",
    "Update",
    "carried_over",
    "content_text",
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


def content_text(content: Any) -> str:
    """Return the texts and numbers in JSON data *content*, one after another."""
    match content:
        case None | bool():
            return ""
        case Mapping():
            return " ".join(map(content_text, cast("Mapping[Any, Any]", content).values()))
        case list() | tuple():
            return " ".join(map(content_text, cast("Sequence[Any]", content)))
        case _:
            return str(content)


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


#: Turns the content of a memory into its next content; raises `ProposalError` if it cannot.
Edit = Callable[[Any], Any]


class ProposalError(LongtermError):
    """A proposal cannot be carried out; the message tells the model why.

    *plain* says it without a word of the model's or of a memory, for warnings; where it is not
    given, the message has none.
    """

    def __init__(self, message: str, *, plain: str | None = None) -> None:
        super().__init__(message)
        self.plain = plain or message


@dataclass(frozen=True, slots=True)
class Entry:
    """One memory of a draft: what it is now, and what it was at the beginning."""

    document: Document
    #: None for a memory that this draft inserted.
    before: Document | None
    edits: tuple[Edit, ...] = ()
    deleted: bool = False
    #: The places of the messages that a model says its changes came from.
    cited: tuple[int, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is different from the beginning."""
        if self.before is None:
            return not self.deleted
        return self.deleted or self.document.content != self.before.content


@dataclass(frozen=True, slots=True)
class Draft:
    """Memories under numbers: the position in *entries* is the number a model uses."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, known: Sequence[Document]) -> Draft:
        """Begin with what is known."""
        return cls(tuple(Entry(document, document) for document in known))

    @property
    def living(self) -> list[tuple[int, Document]]:
        """Memories that are not deleted, with their numbers."""
        return [(n, entry.document) for n, entry in enumerate(self.entries) if not entry.deleted]

    def number(self, target: int | str) -> int:
        """Return the number that *target*, a number or an id, stands for."""
        by_id = {entry.document.id: number for number, entry in enumerate(self.entries)}
        number = by_id.get(target, -1) if isinstance(target, str) else target
        if not 0 <= number < len(self.entries):
            numbers = ", ".join(f"[{number}]" for number, _ in self.living)
            known = f"The known ones are {numbers}." if numbers else "No memories are known."
            raise ProposalError(
                f"There is no memory [{target}]. {known}", plain="There is no such memory."
            )
        return number

    def insert(
        self, document: Document, edit: Edit | None = None, cited: tuple[int, ...] = ()
    ) -> Draft:
        """Add *document*; what is known already, word for word, is not added again.

        *edit* makes the same of one that another has begun under this id meanwhile.
        """
        same = (document.kind, document.content)
        if any((other.kind, other.content) == same for _, other in self.living):
            return self
        edits = (edit,) if edit else ()
        return Draft((*self.entries, Entry(document, None, edits, cited=cited)))

    def update(self, number: int, edit: Edit, cited: tuple[int, ...] = ()) -> Draft:
        """Change memory *number* by *edit*."""
        entry = self.entries[number]
        if entry.deleted:
            raise ProposalError(f"Memory [{number}] was removed and cannot be changed.")
        document = replace(entry.document, content=edit(entry.document.content))
        edits, cited = (*entry.edits, edit), (*entry.cited, *cited)
        return self._with(number, replace(entry, document=document, edits=edits, cited=cited))

    def delete(self, number: int) -> Draft:
        """Remove memory *number*; removing it twice is no mistake."""
        return self._with(number, replace(self.entries[number], deleted=True))

    def rewrite(self, number: int, content: Any) -> Draft:
        """Have *content* in memory *number*, which was removed or not."""
        living = replace(self.entries[number], deleted=False)
        return self._with(number, living).update(number, lambda _: content)

    def changes(self) -> list[Change]:
        """Return the difference to the beginning, in the order of the numbers."""
        changes: list[Change] = []
        for entry in self.entries:
            if entry.before is None:
                changes += [Insert(entry.document)] if entry.changed else []
            elif entry.deleted:
                changes.append(Delete(entry.before))
            elif entry.changed:
                changes.append(Update(entry.document, entry.before))
        return changes

    def _with(self, number: int, entry: Entry) -> Draft:
        return Draft((*self.entries[:number], entry, *self.entries[number + 1 :]))


def carried_over(entry: Entry, now: Document | None) -> tuple[Entry, str | None]:
    """Return *entry* made again on what its memory is *now* (None: it is not there).

    Edits are made again on the newer content, and an insert never takes the place of what is
    there. What cannot be carried over stays as it is now, and the reason comes along.
    """
    if not entry.changed or now == entry.before:
        return entry, None
    if now is None:
        before = entry.before or entry.document
        gone = None if entry.deleted else "was deleted by another writer and is not brought back"
        return Entry(before, before), _lost(entry, gone)
    if entry.deleted:
        return Entry(now, now), _lost(entry, "was changed by another writer and is not deleted")
    try:
        content = now.content
        for edit in entry.edits:
            content = edit(content)
        return replace(entry, document=replace(now, content=content), before=now), None
    except ProposalError as error:
        return Entry(now, now), _lost(entry, f"was changed by another writer: {error.plain}")


def _lost(entry: Entry, reason: str | None) -> str | None:
    return reason and f"Memory {entry.document.id} {reason}."
