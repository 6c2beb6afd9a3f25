"""One transaction: reading items and namespaces, and what every operation shares.

Nothing here opens, commits or retries; `Database` does. SQL decides as much of a filter as SQLite
decides as Python does; Python does the rest.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, islice, repeat
from operator import add
from typing import Any

from langgraph.store.base import Item, SearchItem

from longterm.effects.capabilities import RevisionNote
from longterm.stores.filters import (
    EVERYTHING,
    Compare,
    Condition,
    Either,
    Equals,
    Every,
    Exists,
    Field,
    holds,
)
from longterm.stores.operations import (
    ExplainedItem,
    Explanation,
    FindItems,
    ListNamespaces,
    ReadItem,
)
from longterm.stores.reindexing import EntryToIndex
from longterm.stores.rows import Row, below, decode, listed, note_text, to_labels

__all__ = [
    "Clock",
    "Sql",
    "Transaction",
    "fetch_items",
    "fetched",
    "leave",
    "namespaces",
    "narrow",
    "newest",
    "refresh",
    "within_prefix",
]


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and its parameters."""

    text: str
    parameters: tuple[Any, ...] = ()


# SQLite up to 3.46 reads a decimal up to a few units in the last place differently from Python.
_SLACK = 1e-12
_EXACT = 2**53
# SQLite's limits are a thousand operands in a row, and brackets nested some fifty times.
_MOST_PARAMETERS = 500
_DEEPEST = 20


def narrow(condition: Condition) -> Sql:
    """Say in SQL what lets every item through that *condition* means, and few others."""
    if condition == EVERYTHING:
        return Sql("1")
    said = _condition_sql(condition, "$")
    if said is None or len(said.parameters) > _MOST_PARAMETERS:
        return Sql("1")
    if max(accumulate((one == "(") - (one == ")") for one in said.text)) > _DEEPEST:
        return Sql("1")
    return Sql(f"CASE WHEN plain THEN {said.text} ELSE 1 END", said.parameters)


def _condition_sql(condition: Condition, path: str) -> Sql | None:
    match condition:
        # A JSON path can name such a field as it stands in the text.
        case Field(name, inner) if name and name.isprintable() and not set(name) & {'"', "\\"}:
            return _condition_sql(inner, f'{path}."{name}"')
        case Equals(None):
            return Sql("json_extract(value, ?) IS NULL", (path,))
        case Equals(str(text)) if text.isprintable():
            return Sql("json_extract(value, ?) = ?", (path, text))
        case Equals(int() | float() as number) if abs(number) <= _EXACT:
            return Sql("json_extract(value, ?) BETWEEN ? AND ?", (path, *_around(number)))
        case Compare(name, str(text)) if text.isprintable():
            return Sql(f"json_extract(value, ?) {_operator(name)} ?", (path, text))
        case Compare(name, int() | float() as number) if abs(number) <= _EXACT:
            sign = _operator(name)
            edge = _around(number)[sign == "<="]
            return Sql(f"json_extract(value, ?) {sign} ?", (path, edge))
        case Exists(wanted):
            return Sql(f"json_type(value, ?) IS {'NOT ' if wanted else ''}NULL", (path,))
        case Every(parts):
            return _joined_sql(
                " AND ", [said for part in parts if (said := _condition_sql(part, path))]
            )
        case Either(parts):
            values = [part.value for part in parts if isinstance(part, Equals)]
            texts = [one for one in values if isinstance(one, str) and one.isprintable()]
            if len(texts) == len(parts):
                listed = json.dumps(texts)
                return Sql(
                    "json_extract(value, ?) IN (SELECT value FROM json_each(?))", (path, listed)
                )
            said = [one for part in parts if (one := _condition_sql(part, path)) is not None]
            if len(said) < len(parts):
                return None
            return _joined_sql(" OR ", said) or Sql("0")
        case _:
            return None


def _operator(name: str) -> str:
    return ">=" if name in {"$gt", "$gte"} else "<="


def _around(number: float) -> tuple[float, float]:
    slack = abs(number) * _SLACK
    return number - slack, number + slack


def _joined_sql(word: str, parts: list[Sql]) -> Sql | None:
    if not parts:
        return None
    text = word.join(f"({part.text})" for part in parts)
    return Sql(f"({text})", tuple(value for part in parts for value in part.parameters))


#: Tells the time, in any timezone.
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Transaction:
    """A connection inside BEGIN and COMMIT, and the time it takes place."""

    connection: sqlite3.Connection
    #: Where it is, for messages.
    file: str
    now: int = 0
    hides_expired: bool = False
    #: Numbers of the items that were read and whose lives that prolongs.
    touched: set[int] = field(default_factory=set[int])
    #: What was written and gets its vectors later.
    late: list[EntryToIndex[tuple[int, int]]] = field(
        default_factory=list[EntryToIndex[tuple[int, int]]]
    )

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(sql, parameters)

    @property
    def alive(self) -> tuple[str, tuple[int, ...]]:
        """SQL that says an item may be shown, and its parameters."""
        if not self.hides_expired:
            return "1", ()
        return "(expires_at IS NULL OR expires_at > ?)", (self.now,)

    def touch(self, row: Row) -> None:
        """Remember to prolong the life of an item that was read."""
        if row.ttl is not None:
            self.touched.add(row.id)


