"""Operations as a database needs them, and what is embedded before a batch. Pure.

`prepared` checks an operation and does all that needs no database: encoding, reading filters,
splitting text into terms. So an operation that cannot work fails before anything is written.
`plan_batch` does that for a batch, and collects what the embedding model is asked.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

import numpy as np
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    PutOp,
    SearchOp,
    validate_op_namespace,
)

from longterm.effects.capabilities import EmbedLater, RevisionRow
from longterm.errors import InvalidInputError
from longterm.stores.embedding import Embedder
from longterm.stores.filters import EVERYTHING, parse
from longterm.stores.lexicon import hashed
from longterm.stores.matrix import Vector
from longterm.stores.operations import (
    AddRevisions,
    AddRows,
    Erase,
    EraseItems,
    Expected,
    ExplainOp,
    FindItems,
    FindStates,
    GetRevisions,
    HybridColumnsOp,
    HybridSearchOp,
    Indexed,
    ListNamespaces,
    ListRevisions,
    Operation,
    PageRevisions,
    Prepared,
    PruneRevisions,
    PruneRows,
    PutIf,
    PutNoted,
    ReadItem,
    ReadRevisions,
    Recording,
    ReplaceNotes,
    RewriteNotes,
    Scrub,
    ScrubFile,
    SearchAsOf,
    WriteItem,
)
from longterm.stores.rows import (
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
    "NO_VECTORS",
    "BatchPlan",
    "EmbeddedTexts",
    "indexed",
    "plan_batch",
    "prepared",
    "texts_indexed",
]

_MINUTE = 60_000_000
_LONGEST = 2**62
_MOST_TERMS = 256
#: More items than any store has; twice as many are still a number to a database.
_MOST_ITEMS = 2**40


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
        case PutIf(namespace, key, content, seen, index, ttl, wanted):
            put = PutOp(namespace, key, content, index, ttl)
            return _write(put, fields, Expected(seen and micros(seen), wanted), embeds=embeds)
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


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """What the embedding model said: of texts by their hash, of queries by themselves."""

    texts: Mapping[bytes, bytes]
    queries: Mapping[str, Vector]


NO_VECTORS = EmbeddedTexts({}, {})


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A batch that was checked, and what its vectors are made of."""

    ops: Sequence[Prepared]
    texts: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    #: Below these paths vectors are compared: none that is on its way may be missing.
    paths: tuple[str, ...] = ()
    #: Searches of the past; the texts of what they find get vectors, too.
    past: tuple[FindStates, ...] = ()
    #: Whether something is written whose vectors come later.
    is_ahead: bool = False
    #: The number of the embedding model, None while the database has no vectors.
    model: int | None = None
    #: Whether that number is the one of an earlier batch: who searches with it has to look.
    is_assumed: bool = False

    @property
    def needs_model(self) -> bool:
        """Whether the embedding model has to be that of the database."""
        return self.is_ahead or bool(self.texts or self.queries)

    @property
    def only_searches(self) -> bool:
        """Whether vectors are wanted for nothing but to compare those that are there."""
        return bool(self.queries) and not (self.texts or self.is_ahead or self.past)


def plan_batch(
    ops: Sequence[Operation], fields: Sequence[str], embedder: Embedder | None
) -> BatchPlan:
    """Check *ops* and collect what gets a vector; *fields* are indexed where an op names none.

    Vectors of what is written come later where that was asked for, unless the same batch
    searches with a vector: a read sees what was written before it.
    """
    if embedder is None:
        return BatchPlan([prepared(op, fields, embeds=False) for op in ops])
    checked = [prepared(op, fields) for op in ops]
    searches = [op for op in checked if isinstance(op, FindItems) and op.vector_query]
    past = [op for op in checked if isinstance(op, FindStates) and op.find.vector_query]
    queries = [find.vector_query for find in (*searches, *(op.find for op in past))]
    may_wait = embedder.is_blocking and not queries
    texts: list[str] = []
    is_ahead = False
    for place, op in enumerate(checked):
        match op:
            case WriteItem(found_by=found_by, later=later):
                if later and may_wait and any(map(embedder.supports, found_by.texts)):
                    # All of its vectors or none: not one that the batch makes for another.
                    checked[place] = op._replace(
                        found_by=Indexed(found_by.terms, late_texts=found_by.texts)
                    )
                    is_ahead = True
                else:
                    checked[place] = op._replace(later=False) if later else op
                    texts += found_by.texts
            case AddRows():
                texts += [text for item in op.items.values() for text in item.found_by.texts]
            case _:
                pass
    return BatchPlan(
        checked,
        tuple(texts),
        tuple(query for query in queries if query),
        tuple(dict.fromkeys(op.path for op in searches)),
        tuple(past),
        is_ahead,
    )
