"""Memories as the service's callers see them, and how what they write becomes a stored value.

Pure. The stored value stays ``{"kind", "content"}``; a memory that is one text is shown as
that text, any other as the fields of its schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from langgraph.store.base import Item, SearchItem
from pydantic_core import PydanticSerializationError

from longterm.commit import Written
from longterm.errors import InvalidInputError
from longterm.extract.proposal import is_blank
from longterm.extract.schema import MemorySchema, plain
from longterm.memory.conversation import as_time, zoned
from longterm.memory.model import TURN, Document, Memory, ProposalError, document_of, shown_content
from longterm.memory.revision import Revision
from longterm.recall.retriever import RecallResult
from longterm.text.characters import NO_JSON, is_json, json_bytes, json_data

__all__ = [
    "Learned",
    "MemoryChange",
    "MemoryRecord",
    "TurnRecord",
    "UserStats",
    "changed_document",
    "check_stored_size",
    "new_document",
    "recall_body",
    "recall_json",
    "text_id",
]

#: The kind of a memory that is one text.
_TEXT = Memory.__name__
#: Values in one memory. Each is guarded, checked and indexed at each change, 30 µs in all: with
#: ten times as many one request would hold its worker for seconds.
_MOST_VALUES = 10_000
#: Kinds that recall reads as something else than a memory.
_RESERVED = frozenset({TURN})


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRecord:
    """One stored memory."""

    id: str
    #: The name of its schema; None for what was stored without one (by memory tools, say).
    kind: str | None
    #: The text of a memory that is one text; else JSON data, the fields of its schema.
    content: Any
    created_at: datetime
    updated_at: datetime
    #: The number of its latest revision; 0 where none was kept.
    revision: int = 0
    #: How well it fits a search, from 0 to 1; None where nothing was asked.
    score: float | None = None

    @classmethod
    def of(cls, item: Item, revision: int = 0) -> MemoryRecord:
        """Read a store's item."""
        document = document_of(item.key, item.value)
        return cls(
            id=item.key,
            kind=document.kind,
            content=shown_content(document.content),
            created_at=item.created_at,
            updated_at=item.updated_at,
            revision=revision,
            score=item.score if isinstance(item, SearchItem) else None,
        )

    @classmethod
    def past(cls, id: str, revisions: Sequence[Revision]) -> MemoryRecord:
        """Read what a memory was before it was deleted, from its revisions."""
        living = [one for one in revisions if one.value is not None]
        document = document_of(id, living[-1].value or {})
        return cls(
            id=id,
            kind=document.kind,
            content=shown_content(document.content),
            created_at=living[0].time,
            updated_at=revisions[-1].time,
            revision=revisions[-1].number,
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data; times in ISO 8601."""
        score = {} if self.score is None else {"score": self.score}
        return {
            "id": self.id,
            "kind": self.kind,
            "content": json_data(self.content),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "revision": self.revision,
            **score,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryChange:
    """What `remember` did to one memory."""

    action: Literal["created", "changed", "deleted"]
    id: str
    kind: str | None
    #: As in `MemoryRecord`; None for one that was deleted.
    content: Any
    revision: int = 0

    @classmethod
    def of(cls, written: Written) -> MemoryChange:
        """Read what a commit did to one memory."""
        done, value = written.revision, written.value
        document = document_of(written.key, value or {})
        return cls(
            action="deleted" if value is None else "created" if _is_new(done) else "changed",
            id=written.key,
            kind=document.kind,
            content=None if value is None else shown_content(document.content),
            revision=done.number if done else 0,
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self) | {"content": json_data(self.content)}


class Learned(list[MemoryChange]):
    """What one run of `remember` changed, what it cost, and what was left out."""

    def __init__(
        self,
        changes: Iterable[MemoryChange] = (),
        *,
        tokens: int | None = 0,
        cost: float | None = 0.0,
        left_out: Sequence[str] = (),
    ) -> None:
        super().__init__(changes)
        #: Tokens in and out; None where the model did not count them.
        self.tokens = tokens
        #: In US dollars; None where it is not known.
        self.cost = cost
        #: Why something that the model said was not kept, without a word of it.
        self.left_out = tuple(left_out)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "changes": [change.as_json() for change in self],
            "tokens": self.tokens,
            "cost": self.cost,
            "left_out": list(self.left_out),
        }


def _is_new(revision: Revision | None) -> bool:
    return revision is None or revision.action == "created"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """One recorded message, word for word."""

    key: str
    #: "" where it belongs to none.
    thread: str
    message_id: str
    speaker: str
    role: str
    text: str
    time: datetime
    #: The place in what it was recorded with; messages without a time share one.
    position: int

    @classmethod
    def of(cls, item: Item) -> TurnRecord:
        """Read a store's item."""
        value, position = item.value, item.value.get("position")
        return cls(
            key=item.key,
            thread=str(value.get("thread") or ""),
            message_id=str(value.get("message_id") or ""),
            speaker=str(value.get("speaker") or ""),
            role=str(value.get("role") or ""),
            text=str(value.get("content") or ""),
            time=zoned(as_time(value.get("time")) or item.created_at),
            position=position if isinstance(position, int) else 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserStats:
    """What is kept of a user, and what it has cost so far."""

    memories: int
    turns: int
    revisions: int
    #: Size of all of it as JSON, in bytes.
    size: int
    tokens: int
    #: In US dollars; None where the price of a model that was used is not known.
    cost: float | None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)


def recall_body(found: RecallResult) -> bytes:
    """Write what was recalled as JSON: the block, and each item with its signals."""
    shown = {
        "question": found.question,
        "text": found.text,
        "items": [
            {
                "kind": item.kind,
                "id": item.key,
                "text": item.text,
                "score": item.score,
                "parts": dict(item.parts),
                "time": item.time.isoformat(),
                "speaker": item.speaker,
                "thread": item.thread,
                "in_block": item.in_block,
            }
            for item in found.items
        ],
    }
    return json_bytes(shown)


def recall_json(found: RecallResult) -> dict[str, Any]:
    """Return what `recall_body` writes, as JSON data."""
    return json.loads(recall_body(found))


def text_id(id: object) -> str:
    """Return *id* of a memory as text; a UUID or a number may be one."""
    if isinstance(id, str):
        return id
    if isinstance(id, UUID | int):
        return str(id)
    raise InvalidInputError(f"The id of a memory is a text, not {type(id).__name__}.")


def new_document(
    id: str, content: Any, kind: str | None, schemas: Sequence[MemorySchema]
) -> Document:
    """Return the memory that *content* makes: a text, JSON data or an instance of a schema.

    Without a *kind*, a text is a `Memory`, and data is of the first schema it checks against.
    Raises `InvalidInputError` for what is empty or does not check.
    """
    if isinstance(content, bytes | bytearray):
        raise InvalidInputError("The content of a memory is a text, not bytes: decode it.")
    if kind is None and not isinstance(content, str | Mapping):
        kind = type(content).__name__
    if kind is not None and is_blank(kind):
        raise InvalidInputError("A kind cannot be blank: leave it out, or name a schema.")
    if kind in _RESERVED:
        raise InvalidInputError(f'The kind "{kind}" is reserved: choose another name.')
    data = _json(content)
    if not is_json([id, kind]):
        raise InvalidInputError("An id and a kind are texts without halves of emoji.")
    if kind is None:
        kind = _TEXT if isinstance(data, str) else _first_fitting(data, schemas)
    return Document(id, kind, _checked(_unfolded(data), kind, schemas))


def changed_document(before: Document, content: Any, schemas: Sequence[MemorySchema]) -> Document:
    """Return *before* with *content* in the place of its own, in the same form and kind."""
    data = _json(content)
    if not isinstance(before.content, str):
        data = _unfolded(data)
    changed = _checked(data, before.kind, schemas)
    if before.bare and not isinstance(changed, dict):
        changed = {"content": changed}
    return Document(before.id, before.kind, changed, before.beside, before.bare)


def _unfolded(data: Any) -> Any:
    return {"content": data} if isinstance(data, str) else data


def _json(content: Any) -> Any:
    try:
        data = plain(content)
    except PydanticSerializationError as error:
        raise InvalidInputError(f"The content is not JSON data: {error}") from error
    except ValueError:  # halves of emoji in the name of a field, or hundreds of levels
        raise InvalidInputError(NO_JSON) from None
    if not is_json(data):
        raise InvalidInputError(NO_JSON)
    check_size(data)
    empty = is_blank(data) if isinstance(data, str) else not data
    if empty or not isinstance(data, str | dict):
        raise InvalidInputError("The content of a memory is a text or an object, and not empty.")
    return cast("Any", data)


def check_stored_size(value: dict[str, Any] | None) -> None:
    """`check_size` of what a stored *value* holds: of a memory its content, as when it is added."""
    match value:
        case {"content": content, "kind": str() | None, **others} if not others:
            check_size(content)
        case _:
            check_size(value)


def check_size(data: object) -> None:
    """Count texts, numbers, lists and objects in *data*; raises where one write has too many."""
    waiting, seen = [data], 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += cast("dict[str, object]", one).values()
        elif isinstance(one, list):
            waiting += cast("list[object]", one)
        seen += 1
        if seen + len(waiting) > _MOST_VALUES:
            raise InvalidInputError(
                f"The content has more than {_MOST_VALUES:,} values: a memory is one fact or one "
                "profile. Keep parts of it as memories of their own, or the whole as one text."
            )


def _first_fitting(data: Any, schemas: Sequence[MemorySchema]) -> str | None:
    for schema in schemas:
        try:
            schema.check(data)
        except ProposalError:
            continue
        return schema.name
    return None


def _checked(data: Any, kind: str | None, schemas: Sequence[MemorySchema]) -> Any:
    """Check *data* against its schema; a kind that was not declared is kept as it is."""
    schema = next((schema for schema in schemas if schema.name == kind), None)
    if schema is None:
        return data
    try:
        return schema.check(data)
    except ProposalError as error:
        raise InvalidInputError(f"The content is not a {kind}: {error}") from error
