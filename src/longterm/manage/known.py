"""Known memories in every natural shape → documents, pure.

Strings, pairs of id and value, triples with a kind, `ExtractedMemory`, instances of a schema,
dicts and store items are understood. Markers for removed memories are left out.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from langgraph.store.base import Item
from pydantic import BaseModel

from longterm.errors import InvalidInputError
from longterm.extract.schema import Kind, plain
from longterm.memory.model import Document, document_of
from longterm.memory.reconcile import ProposalError

__all__ = ["Known", "known_in"]

#: Documents, and under their ids the objects they were given as.
Known = dict[str, tuple[Document, Any]]

_ANY_KIND = "__any__"


def known_in(existing: Iterable[Any] | None, kinds: Sequence[Kind]) -> Known:
    """Return the memories in *existing* by id, in their order.

    Raises `InvalidInputError` for what is no memory in any shape we know.
    """
    known: Known = {}
    for item in existing or ():
        document, content = _read(item, kinds)
        if not _is_removed(content):
            known[document.id] = (document, content)
    return known


def _read(item: Any, kinds: Sequence[Kind]) -> tuple[Document, Any]:
    match item:
        case Item(key=key, value=value):
            return _stored(key, value, kinds)
        case (str(key), str(kind), content):
            return _document(key, kind, content, kinds), content
        case (key, content) if not isinstance(item, str):
            return _document(str(key), None, content, kinds), content
        case {"key": str(key), "value": value} | {"id": str(key), "content": value}:
            return _document(key, item.get("kind"), value, kinds), value
        case str() | BaseModel() | dict():
            content = cast("Any", item)
            return _document(str(uuid.uuid4()), None, content, kinds), content
        case _:
            raise InvalidInputError(
                f"{item!r:.200} is no memory. Pass texts, (id, content) pairs, (id, kind, content) "
                "triples, schema instances, dicts or items of a store."
            )


def _stored(key: str, value: Any, kinds: Sequence[Kind]) -> tuple[Document, Any]:
    """Read a store's item; the managers' own search puts schema instances into them."""
    if isinstance(value, BaseModel):
        return _document(key, None, value, kinds), value
    document = document_of(key, cast("Mapping[str, Any]", value))
    return document, document.content


def _document(key: str, kind: str | None, content: Any, kinds: Sequence[Kind]) -> Document:
    if isinstance(content, BaseModel):
        return Document(key, kind or type(content).__name__, plain(content))
    data = plain(content)
    if kind is None or kind == _ANY_KIND:
        return _guessed(key, data, kinds)
    return Document(key, kind, data)


def _guessed(key: str, data: Any, kinds: Sequence[Kind]) -> Document:
    """Give *data* the first kind it fits; a text fits a kind that has just a content."""
    for kind in kinds:
        for form in (data, {"content": data}):
            try:
                return Document(key, kind.name, kind.check(form))
            except ProposalError:
                continue
    return Document(key, None, data)


def _is_removed(content: Any) -> bool:
    return type(content).__name__ == "RemoveDoc"