#: Rows that are read at least, and a revision that no item reaches.
_PAGE, _LAST = 16, 2**63 - 1
_KEYS_AT_ONCE = 500
_PATHS = (
    "SELECT path FROM namespaces WHERE items > 0 AND EXISTS "
    "(SELECT 1 FROM items WHERE namespace = namespaces.id"
)
_COLUMNS = "items.id, path, key, value, created_at, updated_at, ttl, revision, checksum"
_FROM = "FROM items JOIN namespaces ON namespaces.id = items.namespace"
_SELECT = f"SELECT {_COLUMNS}, NULL, NULL {_FROM}"
_SELECT_WITH_TERMS = (
    f"SELECT {_COLUMNS}, fields, hashes {_FROM} "
    "LEFT JOIN terms ON terms.namespace = items.namespace AND terms.item = items.id"
)


def fetch_items(tx: Transaction, ops: Sequence[ReadItem]) -> list[Item | None]:
    """Each of several items, or None where there is none."""
    alive, parameters = tx.alive
    wanted: dict[str, list[str]] = {}
    for op in ops:
        wanted.setdefault(op.path, []).append(op.key)
    rows: dict[tuple[str, str], Row] = {}
    for path, keys in wanted.items():
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[start : start + _KEYS_AT_ONCE]
            found = tx.execute(
                f"{_SELECT} WHERE path = ? AND key IN ({', '.join('?' * len(some))}) AND {alive}",
                (path, *some, *parameters),
            )
            for one in found:
                row = Row._make((*one, tx.file))
                rows[path, row.key] = row
    read = [rows.get((op.path, op.key)) for op in ops]
    for op, row in zip(ops, read, strict=True):
        if op.refresh and row is not None:
            tx.touch(row)
    return [None if row is None else row.decode() for row in read]


def namespaces(tx: Transaction, op: ListNamespaces) -> list[tuple[str, ...]]:
    """List the namespaces that hold an item."""
    alive, parameters = tx.alive
    paths = tx.execute(f"{_PATHS} AND {alive})", parameters)
    return listed((to_labels(path) for (path,) in paths), op.op)


def fetched(
    tx: Transaction, ids: Sequence[int], condition: Condition, *, with_terms: bool = False
) -> dict[int, Row]:
    """Those of the items that may be shown and are as *condition* says."""
    narrowed, (alive, parameters) = narrow(condition), tx.alive
    rows = tx.execute(
        f"{_SELECT_WITH_TERMS if with_terms else _SELECT} "
        f"WHERE items.id IN (SELECT value FROM json_each(?)) AND {alive} AND {narrowed.text}",
        (json.dumps(ids), *parameters, *narrowed.parameters),
    )
    # Of a conversation that is new here there are hundreds.
    found: Iterable[Row] = map(Row._make, map(add, rows, repeat((tx.file,))))
    if condition != EVERYTHING:
        found = (row for row in found if holds(condition, decode(row.value)))
    return {row.id: row for row in found}


def newest(tx: Transaction, op: FindItems) -> list[SearchItem] | list[ExplainedItem]:
    """Find the items that *op*, which ranks nothing, asks for: the latest first."""
    if op.condition == EVERYTHING:  # the database passes over what comes before the page
        page = _page_of(tx, op, _LAST, op.limit, op.offset)
    else:
        page = list(islice(_latest(tx, op), op.offset, op.offset + op.limit))
    if op.refresh:
        for row in page:
            tx.touch(row)
    items = [row.found(None) for row in page]
    if op.answer != "explained":
        return items
    return [ExplainedItem(item, Explanation(None, None, None, None)) for item in items]


def _latest(tx: Transaction, op: FindItems) -> Iterator[Row]:
    """Walk through the items of a scope that are as *op* says."""
    before, size = _LAST, max(op.offset + op.limit, _PAGE)
    while page := _page_of(tx, op, before, size, 0):
        yield from (row for row in page if holds(op.condition, decode(row.value)))
        before, size = page[-1].revision, size * 4


def within_prefix(
    path: str, column: str = "namespace", *, exact: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Say in SQL that a row's namespace is *path* or below it; the parameters with it."""
    if exact:
        return f"{column} IN (SELECT id FROM namespaces WHERE path = ?)", (path,)
    if not path:
        return "1", ()
    paths = "SELECT id FROM namespaces WHERE path = ? OR (path > ? AND path < ?)"
    return f"{column} IN ({paths})", (path, *below(path))


def _page_of(tx: Transaction, op: FindItems, before: int, size: int, skip: int) -> list[Row]:
    # With a LIMIT SQLite keeps only so many rows of each namespace and sorts no more.
    narrowed, (alive, parameters) = narrow(op.condition), tx.alive
    inside, paths = within_prefix(op.path)
    rows = tx.execute(
        f"{_SELECT} WHERE {inside} AND revision < ? AND {alive} AND {narrowed.text} "
        "ORDER BY revision DESC LIMIT ? OFFSET ?",
        (*paths, before, *parameters, *narrowed.parameters, size, skip),
    )
    return [Row._make((*row, tx.file)) for row in rows]


def refresh(tx: Transaction, ids: Sequence[int]) -> None:
    """Prolong lives by what they were given."""
    tx.execute(
        "UPDATE items SET expires_at = ? + ttl "
        "WHERE ttl IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
        (tx.now, json.dumps(list(ids))),
    )


def leave(
    tx: Transaction,
    place: tuple[int, str],
    number: int,
    times: tuple[int, int],
    note: RevisionNote,
    *,
    fields: str | None = None,
    value: str | None = None,
    checksum: int | None = None,
) -> None:
    """Add a revision of the item at *place*, the number of its namespace and its key.

    *times* are the item's; *value* is that of a state that is over.
    """
    created_at, time = times
    tx.execute(
        "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *place, number, time, created_at, note.action, note_text(note), fields, value,
            checksum,
        ),
    )  # fmt: skip
