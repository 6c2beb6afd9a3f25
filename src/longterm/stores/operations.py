"""Operations: LangGraph's and the three of our own, and what they mean to the file. Pure.

`prepared` checks an operation and does all that needs no file: encoding, reading filters,
splitting text into terms. So an operation that cannot work fails before anything is written.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    SearchItem,
    SearchOp,
    validate_op_namespace,
)

from longterm.errors import InvalidInputError
from longterm.stores.embedded.lexicon import hashed, pack
from longterm.stores.embedded.rows import Row, micros
from longterm.stores.embedding import Fields, readable, texts_of, words_of
from longterm.stores.filters import Condition, parse
from longterm.stores.names import to_column, to_path
from longterm.stores.values import Encoded, decode, encode
from longterm.text.tokenizer import query_terms, terms

__all__ = [
    "Answer",
    "Expected",
    "ExplainOp",
    "ExplainedItem",
    "Explanation",
    "Find",
    "HybridHit",
    "HybridSearchOp",
    "Indexed",
    "List",
    "Operation",
    "Prepared",
    "PutIf",
    "Read",
    "Write",
    "indexed",
    "prepared",
]  # fmt: skip

_MINUTE = 60_000_000
_LONGEST = 2**62
_MOST_TERMS = 256
#: Nobody has more items; twice as many are still a number to SQLite.
_MOST_ITEMS = 2**40


# --- our own operations and answers -----------------------------------------------------------


class PutIf(NamedTuple):
    """Put, if nobody wrote the item since it was read; `None`: if it does not exist.

    Otherwise the whole batch fails with a `ConflictError`. Answers the item as written, or
    None where *value* is None, which deletes.
    """

    namespace: tuple[str, ...]
    key: str
    value: Mapping[str, Any] | None
    expected_updated_at: datetime | None
    index: Literal[False] | list[str] | None = None  # pyright: ignore[reportIncompatibleMethodOverride]
    ttl: float | None = None


class HybridSearchOp(NamedTuple):
    """Search, and answer each arm's own scores instead of one: `HybridSearch` says how."""

    namespace_prefix: tuple[str, ...]
    query: str
    filter: dict[str, Any] | None = None
    limit: int = 100
    vector_query: str | None = None
    neighbors: int = 0
    full_scan_limit: int = 0
    exact: bool = False


class ExplainOp(NamedTuple):
    """Search, and answer how each score came about."""

    search: SearchOp


