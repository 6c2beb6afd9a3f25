"""Writing: many items at once leave what they leave one by one."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langgraph.store.base import PutOp

from longterm.effects.capabilities import EmbedLater, RevisionNote
from longterm.errors import ConflictError
from longterm.stores import EmbeddedStore
from longterm.stores.embedding import StoreIndex

READ = {
    "state": "SELECT * FROM state",
    "namespaces": "SELECT * FROM namespaces",
    "items": "SELECT * FROM items",
    "terms": "SELECT * FROM terms",
    "vectors": "SELECT * FROM vectors",
    "late_vectors": "SELECT item, namespace FROM late_vectors",
    "removals": "SELECT * FROM removals",
}
NEVER: list[datetime | None] = [None] * 6


def puts(prefix: str = "") -> list[PutOp]:
    """Six items in two namespaces, found by different fields, one for an hour, one by nothing."""
    indexes: list[Any] = [None, ["text"], False, None, None, ["more"]]
    return [
        PutOp(
            ("notes", "ab"[number % 2]),
            f"{prefix}{number}\0ü",
            {"text": "" if number == 4 else f"tea {number} with milk", "more": ("salt", number)},
            index,
            60 if number == 3 else None,
        )
        for number, index in enumerate(indexes)
    ]


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read all that is in a file, but for the number of who makes its vectors."""
    with closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(query).fetchall() for table, query in READ.items()}


def stored(path: Path, index: StoreIndex | None, batches: Sequence[Sequence[PutOp]]) -> Any:
    def clock() -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    with EmbeddedStore(path, index=index, clock=clock) as store:
        for batch in batches:
            store.batch(batch)
        assert store.check() == []
    return contents(path)


@pytest.mark.parametrize("has_vectors", [False, True])
def test_new_items_are_as_if_written_one_by_one(
    tmp_path: Path, index: StoreIndex, *, has_vectors: bool
) -> None:
    own = index if has_vectors else None
    together = stored(tmp_path / "a.db", own, [puts(), puts("more ")])
    alone = stored(tmp_path / "b.db", own, [[op] for op in (*puts(), *puts("more "))])
    assert len(together["items"]) == 12
    assert together == alone


def test_a_number_never_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "numbers.db"
    gone = [PutOp(op.namespace, op.key, None) for op in puts()]
    rows = stored(path, None, [puts(), gone, puts("more ")])
    assert [number for number, *_ in rows["items"]] == [*range(7, 13)]
    assert [number for _, number in rows["removals"]] == [*range(1, 7)]


def test_what_is_there_is_changed_by_a_batch_with_new_items(plain: EmbeddedStore) -> None:
    plain.put(("notes", "a"), "2\0ü", {"text": "old"})
    plain.batch(puts())
    found = plain.search(("notes",), limit=100)
    assert [item.value["text"] for item in found if item.key == "2\0ü"] == ["tea 2 with milk"]
    assert len(found) == 6


def test_the_last_of_two_writes_of_one_item_holds(plain: EmbeddedStore) -> None:
    again = PutOp(("notes", "a"), "0\0ü", {"text": "the last"})
    plain.batch([*puts(), again])
    item = plain.get(("notes", "a"), "0\0ü")
    assert item is not None
    assert item.value == {"text": "the last"}


def test_what_was_read_before_another_wrote_it_is_a_conflict(plain: EmbeddedStore) -> None:
    plain.put(("notes", "b"), "5\0ü", {"text": "another's"})
    with pytest.raises(ConflictError):
        plain.put_all_if(puts(), NEVER)
    assert len(plain.search(("notes",))) == 1


def test_what_was_never_there_cannot_be_changed_as_if_it_were(plain: EmbeddedStore) -> None:
    with pytest.raises(ConflictError):
        plain.put_all_if(puts(), [*NEVER[1:], datetime(2026, 1, 1, tzinfo=UTC)])
    assert plain.search(("notes",)) == []


def test_what_was_deleted_goes_on_with_its_past(plain: EmbeddedStore) -> None:
    op = puts()[0]
    plain.put_all_noted([op], [None], [RevisionNote("created", "user")])
    plain.delete(op.namespace, op.key)
    plain.batch(puts())
    actions = [row.note.action for row in plain.get_revisions(op.namespace, op.key)]
    assert actions == ["created", "deleted", "created"]


def test_items_that_are_written_together_get_their_vectors_later(
    store: EmbeddedStore, path: Path
) -> None:
    later = [op._replace(index=EmbedLater(["text"])) for op in puts()]
    store.put_all_if(later, NEVER)
    store.embed_pending()
    assert len(contents(path)["vectors"]) == 5  # one text is empty
