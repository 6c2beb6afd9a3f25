"""Operations as a database needs them. Pure.

`prepared` checks an operation and does all that needs no database: encoding, reading filters,
splitting text into terms. So an operation that cannot work fails before anything is written.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, NamedTuple

import numpy as np
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    PutOp,
    SearchOp,
    validate_op_namespace,
)

from longterm.effects.capabilities import EmbedLater, Keep, RevisionNote, RevisionRow
from longterm.errors import InvalidInputError
from longterm.stores.filters import EVERYTHING, Condition, parse
from longterm.stores.lexicon import hashed
from longterm.stores.operations import (
    AddRevisions,
    Erase,
    ExplainOp,
    GetRevisions,
    HybridColumnsOp,
    HybridSearchOp,
    ListRevisions,
    Operation,
    PruneRevisions,
    PutIf,
    PutNoted,
    ReplaceNotes,
    Scrub,
    SearchAsOf,
)
from longterm.stores.rows import (
    Encoded,
    Paths,
    decode,
    encode,
    fields_as_json,
    fields_from_json,
    micros,
    texts_of,
    to_column,
    to_path,
    words_of,
)
from longterm.text.characters import whole_characters
from longterm.text.questions import as_statement, asked_terms
from longterm.text.tokenizer import packed_terms

__all__ = [
    "CHANGES",
    "AddRows",
    "EraseItems",
    "Expected",
    "FindItems",
    "FindStates",
    "Indexed",
    "ListNamespaces",
    "PageRevisions",
    "Prepared",
    "PruneRows",
    "ReadItem",
    "ReadRevisions",
    "Recording",
    "RewriteNotes",
    "ScrubFile",
    "WriteItem",
    "indexed",
    "prepared",
    "texts_indexed",
]

_MINUTE = 60_000_000
_LONGEST = 2**62
_MOST_TERMS = 256
#: More items than any store has; twice as many are still a number to a database.
_MOST_ITEMS = 2**40


@dataclass(frozen=True, slots=True)
class ReadItem:
    """One item."""

    path: str
    key: str
    refresh: bool


class Indexed(NamedTuple):
    """What an item is found by: packed terms, and texts that get a vector each."""

    terms: bytes = b""
    texts: tuple[str, ...] = ()


class Expected(NamedTuple):
    """What a conditional write insists on: when the item was written last, None for never."""

    updated_at: int | None


class Recording(NamedTuple):
    """The revision that a write leaves, and which of the older ones stay."""

    note: RevisionNote
    keep: Keep = None


class WriteItem(NamedTuple):
    """One item, written or (no *encoded*) deleted.

    A tuple, as `Row` is: a conversation makes hundreds, in a third of a dataclass's time.
    """

    path: str
    key: str
    encoded: Encoded | None = None
    #: What is read from *encoded*; only the answer to the write has it.
    value: Mapping[str, Any] | None = None
    found_by: Indexed = Indexed()
    #: What to index, as JSON; None the store's default.
    fields: str | None = None
    #: Microseconds.
    ttl: int | None = None
    expected: Expected | None = None
    recording: Recording | None = None
    #: Whether its vectors may come after it was written.
    later: bool = False


@dataclass(frozen=True, slots=True)
class FindItems:
    """Items below a path; all of them, or as a query ranks them."""

    path: str
    condition: Condition
    limit: int
    offset: int
    refresh: bool
    query: str | None = None
    #: Hashes of the query's terms.
    terms: tuple[np.uint64, ...] = ()
    #: What the vectors are compared with.
    vector_query: str | None = None
    answer: Literal["items", "explained", "hybrid", "columns"] = "items"
    #: For hybrid search: how far to look around the best hits, and up to how many items a scope
    #: is returned whole.
    neighbors: int = 0
    full_scan_limit: int = 0
    #: Whether what lies below the path is left out.
    exact: bool = False


@dataclass(frozen=True, slots=True)
class FindStates:
    """Items as they were at a time, in microseconds."""

    find: FindItems
    time: int
    key: str | None


@dataclass(frozen=True, slots=True)
class ListNamespaces:
    """Namespaces."""

    op: ListNamespacesOp


@dataclass(frozen=True, slots=True)
class ReadRevisions:
    """Revisions of one item."""

    path: str
    key: str


@dataclass(frozen=True, slots=True)
class PageRevisions:
    """Revisions at and below a path, those after a place: path, key and number."""

    path: str
    after: tuple[str, str, int]
    limit: int


@dataclass(frozen=True, slots=True)
class AddRows:
    """Exported rows of revisions; and the items that become of them."""

    rows: tuple[RevisionRow, ...]
    #: By path and key; its last revision's value, encoded.
    items: Mapping[tuple[str, str], WriteItem]


@dataclass(frozen=True, slots=True)
class PruneRows:
    """Drop revisions at and below a path."""

    path: str
    keep: Keep


@dataclass(frozen=True, slots=True)
class RewriteNotes:
    """Change what the revisions of one item say beside their values."""

    path: str
    key: str
    notes: Mapping[int, RevisionNote]
    scrub: bool


@dataclass(frozen=True, slots=True)
class EraseItems:
    """Remove for good."""

    path: str
    key: str | None
    #: None to leave no mark.
    actor: str | None
    scrub: bool


@dataclass(frozen=True, slots=True)
class ScrubFile:
    """Remove the last bytes of what was erased, where the database is a file."""


Prepared = (
    ReadItem
    | WriteItem
    | FindItems
    | FindStates
    | ListNamespaces
    | ReadRevisions
    | PageRevisions
    | AddRows
    | PruneRows
    | RewriteNotes
    | EraseItems
    | ScrubFile
)

#: Those that change the database.
CHANGES = (WriteItem, AddRows, PruneRows, RewriteNotes, EraseItems)


def prepared(op: Operation, fields: Sequence[str], *, embeds: bool = True) -> Prepared:
    """*op* as a database needs it; *fields* are indexed where it names none.

    Where the store has no model that *embeds*, no texts are collected for it.
    """
    match op:
        case GetOp(namespace, key, refresh):
            validate_op_namespace(op)
            return ReadItem(to_path(namespace), to_column(str(key)), refresh)
        case PutOp():
            return _write(op, fields, embeds=embeds)
        case PutIf(namespace, key, content, seen, index, ttl):
            put = PutOp(namespace, key, content, index, ttl)
            return _write(put, fields, Expected(seen and micros(seen)), embeds=embeds)
        case PutNoted(put, seen, note, keep):
            recording = Recording(note, None if keep is None else _checked(keep))
            return _write(put, fields, Expected(seen and micros(seen)), recording, embeds=embeds)
        case SearchOp():
            return _find(op)
        case ExplainOp(search):
            return _find(search, "explained")
        case HybridSearchOp():
            return _hybrid(op)
        case HybridColumnsOp(search):
            return replace(_hybrid(search), answer="columns")
        case ListNamespacesOp():
            validate_op_namespace(op)
            _check_page(op.limit, op.offset)
            return ListNamespaces(op)
        case _:
            return _of_revisions(op, fields, embeds=embeds)


def _of_revisions(op: Operation, fields: Sequence[str], *, embeds: bool) -> Prepared:
    match op:
        case GetRevisions(namespace, key):
            return ReadRevisions(to_path(namespace), to_column(str(key)))
        case ListRevisions(prefix, after, limit):
            _check_page(limit, 0)
            place = ("", "", 0)
            if after is not None:
                place = (to_path(after.namespace), to_column(after.key), after.number)
            return PageRevisions(to_path(prefix), place, limit)
        case SearchAsOf(search, time, key, exact):
            find = replace(_find(search), exact=exact, refresh=False)
            # One without a zone is the machine's local time.
            instant = micros(time.astimezone() if time.tzinfo is None else time)
            return FindStates(find, instant, None if key is None else to_column(key))
        case AddRevisions(rows):
            _check_order(rows)
            last = {(to_path(row.namespace), to_column(row.key)): row for row in rows}
            return AddRows(
                rows,
                {
                    place: _write(PutOp(row.namespace, row.key, row.value), fields, embeds=embeds)
                    for place, row in last.items()
                },
            )
        case PruneRevisions(prefix, keep):
            return PruneRows(to_path(prefix), None if keep is None else _checked(keep))
        case ReplaceNotes(namespace, key, notes, scrub):
            return RewriteNotes(to_path(namespace), to_column(key), notes, scrub)
        case Erase(prefix, key, actor, scrub):
            if key is not None and not prefix:
                raise InvalidNamespaceError("An item has a namespace; to erase one, name it.")
            column = None if key is None else to_column(key)
            return EraseItems(to_path(prefix), column, actor, scrub)
        case Scrub():
            return ScrubFile()
        case _:
            raise InvalidInputError(
                f"The store does not know operations of type {type(op).__name__}."
            )


def indexed(value: Mapping[str, Any], fields: str | None, default: Sequence[str]) -> Indexed:
    """Work out what a value is found by."""
    return _indexed(value, fields_from_json(fields) if fields else default, embeds=True)


def _indexed(value: Mapping[str, Any], paths: Paths, *, embeds: bool) -> Indexed:
    if paths is False:
        return Indexed()
    packed = b"".join(map(packed_terms, words_of(value, paths)))
    return Indexed(packed, tuple(texts_of(value, paths)) if embeds else ())


def texts_indexed(
    value: Mapping[str, Any], fields: str | None, default: Sequence[str]
) -> tuple[str, ...]:
    """Work out which texts of a value get a vector each."""
    paths = fields_from_json(fields) if fields else default
    return () if paths is False else tuple(texts_of(value, paths))


def _write(
    op: PutOp,
    default: Sequence[str],
    expected: Expected | None = None,
    recording: Recording | None = None,
    *,
    embeds: bool,
) -> WriteItem:
    validate_op_namespace(op)
    if not op.namespace:
        raise InvalidNamespaceError("An item needs a namespace; it cannot be empty.")
    path, key = to_path(op.namespace), str(op.key)
    if not key.isascii():
        key = to_column(key)
    if op.value is None:
        return WriteItem(path, key, expected=expected, recording=recording)
    if op.ttl is not None and (not math.isfinite(op.ttl) or op.ttl < 0):
        raise InvalidInputError(f"A ttl is a number of minutes, not {op.ttl!r}.")
    ttl = None if op.ttl is None else min(round(op.ttl * _MINUTE), _LONGEST)
    index, later = op.index, embeds and isinstance(op.index, EmbedLater)
    fields = None if index is None else fields_as_json(index if index is False else tuple(index))
    encoded = encode(op.value)
    value = decode(encoded.text)
    found_by = _indexed(value, default if index is None else index, embeds=embeds)
    return WriteItem(path, key, encoded, value, found_by, fields, ttl, expected, recording, later)


def _hybrid(op: HybridSearchOp) -> FindItems:
    if op.neighbors < 0 or op.full_scan_limit < 0:
        raise InvalidInputError("neighbors and full_scan_limit count from 0.")
    search = SearchOp(
        op.namespace_prefix, op.filter, op.limit, query=op.text_query, refresh_ttl=False
    )
    vector_query = whole_characters(op.text_query if op.vector_query is None else op.vector_query)
    return replace(
        _find(search, "hybrid"),
        vector_query=vector_query,
        neighbors=op.neighbors,
        full_scan_limit=op.full_scan_limit,
        exact=op.exact,
    )


def _find(op: SearchOp, answer: Literal["items", "explained", "hybrid"] = "items") -> FindItems:
    validate_op_namespace(op)
    _check_page(op.limit, op.offset)
    terms: tuple[np.uint64, ...] = ()
    vector_query = None
    if op.query:
        terms = tuple(hashed(asked_terms(op.query)[:_MOST_TERMS]))
        vector_query = whole_characters(as_statement(op.query)) or None
    return FindItems(
        to_path(op.namespace_prefix),
        EVERYTHING if op.filter is None else parse(op.filter),
        min(op.limit, _MOST_ITEMS),
        min(op.offset, _MOST_ITEMS),
        op.refresh_ttl,
        op.query or None,
        terms,
        vector_query,
        answer,
    )


def _check_order(rows: Sequence[RevisionRow]) -> None:
    """Refuse rows of one item that are not in the order of their numbers and times."""
    before: dict[tuple[tuple[str, ...], str], RevisionRow] = {}
    for row in rows:
        last = before.get((row.namespace, row.key))
        if row.number < 1 or (last and (row.number <= last.number or row.time <= last.time)):
            raise InvalidInputError(
                f"The revisions of {row.key!r} in {row.namespace} are not in order at number "
                f"{row.number}: numbers count from 1, and times grow with them."
            )
        before[row.namespace, row.key] = row


def _check_page(limit: int, offset: int) -> None:
    if limit < 0 or offset < 0:
        raise InvalidInputError(f"limit and offset count from 0, not {limit} and {offset}.")


def _checked(keep: int | timedelta) -> int | timedelta:
    if keep > timedelta() if isinstance(keep, timedelta) else keep > 0:
        return keep
    raise InvalidInputError(f"Of revisions a number above 0 or an age is kept, not {keep!r}.")
