"""Revisions inside a transaction: leaving, reading, pruning and ending them.

An item and its last revision stand for one state, which is kept once: with the item. When the
item is written again its value moves into that revision, and a new one, without a value, takes
its place.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from longterm.effects.capabilities import Keep, RevisionNote, RevisionRow
from longterm.stores.operations import (
    EraseItems,
    FindStates,
    PageRevisions,
    PruneRows,
    ReadRevisions,
    RewriteNotes,
)
from longterm.stores.postgres.items import (
    Place,
    Session,
    as_text,
    delete_items,
    inside_path,
    unnested,
)
from longterm.stores.rows import BEFORE, EXPIRED, Row, note_text, revision_row

__all__ = ["KeyPlace", "NewRevision", "RevisionTable", "end_items"]

#: Namespace number and key.
KeyPlace = tuple[int, str]

_MICROSECOND = timedelta(microseconds=1)
_COLUMNS = (
    "n.path, r.key, r.number, r.action, r.note, coalesce(r.value, i.value), r.time, r.created_at"
)
# Only the last revision has no value of its own, and only while the item is there.
_FROM = (
    "FROM revisions r JOIN namespaces n ON n.id = r.namespace "
    "LEFT JOIN items i ON i.namespace = r.namespace AND i.key = r.key AND i.updated_at = r.time"
)
_PLACES = "unnest(%s::int[], %s::text[]) AS w (namespace, key)"


class NewRevision(NamedTuple):
    """A revision to add; *value* is that of a state that is over."""

    namespace: int
    key: str
    number: int
    time: int
    created_at: int
    note: RevisionNote
    fields: str | None = None
    value: str | None = None


class RevisionTable:
    """The revisions that one transaction sees; those that change them hold their namespaces."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- leaving them ---

    def close_last(self, places: Sequence[KeyPlace]) -> None:
        """Give the last revision of items that are about to change what they are now.

        Items that have none get one.
        """
        self._session.run(
            "UPDATE revisions r SET value = i.value FROM "
            f"{_PLACES} JOIN items i ON i.namespace = w.namespace AND i.key = w.key "
            "WHERE r.namespace = i.namespace AND r.key = i.key AND r.time = i.updated_at "
            "AND r.value IS NULL",
            unnested(places, 2),
        )
        self._session.run(
            "INSERT INTO revisions (namespace, key, number, time, created_at, action, note, fields,"
            " value) SELECT i.namespace, i.key, 1, i.updated_at, i.created_at, %s, %s, i.fields, "
            f"i.value FROM {_PLACES} JOIN items i ON i.namespace = w.namespace AND i.key = w.key "
            "WHERE NOT EXISTS (SELECT FROM revisions r WHERE r.namespace = i.namespace "
            "AND r.key = i.key)",
            (BEFORE.action, note_text(BEFORE), *unnested(places, 2)),
        )

    def leave(self, revisions: Sequence[NewRevision]) -> None:
        """Add revisions."""
        rows = [
            (
                one.namespace, one.key, one.number, one.time, one.created_at, one.note.action,
                note_text(one.note), one.fields, one.value,
            )
            for one in revisions
        ]  # fmt: skip
        self._session.run(
            "INSERT INTO revisions (namespace, key, number, time, created_at, action, note, fields,"
            " value) SELECT * FROM unnest(%s::int[], %s::text[], %s::int[], %s::bigint[], "
            "%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])",
            unnested(rows, 9),
        )

    # --- reading them ---

    def of_item(self, op: ReadRevisions) -> list[RevisionRow]:
        """Read the revisions of one item, oldest first."""
        rows = self._session.rows(
            f"SELECT {_COLUMNS} {_FROM} WHERE n.tenant = current_tenant() AND n.path = %s "
            "AND r.key = %s ORDER BY r.number",
            (as_text(op.path), as_text(op.key)),
        )
        return [revision_row(row) for row in rows]

    def page(self, op: PageRevisions) -> list[RevisionRow]:
        """Read a page of all revisions at and below a path."""
        inside, paths = inside_path(op.path, empty=True)
        path, key, number = op.after
        rows = self._session.rows(
            f"SELECT {_COLUMNS} {_FROM} WHERE {inside} AND (n.path, r.key, r.number) > "
            "(%s, %s, %s) ORDER BY n.path, r.key, r.number LIMIT %s",
            (*paths, as_text(path), as_text(key), number, op.limit),
        )
        return [revision_row(row) for row in rows]

    def states(self, op: FindStates) -> list[tuple[Row, str | None]]:
        """Read the items as they were, each with what of it was indexed; in no order.

        Values are not filtered yet.
        """
        alive, now = self._session.alive
        inside, paths = inside_path(op.find.path, empty=True, exact=op.find.exact)
        keys = "" if op.key is None else as_text(op.key)
        only = ("true", ()) if op.key is None else ("{}.key = %s", (keys,))
        rows = self._session.rows(
            "WITH past AS (SELECT DISTINCT ON (r.namespace, r.key) r.namespace, n.path, r.key, "
            "r.time, r.created_at, r.fields, r.value FROM revisions r JOIN namespaces n "
            f"ON n.id = r.namespace WHERE {inside} AND {only[0].format('r')} AND r.time <= %s "
            "ORDER BY r.namespace, r.key, r.number DESC) "
            "SELECT p.path, p.key, coalesce(p.value, i.value), p.created_at, p.time, p.fields "
            "FROM past p LEFT JOIN items i ON i.namespace = p.namespace AND i.key = p.key "
            f"AND i.updated_at = p.time AND {alive} WHERE coalesce(p.value, i.value) IS NOT NULL "
            "UNION ALL "
            "SELECT n.path, i.key, i.value, i.created_at, i.updated_at, i.fields FROM items i "
            f"JOIN namespaces n ON n.id = i.namespace WHERE {inside} AND {only[0].format('i')} "
            f"AND i.updated_at <= %s AND {alive} AND NOT EXISTS (SELECT FROM revisions r "
            "WHERE r.namespace = i.namespace AND r.key = i.key)",
            (*paths, *only[1], op.time, *now, *paths, *only[1], op.time, *now),
        )
        return [
            (Row(0, path, key, value, created_at, time, None, time), fields)
            for path, key, value, created_at, time, fields in rows
        ]

    # --- pruning them ---

    def prune_some(self, places: Sequence[KeyPlace], keep: Keep) -> None:
        """Drop what *keep* does not allow of some items, but never the last."""
        if keep is not None:
            self._drop(keep, f"SELECT * FROM {_PLACES}", unnested(places, 2))

    def prune(self, op: PruneRows) -> int:
        """Drop what is not kept at and below a path; how many."""
        if op.keep is None:
            return 0
        inside, paths = inside_path(op.path, empty=True)
        places = (
            "SELECT DISTINCT r.namespace, r.key FROM revisions r "
            f"JOIN namespaces n ON n.id = r.namespace WHERE {inside}"
        )
        return self._drop(op.keep, places, paths)

    def _drop(self, keep: int | timedelta, places: str, parameters: Sequence[object]) -> int:
        aged, bound = "r.number <= last.number - %s", 0
        if isinstance(keep, timedelta):
            aged, bound = "r.number < last.number AND r.time < %s", self._session.now
        bound = bound - keep // _MICROSECOND if isinstance(keep, timedelta) else keep
        return self._session.run(
            f"WITH last AS (SELECT namespace, key, max(number) AS number FROM ({places}) AS p "
            "JOIN revisions USING (namespace, key) GROUP BY 1, 2) "
            "DELETE FROM revisions r USING last "
            f"WHERE r.namespace = last.namespace AND r.key = last.key AND {aged}",
            (*parameters, bound),
        )

    def rewrite(self, op: RewriteNotes) -> None:
        """Put other notes in the place of those of an item's revisions."""
        for number, note in op.notes.items():
            self._session.run(
                "UPDATE revisions r SET note = %s FROM namespaces n WHERE n.id = r.namespace "
                "AND n.tenant = current_tenant() AND n.path = %s AND r.key = %s AND r.number = %s",
                (note_text(note), as_text(op.path), as_text(op.key), number),
            )

    # --- ending them ---

    def end(self, op: PruneRows | EraseItems) -> int | dict[str, int]:
        """Drop some, or everything of some items; how many."""
        return self.prune(op) if isinstance(op, PruneRows) else self.erase(op)

    def erase(self, op: EraseItems) -> dict[str, int]:
        """Remove items for good, and leave that an actor erased them; counts by place."""
        inside, paths = inside_path(op.path, empty=True, exact=op.key is not None)
        keyed, keys = ("", ()) if op.key is None else (" AND key = %s", (as_text(op.key),))
        where = f"namespace IN (SELECT n.id FROM namespaces n WHERE {inside}){keyed}"
        items = self._session.rows(
            f"SELECT namespace, id, key, length > 0 FROM items WHERE {where}", (*paths, *keys)
        )
        revisions = self._session.rows(
            f"SELECT namespace, key FROM revisions WHERE {where} AND action <> 'erased'",
            (*paths, *keys),
        )
        vectors = self._count_vectors([(namespace, number) for namespace, number, *_ in items])
        end_items(
            self._session,
            [(namespace, number) for namespace, number, *_ in items],
            {(namespace, key) for namespace, _, key, _ in items} | set(revisions),
            None if op.actor is None else RevisionNote("erased", op.actor),
        )
        return {
            "items": len(items),
            "revisions": len(revisions),
            "vectors": vectors,
            "texts": sum(has_terms for *_, has_terms in items),
        }

    def _count_vectors(self, places: Sequence[Place]) -> int:
        if not self._session.has_vectors:
            return 0
        return sum(
            self._session.rows(
                f"SELECT count(*) FROM {table} v JOIN unnest(%s::int[], %s::bigint[]) "
                "AS w (namespace, item) ON v.namespace = w.namespace AND v.item = w.item "
                "WHERE v.model IN (SELECT id FROM models)",
                unnested(places, 2),
            )[0][0]
            for table in ("vectors", "wide_vectors")
        )


def end_items(
    session: Session,
    places: Sequence[Place],
    keys: set[KeyPlace],
    note: RevisionNote | None = EXPIRED,
) -> None:
    """Delete items, and put one revision without content, or none, in place of all of theirs."""
    delete_items(session, places)
    named = unnested(sorted(keys), 2)
    last = session.rows(
        f"SELECT w.namespace, w.key, coalesce(max(r.number), 0), coalesce(max(r.time), 0) "
        f"FROM {_PLACES} LEFT JOIN revisions r ON r.namespace = w.namespace AND r.key = w.key "
        "GROUP BY 1, 2",
        named,
    )
    session.run(
        f"DELETE FROM revisions r USING {_PLACES} "
        "WHERE r.namespace = w.namespace AND r.key = w.key",
        named,
    )
    ends = [
        NewRevision(namespace, key, number + 1, at, at, note)
        for namespace, key, number, time in last
        if note is not None and (number or note != EXPIRED)
        for at in (max(session.now, time + 1),)
    ]
    RevisionTable(session).leave(ends)
