"""Store operations as values, with what is left open for the store to decide.

LangGraph's `BaseStore` fills in its own TTL rules in `get`, `search` and `put`, but not in
`batch`. Operations built here leave those rules open; `settled` closes them for a store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import Any, Literal, cast

from langgraph.store.base import (
    NOT_PROVIDED,
    BaseStore,
    GetOp,
    Item,
    NotProvided,
    Op,
    PutOp,
    SearchOp,
    get_text_at_path,
)
from langgraph.store.memory import InMemoryStore

__all__ = [
    "Index",
    "Ttl",
    "get_op",
    "in_batches",
    "put_op",
    "search_op",
    "settled",
    "with_zones",
]

Index = Literal[False] | list[str] | None
#: Minutes; None for ever; NOT_PROVIDED for the store's default.
Ttl = float | NotProvided | None


def get_op(namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None) -> GetOp:
    """Read *key*; None lets the store decide whether that renews its time to live."""
    return GetOp(namespace, key, cast("bool", refresh_ttl))


def search_op(
    namespace: tuple[str, ...],
    query: str | None = None,
    *,
    filter: dict[str, Any] | None = None,
    limit: int = 10,
    offset: int = 0,
    refresh_ttl: bool | None = None,
) -> SearchOp:
    """Search below *namespace*."""
    return SearchOp(namespace, filter, limit, offset, query, cast("bool", refresh_ttl))


def put_op(
    namespace: tuple[str, ...],
    key: str,
    value: dict[str, Any] | None,
    *,
    index: Index = None,
    ttl: Ttl = NOT_PROVIDED,
) -> PutOp:
    """Store *value* under *key*; None deletes."""
    return PutOp(namespace, key, value, index, cast("float | None", ttl))


def settled(op: Op, store: BaseStore) -> Op:
    """Return *op* with the rules of *store* where it left them open.

    Raises `NotImplementedError`, as the store would, for a time to live it cannot keep.
    """
    rules: Any = store.ttl_config or {}
    open_op: Any = op  # what is left open is outside the declared types
    match open_op:
        case PutOp(ttl=ttl) if isinstance(ttl, NotProvided):
            return open_op._replace(ttl=rules.get("default_ttl"))
        case PutOp(ttl=float() | int()) if not store.supports_ttl:
            raise NotImplementedError(f"{type(store).__name__} keeps no time to live; leave ttl.")
        case GetOp(refresh_ttl=None) | SearchOp(refresh_ttl=None):
            return open_op._replace(refresh_ttl=rules.get("refresh_on_read", True))
        case _:
            return op


def in_batches(ops: Sequence[Op], store: BaseStore) -> list[list[Op]]:
    """Return *ops*, settled, in as few batches as *store* can take: one, for most.

    LangGraph's InMemoryStore refuses a batch in which two memories have the same text to embed.
    """
    batches: list[list[Op]] = [[]]
    taken: set[str] = set()
    for op in ops:
        texts = set(_embedded_texts(op, store))
        if texts & taken:
            batches.append([])
            taken.clear()
        batches[-1].append(settled(op, store))
        taken |= texts
    return batches


def _embedded_texts(op: Op, store: BaseStore) -> Iterator[str]:
    """Yield the texts of *op* that an InMemoryStore embeds; none for another store."""
    index: Any = store.index_config if isinstance(store, InMemoryStore) else None
    if index and isinstance(op, PutOp) and op.value is not None and op.index is not False:
        for path in op.index or index.get("fields") or ["$"]:
            yield from get_text_at_path(op.value, path)


def with_zones(answers: Iterable[Any]) -> list[Any]:
    """Return what a store answered, with UTC where it leaves the zone of its times out."""
    found = list(answers)
    for answer in found:
        for item in cast("list[Any]", answer) if isinstance(answer, list) else (answer,):
            if isinstance(item, Item) and item.updated_at.tzinfo is None:
                item.created_at = item.created_at.replace(tzinfo=UTC)
                item.updated_at = item.updated_at.replace(tzinfo=UTC)
    return found
