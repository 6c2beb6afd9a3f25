"""Writing items inside a transaction, many at once.

Writers lock the rows of their namespaces first, in the order of their names, and keep them to
the end: so those of one namespace take turns, no deadlock arises, and what is read after
the lock cannot change before the commit.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from langgraph.store.base import Item

from longterm.effects.capabilities import Keep, RevisionNote, RevisionRow
from longterm.errors import ConflictError, StoreError
from longterm.stores.operations import AddRows, Recording, WriteItem
from longterm.stores.postgres.indexing import NewVectors, index_items, term_array, term_numbers
from longterm.stores.postgres.items import Session, as_text, delete_items, unnested
from longterm.stores.postgres.revisions import KeyPlace, NewRevision, RevisionTable, end_items
from longterm.stores.rows import (
    decode,
    encode,
    from_column,
    micros,
    moment,
    to_column,
    to_labels,
    to_path,
)

__all__ = ["ItemWriter", "lock_paths"]

#: Longer values are filtered in Python only.
_LONGEST_DOCUMENT = 2**20
# JSONB has no NUL; a number of more digits than it can hold is rather one for Python.
_UNFIT = re.compile(r"\\u0000|\d{300}")


class _CurrentItem(NamedTuple):
    """What a write must know of the item that is there, and of its last revision."""

    id: int | None = None
    created_at: int = 0
    updated_at: int | None = None
    is_expired: bool = False
    last: int | None = None
    last_time: int = 0


@dataclass(frozen=True, slots=True)
class _ItemChange:
    """One item on its way into the tables, or (no *encoded*) out of them."""

    op: WriteItem
    place: KeyPlace
    known: _CurrentItem
    created_at: int
    updated_at: int

    @property
    def recording(self) -> Recording | None:
        """What is noted of it: also unasked, of an item that has a history."""
        if self.op.recording is not None or self.known.last is None:
            return self.op.recording
        action = "changed" if self.known.id is not None else "created"
        return Recording(RevisionNote("deleted" if self.op.encoded is None else action, "user"))

    @property
    def number(self) -> int:
        """Number of its revision; one before it stands for an item without a history."""
        return (self.known.last or (0 if self.known.id is None else 1)) + 1

    @property
    def item(self) -> Item | None:
        """What was put."""
        if self.op.encoded is None:
            return None
        return Item(
            namespace=to_labels(self.op.path),
            key=from_column(self.op.key),
            value=decode(self.op.encoded.text),
            created_at=moment(self.created_at),
            updated_at=moment(self.updated_at),
        )


def lock_paths(session: Session, paths: Iterable[str], *, make: Iterable[str]) -> dict[str, int]:
    """Lock namespaces for this transaction; those to *make* are made. Their numbers."""
    wanted = sorted(set(map(as_text, paths)))
    # More than once, because an empty namespace may be deleted while we wait for it.
    for _ in range(10):
        numbers = dict(
            session.rows(
                "SELECT path, id FROM namespaces WHERE tenant = current_tenant() "
                "AND path = ANY (%s::text[]) ORDER BY path FOR NO KEY UPDATE",
                (wanted,),
            )
        )
        missing = sorted(set(map(as_text, make)) - numbers.keys())
        if not missing:
            return numbers
        session.run(
            "INSERT INTO namespaces (path) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING",
            (missing,),
        )
    raise StoreError("The namespace is deleted again and again by others. Nothing was written.")


class ItemWriter:
    """Writes and deletes items whose namespaces are locked; *namespaces* has their numbers."""

    def __init__(
        self, session: Session, namespaces: Mapping[str, int], vectors: NewVectors
    ) -> None:
        self._session, self._namespaces, self._vectors = session, namespaces, vectors
        self._revisions = RevisionTable(session)

    def write(self, ops: Sequence[WriteItem]) -> list[Item | RevisionRow | None]:
        """Carry out *ops*, no two of which concern the same item.

        Answers the revision where one was asked for, else the item that was put.
        """
        known = self._known([(op.path, op.key) for op in ops])
        changes = [
            self._change(op, known.get(_item_name(op.path, op.key), _CurrentItem())) for op in ops
        ]
        made = [change for change in changes if change is not None]
        recorded = [change for change in made if change.recording is not None]
        over = [change.place for change in recorded if change.known.id is not None]
        if over:
            self._revisions.close_last(over)
        gone = [
            (change.place[0], change.known.id)
            for change in made
            if change.op.encoded is None and change.known.id is not None
        ]
        delete_items(self._session, gone)
        self._put(made)
        self._leave(recorded)
        return [None if change is None else _written_answer(change) for change in changes]

    def add(self, op: AddRows) -> int:
        """Add exported revisions of items that are not here, and the items; how many rows."""
        of_item: dict[tuple[str, str], list[RevisionRow]] = {}
        for row in op.rows:
            of_item.setdefault((to_path(row.namespace), to_column(row.key)), []).append(row)
        known = self._known(list(of_item))
        revisions: list[NewRevision] = []
        changes: list[_ItemChange] = []
        for name, rows in of_item.items():
            found = known.get(_item_name(*name), _CurrentItem())
            if found.id is not None or found.last is not None:
                continue
            place = (self._namespaces[as_text(name[0])], as_text(name[1]))
            texts = [None if row.value is None else encode(row.value).text for row in rows[:-1]]
            revisions += [
                NewRevision(
                    *place, row.number, micros(row.time), micros(row.created_at), row.note,
                    value=text,
                )
                for row, text in zip(rows, [*texts, None], strict=True)
            ]  # fmt: skip
            times = (micros(rows[-1].created_at), micros(rows[-1].time))
            changes.append(_ItemChange(op.items[name], place, found, *times))
        self._put(changes)
        self._revisions.leave(revisions)
        return len(revisions)

    def _known(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], _CurrentItem]:
        """Read what is there; what has expired and is hidden is ended, as another item."""
        numbers = {number: path for path, number in self._namespaces.items()}
        wanted = [
            (self._namespaces[path], key)
            for path, key in (_item_name(*name) for name in names)
            if path in self._namespaces
        ]
        found = self._session.rows(_KNOWN, (self._session.now, *unnested(wanted, 2)))
        known = {(numbers[namespace], key): _CurrentItem(*row) for namespace, key, *row in found}
        if not self._session.hides_expired:
            return known
        hidden = {name: item for name, item in known.items() if item.is_expired and item.id}
        if hidden:
            places = [(self._namespaces[path], item.id or 0) for (path, _), item in hidden.items()]
            end_items(
                self._session, places, {(self._namespaces[path], key) for path, key in hidden}
            )
            return self._known(names)
        return known

    def _change(self, op: WriteItem, known: _CurrentItem) -> _ItemChange | None:
        if op.expected is not None and op.expected.updated_at != known.updated_at:
            raise ConflictError(
                f"{from_column(op.key)!r} in {to_labels(op.path)} was {_expiry(known.updated_at)}; "
                f"expected was that it was {_expiry(op.expected.updated_at)}. Nothing of the batch "
                "was written: read it again and apply the change to what it is now."
            )
        if op.encoded is None and known.id is None:
            return None
        # Never twice the same time, so that a time names one state of the item.
        before = max(known.updated_at or 0, known.last_time)
        now = max(self._session.now, before + 1) if before else self._session.now
        created_at = now if known.id is None else known.created_at
        path, key = _item_name(op.path, op.key)
        return _ItemChange(op, (self._namespaces[path], key), known, created_at, now)

    def _put(self, changes: Sequence[_ItemChange]) -> None:
        session = self._session
        rows: list[tuple[object, ...]] = []
        for change in changes:
            op, encoded = change.op, change.op.encoded
            if encoded is None:
                continue
            terms = term_numbers(op.found_by.terms)
            is_short = len(encoded.text) <= _LONGEST_DOCUMENT
            fits_jsonb = encoded.plain and is_short and not _UNFIT.search(encoded.text)
            rows.append((
                *change.place, change.created_at, change.updated_at,
                None if op.ttl is None else session.now + op.ttl, op.ttl,
                len(terms), term_array(terms), op.found_by.terms, op.fields, encoded.text,
                encoded.text if fits_jsonb else None,
            ))  # fmt: skip
        if not rows:
            return
        numbers = {
            (namespace, key): number
            for namespace, key, number in session.rows(_UPSERT, unnested(rows, 12))
        }
        put = [change for change in changes if change.op.encoded is not None]
        places = [(change.place[0], numbers[change.place]) for change in put]
        index_items(session, places, [change.op.found_by for change in put], self._vectors)
        marks = [
            (*place, self._vectors.writer)
            for place, change in zip(places, put, strict=True)
            if change.op.later
        ]
        if marks:
            session.run(
                "INSERT INTO late_vectors "
                "SELECT *, 0 FROM unnest(%s::int[], %s::bigint[], %s::bigint[])",
                unnested(marks, 3),
            )

    def _leave(self, changes: Sequence[_ItemChange]) -> None:
        if not changes:
            return
        by_keep: dict[Keep, list[KeyPlace]] = {}
        revisions: list[NewRevision] = []
        for change in changes:
            recording = change.recording or Recording(RevisionNote("changed", "user"))
            by_keep.setdefault(recording.keep, []).append(change.place)
            revisions.append(
                NewRevision(
                    *change.place, change.number, change.updated_at, change.created_at,
                    recording.note, change.op.fields,
                )
            )  # fmt: skip
        self._revisions.leave(revisions)
        for keep, places in by_keep.items():
            self._revisions.prune_some(places, keep)


def _written_answer(change: _ItemChange) -> Item | RevisionRow | None:
    item, recording = change.item, change.op.recording
    if recording is None:
        return item
    return RevisionRow(
        to_labels(change.op.path),
        from_column(change.op.key),
        change.number,
        recording.note,
        None if item is None else item.value,
        moment(change.updated_at),
        moment(change.created_at),
    )


def _item_name(path: str, key: str) -> tuple[str, str]:
    return as_text(path), as_text(key)


def _expiry(updated_at: int | None) -> str:
    return "absent" if updated_at is None else f"written at {moment(updated_at).isoformat()}"


_KNOWN = """
SELECT w.namespace, w.key, i.id, coalesce(i.created_at, 0), i.updated_at,
    coalesce(i.expires_at <= %s, false), r.number, coalesce(r.time, 0)