@dataclass(frozen=True, slots=True)
class HybridHit:
    """An item that an arm found: raw BM25, raw cosine, None where that arm did not find it."""

    encoded: Row
    bm25: float | None
    cosine: float | None

    @property
    def item(self) -> Item:
        """The item, decoded anew each time."""
        return self.encoded.decode()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What each arm contributed to a score; *text* and *vector* add up to it.

    None where the arm took no part or did not find the item.
    """

    text: float | None
    vector: float | None
    bm25: float | None
    cosine: float | None


class ExplainedItem(SearchItem):
    """A search item that knows how its score came about."""

    __slots__ = ("explanation",)

    def __init__(self, item: SearchItem, explanation: Explanation) -> None:
        super().__init__(
            namespace=item.namespace,
            key=item.key,
            value=item.value,
            created_at=item.created_at,
            updated_at=item.updated_at,
            score=item.score,
        )
        self.explanation = explanation


Operation = Op | PutIf | HybridSearchOp | ExplainOp
Answer = (
    Item | list[Item] | list[SearchItem] | list[HybridHit] | list[tuple[str, ...]] | None
)  # fmt: skip


# --- what they mean to the file ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """One item."""

    path: str
    key: str
    refresh: bool


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an item is found by: packed terms, and texts that get a vector each."""

    terms: bytes = b""
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a conditional write insists on: when the item was written last, None for never."""

    updated_at: int | None


@dataclass(frozen=True, slots=True)
class Write:
    """One item, written or (no *encoded*) deleted."""

    path: str
    key: str
    encoded: Encoded | None = None
    index: Indexed = Indexed()
    fields: str | None = None
    ttl: int | None = None
    expected: Expected | None = None


@dataclass(frozen=True, slots=True)
class Find:
    """Items below a path; all of them, or as a query ranks them."""

    path: str
    condition: Condition
    limit: int
    offset: int
    refresh: bool
    query: str | None = None
    terms: tuple[np.uint64, ...] = ()
    #: What the vectors are compared with.
    vector_query: str | None = None
    answer: Literal["items", "explained", "hybrid"] = "items"
    #: For arms: how far around the best hits, and which scopes are small enough to be seen whole.
    neighbors: int = 0
    full_scan_limit: int = 0
    #: Whether what lies below the path is left out.
    exact: bool = False


@dataclass(frozen=True, slots=True)
class List:
    """Namespaces."""

    op: ListNamespacesOp


Prepared = Read | Write | Find | List


def prepared(op: Operation, fields: Sequence[str]) -> Prepared:
    """*op* as the file needs it; *fields* are indexed where it names none."""
    match op:
        case GetOp(namespace, key, refresh):
            validate_op_namespace(op)
            return Read(to_path(namespace), to_column(str(key)), refresh)
        case PutOp():
            return _write(op, fields)
        case PutIf():
            return _conditional(op, fields)
        case SearchOp():
            return _find(op)
        case ExplainOp(search):
            return _find(search, "explained")
        case HybridSearchOp():
            return _hybrid(op)
        case ListNamespacesOp():
            validate_op_namespace(op)
            _check_page(op.limit, op.offset)
            return List(op)
        case _:
            raise InvalidInputError(f"The store does not know the operation {op!r}.")


def indexed(value: Mapping[str, Any], fields: str | None, default: Sequence[str]) -> Indexed:
    """Work out what a value is found by."""
    named: Fields = json.loads(fields) if fields else None
    if named is False:
        return Indexed()
    paths = default if named is None else named
    found = [term for text in words_of(value, paths) for term in terms(text)]
    return Indexed(pack(found), tuple(texts_of(value, paths)))


def _write(op: PutOp, default: Sequence[str]) -> Write:
    validate_op_namespace(op)
    if not op.namespace:
        raise InvalidNamespaceError("An item needs a namespace; it cannot be empty.")
    path, key = to_path(op.namespace), to_column(str(op.key))
    if op.value is None:
        return Write(path, key)
    fields = None if op.index is None else json.dumps(op.index)
    encoded = encode(op.value)
    found_by = indexed(decode(encoded.text), fields, default)
    return Write(path, key, encoded, found_by, fields, _ttl(op.ttl))


def _conditional(op: PutIf, default: Sequence[str]) -> Write:
    put = _write(PutOp(op.namespace, op.key, op.value, op.index, op.ttl), default)
    updated_at = None if op.expected_updated_at is None else micros(op.expected_updated_at)
    return replace(put, expected=Expected(updated_at))


def _hybrid(op: HybridSearchOp) -> Find:
    if op.neighbors < 0 or op.full_scan_limit < 0:
        raise InvalidInputError("neighbors and full_scan_limit count from 0.")
    search = SearchOp(op.namespace_prefix, op.filter, op.limit, query=op.query, refresh_ttl=False)
    vector_query = readable(op.query if op.vector_query is None else op.vector_query)
    found = _find(search, "hybrid")
    return replace(
        found,
        vector_query=vector_query,
        neighbors=op.neighbors,
        full_scan_limit=op.full_scan_limit,
        exact=op.exact,
    )


def _find(op: SearchOp, answer: Literal["items", "explained", "hybrid"] = "items") -> Find:
    validate_op_namespace(op)
    _check_page(op.limit, op.offset)
    return Find(
        to_path(op.namespace_prefix),
        parse(op.filter),
        min(op.limit, _MOST_ITEMS),
        min(op.offset, _MOST_ITEMS),
        op.refresh_ttl,
        op.query or None,
        tuple(hashed(query_terms(op.query or "")[:_MOST_TERMS])),
        readable(op.query or "") or None,
        answer,
    )


def _check_page(limit: int, offset: int) -> None:
    if limit < 0 or offset < 0:
        raise InvalidInputError(f"limit and offset count from 0, not {limit} and {offset}.")


def _ttl(minutes: float | None) -> int | None:
    if minutes is None:
        return None
    if not math.isfinite(minutes) or minutes < 0:
        raise InvalidInputError(f"A ttl is a number of minutes, not {minutes!r}.")
    return min(round(minutes * _MINUTE), _LONGEST)
