"""One transaction: reading items and namespaces, and what every operation shares.

Nothing here begins, commits or retries; `PostgresPool` does. Statements name tables without
their schema, which the search path of the transaction knows.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.store.base import Item
from psycopg import Connection

from longterm.stores.filters import EVERYTHING, Condition, holds
from longterm.stores.operations import FindItems, ListNamespaces, ReadItem
from longterm.stores.postgres.binary import place_arrays
from longterm.stores.postgres.conditions import condition_sql
from longterm.stores.rows import Row, below, decode, listed, to_labels

__all__ = [
    "Place",
    "Session",
    "as_text",
    "delete_items",
    "fetch_rows",
    "holds_now",
    "inside_path",
    "latest_rows",
    "list_paths",
    "paths_inside",
    "prolong",
    "read_item",
    "unnested",
]  # fmt: skip

#: An item, by the numbers of its namespace and of itself.
Place = tuple[int, int]

_PAGE = 16
ROW = (
    "SELECT i.id, n.path, i.key, i.value, i.created_at, i.updated_at, i.ttl, i.revision "
    "FROM items i JOIN namespaces n ON n.id = i.namespace"
)


@dataclass(frozen=True, slots=True)
class Session:
    """A connection inside a transaction, and the time it takes place."""

    connection: Connection[Any]
    now: int = 0
    hides_expired: bool = False
    has_vectors: bool = False
    #: Items, by path and number, that were read and whose lives that prolongs.
    touched: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and fetch what it answers."""
        return self.connection.execute(statement.encode(), parameters or None).fetchall()

    def packed(self, statement: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
        """Run a statement that answers one row, and fetch it in binary form."""
        cursor = self.connection.execute(statement.encode(), parameters, binary=True)
        return cursor.fetchall()[0]

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement that answers nothing; how many rows it concerned."""
        return self.connection.execute(statement.encode(), parameters or None).rowcount

    @property
    def alive(self) -> tuple[str, tuple[int, ...]]:
        """SQL that says an item may be shown, and its parameters."""
        if not self.hides_expired:
            return "true", ()
        return "(i.expires_at IS NULL OR i.expires_at > %s)", (self.now,)

    def touch(self, row: Row) -> None:
        """Remember to prolong the life of an item that was read."""
        if row.ttl is not None:
            self.touched.add((row.path, row.id))


def as_text(text: str) -> str:
    """Escape the NUL of a key or path, which PostgreSQL lacks; `names.from_column` undoes it."""
    return text.replace("\0", "\U0010ffff000000")


def inside_path(
    path: str, *, exact: bool = False, empty: bool = False
) -> tuple[str, tuple[str, ...]]:
    """Say in SQL that a row of `namespaces n` is *path* or below it, and of this tenant.

    With *exact* only the path itself; with *empty* namespaces that hold no item as well.
    """
    mine = "n.tenant = current_tenant()" + ("" if empty else " AND n.items > 0")
    path = as_text(path)
    if exact:
        return f"{mine} AND n.path = %s", (path,)
    if not path:
        return mine, ()
    # The first two conditions follow from the third, and are one range of the index.
    start, end = below(path)
    return (
        f"{mine} AND n.path >= %s AND n.path < %s AND (n.path = %s OR n.path > %s)",
        (path, end, path, start),
    )


def delete_items(session: Session, places: Sequence[Place]) -> None:
    """Delete items; triggers look after what they are found by."""
    if not places:
        return
    session.run(
        "DELETE FROM items i USING unnest(%s::int[], %s::bigint[]) AS w (namespace, id) "
        "WHERE i.namespace = w.namespace AND i.id = w.id",
        place_arrays(places),
    )


def read_item(session: Session, op: ReadItem) -> Item | None:
    """One item, or None."""
    alive, parameters = session.alive
    found = session.rows(
        f"{ROW} WHERE n.tenant = current_tenant() AND n.path = %s AND i.key = %s AND {alive}",
        (as_text(op.path), as_text(op.key), *parameters),
    )
    if not found:
        return None
    row = Row(*found[0])
    if op.refresh:
        session.touch(row)
    return row.decode()


def paths_inside(session: Session, path: str) -> set[str]:
    """Look up the namespaces at and below a path, empty ones as well."""
    inside, parameters = inside_path(path, empty=True)
    rows = session.rows(f"SELECT n.path FROM namespaces n WHERE {inside}", parameters)
    return {found for (found,) in rows}


def list_paths(session: Session, op: ListNamespaces) -> list[tuple[str, ...]]:
    """List the namespaces that hold an item."""
    alive, parameters = session.alive
    inside, _ = inside_path("")
    exists = f" AND EXISTS (SELECT 1 FROM items i WHERE i.namespace = n.id AND {alive})"
    paths = session.rows(
        f"SELECT n.path FROM namespaces n WHERE {inside}{exists if parameters else ''}",
        parameters,
    )
    return listed((to_labels(path) for (path,) in paths), op.op)


def fetch_rows(
    session: Session,
    places: Sequence[Place],
    condition: Condition,
    paths: Mapping[int, str],
    *,
    with_terms: bool = False,
) -> dict[Place, Row]:
    """Those of the items that may be shown and are as *condition* says.

    *paths* are those of the namespaces, by their numbers. *with_terms* brings the terms along
    that the items are found by.
    """
    wanted, (alive, parameters) = condition_sql(condition), session.alive
    terms = "i.fields, i.hashes" if with_terms else "NULL, NULL"
    found = session.rows(
        "SELECT i.namespace, i.id, i.key, i.value, i.created_at, i.updated_at, i.ttl, i.revision, "
        f"NULL, {terms} FROM unnest(%s::int[], %s::bigint[]) AS w (namespace, id) "
        "JOIN items i ON i.namespace = w.namespace AND i.id = w.id "
        f"WHERE {alive} AND {wanted.text}",
        (*place_arrays(places), *parameters, *wanted.parameters),
    )
    rows = {
        (namespace, number): Row(number, paths[namespace], *row)
        for namespace, number, *row in found
    }
    return {place: row for place, row in rows.items() if holds_now(condition, row)}


def latest_rows(
    session: Session, op: FindItems, *, without: Collection[int] = (), skip: int = 0
) -> Iterator[Row]:
    """Walk through the items below a path that are as the operation says, latest first.

    The first *skip*, whether they are so or not, are passed over.
    """
    wanted, (alive, parameters) = condition_sql(op.condition), session.alive
    inside, paths = inside_path(op.path)
    before, size = 2**63 - 1, max(op.offset - skip + op.limit, _PAGE)
    statement = (
        f"{ROW} WHERE {inside} AND i.revision < %s AND NOT (i.id = ANY (%s::bigint[])) "
        f"AND {alive} AND {wanted.text} ORDER BY i.revision DESC LIMIT %s OFFSET %s"
    )
    while page := session.rows(
        statement, (*paths, before, list(without), *parameters, *wanted.parameters, size, skip)
    ):
        rows = [Row(*row) for row in page]
        yield from (row for row in rows if holds_now(op.condition, row))
        before, size, skip = rows[-1].revision, min(size * 4, 4096), 0


def prolong(session: Session) -> None:
    """Prolong the lives of what was read; an item that is being written gets a new one anyway.

    A read-only server prolongs none.
    """
    if session.rows("SHOW transaction_read_only") == [("on",)]:
        return
    paths, ids = unnested(sorted(session.touched), 2)
    session.run(
        "WITH mine AS (SELECT i.namespace, i.id FROM unnest(%s::text[], %s::bigint[]) AS w "
        "(path, id) JOIN namespaces n ON n.tenant = current_tenant() AND n.path = w.path "
        "JOIN items i ON i.namespace = n.id AND i.id = w.id "
        "FOR NO KEY UPDATE OF i SKIP LOCKED) "
        "UPDATE items i SET expires_at = %s + i.ttl FROM mine "
        "WHERE i.namespace = mine.namespace AND i.id = mine.id AND i.ttl IS NOT NULL",
        (paths, ids, session.now),
    )


def unnested(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Turn rows into columns, which PostgreSQL unnests side by side."""
    return [[row[place] for row in rows] for place in range(width)]


def holds_now(condition: Condition, row: Row) -> bool:
    """Whether an item is as *condition* says."""
    return condition == EVERYTHING or holds(condition, decode(row.value))