FROM unnest(%s::int[], %s::text[]) AS w (namespace, key)
LEFT JOIN items i ON i.namespace = w.namespace AND i.key = w.key
LEFT JOIN LATERAL (
    SELECT number, time FROM revisions
    WHERE namespace = w.namespace AND key = w.key ORDER BY number DESC LIMIT 1
) r ON true
"""
_UPSERT = """
INSERT INTO items (namespace, key, revision, created_at, updated_at, expires_at, ttl, length,
    terms, hashes, fields, value, document, generation)
SELECT namespace, key, nextval('revision'), created_at, updated_at, expires_at, ttl, length,
    terms::int[], hashes, fields, value, document::jsonb, (SELECT generation FROM state)
FROM unnest(%s::int[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::int[], %s::text[], %s::bytea[], %s::text[], %s::text[], %s::text[])
    AS w (namespace, key, created_at, updated_at, expires_at, ttl, length, terms, hashes, fields,
    value, document)
ON CONFLICT (namespace, key) DO UPDATE SET
    revision = excluded.revision, updated_at = excluded.updated_at,
    expires_at = excluded.expires_at, ttl = excluded.ttl, length = excluded.length,
    terms = excluded.terms, hashes = excluded.hashes, fields = excluded.fields,
    value = excluded.value, document = excluded.document, generation = excluded.generation
RETURNING namespace, key, id
"""
