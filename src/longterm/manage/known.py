"""Known memories in every natural shape → documents, pure.

Strings, pairs of id and value, triples with a kind, `ExtractedMemory`, instances of a schema,
dicts and store items are understood. Markers for removed memories are left out.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, cast

from langgraph.store.base import Item
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from longterm.errors import InvalidInputError
from longterm.extract.schema import MemorySchema, plain
from longterm.memory.draft import ProposalError
from longterm.memory.model import Document, document_of

__all__ = ["Known", "normalize_existing"]

#: Documents under their ids, with the objects that stand for them in a result.
Known = dict[str, tuple[Document, Any]]

_ANY_KIND = "__any__"


def normalize_existing(existing: Any, kinds: Sequence[MemorySchema]) -> Known:
    """Return the memories in *existing*, one or many, by id, in their order.

    Raises `InvalidInputError` for what is no memory in any shape we know.
    """
    known: Known = {}
    for item in _each_known(existing):
        document, content = _read_known(item, kinds)
        if type(content).__name__ != "RemoveDoc":
            known[document.id] = (document, content)
    return known


def _each_known(existing: Any) -> Iterable[Any]:
    match existing:
        case None:
            return ()
        case str() | BaseModel() | Mapping() | Item():
            return (cast("Any", existing),)
        case Iterable():
            return cast("Iterable[Any]", existing)
        case _:
            return (existing,)


def _read_known(item: Any, kinds: Sequence[MemorySchema]) -> tuple[Document, Any]:
    match item:
        case (str(key), str(kind), content):
            return _document(key, kind, content, kinds)
        case Item(key=key, value=value) | {"key": str(key), "value": value}:
            return _stored(key, value, kinds)
        case (key, content) if not isinstance(item, str):
            return _document(str(key), None, content, kinds)
        case {"id": str(key), "content": value, **others} if others.keys() <= {"kind"}:
            return _document(key, others.get("kind"), value, kinds)
        case _ if isinstance(item, str | dict) or _is_instance(item):
            return _document(str(uuid.uuid4()), None, item, kinds)
        case _:
            raise InvalidInputError(
                f"{type(item).__name__} is not a memory. Pass texts, (id, content) pairs, "
                "(id, kind, content) triples, schema instances, dicts or items of a store."
            )


def _is_instance(item: Any) -> bool:
    if isinstance(item, dict):  # by far the most frequent, and asked first for that reason
        return False
    return isinstance(item, BaseModel) or (is_dataclass(item) and not isinstance(item, type))


def _stored(key: str, value: Any, kinds: Sequence[MemorySchema]) -> tuple[Document, Any]:
    """Read a store's value, or what the managers' own search makes of one."""
    match value:
        case {"kind": str(name), "content": content}:
            document = document_of(key, cast("Mapping[str, Any]", value))
            own = [kind for kind in kinds if kind.name == name]
            return document, own[0].load(content, content) if own else content
        case {"content": content} if all(kind.load(value, None) is None for kind in kinds):
            return _document(key, None, content, kinds)
        case _:
            return _document(key, None, value, kinds)


def _document(
    key: str, kind: str | None, content: Any, kinds: Sequence[MemorySchema]
) -> tuple[Document, Any]:
    if _is_instance(content):
        return Document(key, kind or type(content).__name__, _plain_content(content)), content
    if kind is None or kind == _ANY_KIND:
        return _guessed(key, content, kinds)
    return _guessed(key, content, [one for one in kinds if one.name == kind], kind)


def _plain_content(content: Any) -> Any:
    try:
        return plain(content)
    except PydanticSerializationError as error:
        raise InvalidInputError(f"A memory must be made of JSON data: {error}.") from error


def _guessed(
    key: str, content: Any, kinds: Sequence[MemorySchema], otherwise: str | None = None
) -> tuple[Document, Any]:
    """Give *content* the first kind it fits; a text fits a kind that has just a content."""
    for kind in kinds:
        for form in (content, {"content": content}):
            try:
                value = kind.value(form)
            except ProposalError:
                continue
            return Document(key, kind.name, kind.dump(value)), value
    data = _plain_content(content)
    return Document(key, otherwise, data), data
