"""Operations of a batch: those beyond LangGraph's own, their answers, and all as prepared. Pure.

What is prepared is checked, and all was done for it that needs no database (see `prepared`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from langgraph.store.base import (
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    SearchItem,
    SearchOp,
)
from numpy.typing import NDArray

from longterm.effects.capabilities import Keep, RevisionNote, RevisionRow
from longterm.stores.filters import Condition
from longterm.stores.rows import Encoded, Row

__all__ = [
    "CHANGES",
    "AddRevisions",
    "AddRows",
    "Answer",
    "Erase",
    "EraseItems",
    "Expected",
    "ExplainOp",
    "ExplainedItem",
    "Explanation",
    "FindItems",
    "FindStates",
    "GetRevisions",
    "HybridColumns",
    "HybridColumnsOp",
    "HybridHit",
    "HybridSearchOp",
    "Indexed",
    "ListNamespaces",
    "ListRevisions",
    "Operation",
    "PageRevisions",
    "Prepared",
    "PruneRevisions",
    "PruneRows",
    "PutIf",
    "PutNoted",
    "ReadItem",
    "ReadRevisions",
    "Recording",
    "ReplaceNotes",
    "RewriteNotes",
    "Scrub",
    "ScrubFile",
    "SearchAsOf",
    "Stats",
    "WriteItem",
]


class PutIf(NamedTuple):
    """Put, if the item was not written since it was read; `None`: if it does not exist.

    Otherwise the whole batch fails with a `ConflictError`. Answers the item as written, or
    None where *value* is None, which deletes, or the item is not *wanted*.
    """

    namespace: tuple[str, ...]
    key: str
    value: Mapping[str, Any] | None
    expected_updated_at: datetime | None
    index: Literal[False] | list[str] | None = None  # pyright: ignore[reportIncompatibleMethodOverride]
    ttl: float | None = None
    wanted: bool = True


class HybridSearchOp(NamedTuple):
    """Search, and answer each signal's own scores instead of one: `HybridSearch` says how."""

    namespace_prefix: tuple[str, ...]
    text_query: str
    filter: dict[str, Any] | None = None
    limit: int = 100
    vector_query: str | None = None
    neighbors: int = 0
    full_scan_limit: int = 0
    exact: bool = False


class HybridColumnsOp(NamedTuple):
    """Answer *search* in columns: `ColumnSearch` says how."""

    search: HybridSearchOp


class ExplainOp(NamedTuple):
    """Search, and answer how each score came about."""

    search: SearchOp


class PutNoted(NamedTuple):
    """`PutIf`, leaving a revision, which is the answer: `Revisions.put_all_noted` says how."""

    put: PutOp
    expected_updated_at: datetime | None
    note: RevisionNote
    keep: Keep = None


class GetRevisions(NamedTuple):
    """Revisions of one item, oldest first."""

    namespace: tuple[str, ...]
    key: str


class ListRevisions(NamedTuple):
    """A page of the revisions at and below a prefix."""

    namespace_prefix: tuple[str, ...]
    after: RevisionRow | None = None
    limit: int = 1000


class SearchAsOf(NamedTuple):
    """Search among the items as they were at a time: `Revisions.search_as_of` says how."""

    search: SearchOp
    time: datetime
    key: str | None = None
    exact: bool = False


class AddRevisions(NamedTuple):
    """Add exported rows; answers how many."""

    rows: tuple[RevisionRow, ...]


class PruneRevisions(NamedTuple):
    """Drop what is not kept at and below a prefix; answers how many rows."""

    namespace_prefix: tuple[str, ...]
    keep: Keep


class ReplaceNotes(NamedTuple):
    """Put other notes in the place of those of an item's revisions, by number."""

    namespace: tuple[str, ...]
    key: str
    notes: Mapping[int, RevisionNote]
    #: Whether the last bytes of the former ones go now; if not, a `Scrub` follows.
    scrub: bool = True


class Erase(NamedTuple):
    """Remove for good, one item or all at and below a prefix; answers counts by place."""

    namespace_prefix: tuple[str, ...]
    key: str | None = None
    #: Who stands in the revision that says so; None for no such mark.
    actor: str | None = "user"
    #: Whether the last bytes go now; if not, a `Scrub` follows.
    scrub: bool = True


class Scrub(NamedTuple):
    """Rewrite a file, so that no byte stays of what was erased; answers nothing."""


class HybridHit(NamedTuple):
    """An item that a signal found: raw BM25, raw cosine, None where that one did not find it."""

    encoded: Row
    bm25: float | None
    cosine: float | None

    @property
    def item(self) -> Item:
        """The item, decoded anew each time."""
        return self.encoded.decode()

    @property
    def sealed(self) -> Row:
        """The name of `encoded` in the first release."""
        return self.encoded


@dataclass(frozen=True, slots=True, eq=False)
class HybridColumns:
    """What the signals found, side by side: raw BM25, 0 without a match, and raw cosines."""

    encoded: Sequence[Row]
    bm25: NDArray[np.float32]
    #: NaN without a vector.
    cosines: NDArray[np.float32]
    #: By which the best come first.
    score: NDArray[np.float32]

    def best_first(self) -> list[int]:
        """Return the places of all, best fused score first."""
        return np.argsort(-self.score, kind="stable").tolist()

    def hits(self) -> list[HybridHit]:
        """Return a hit for each, best first."""
        order = self.best_first()
        bm25: list[float] = self.bm25[order].tolist()
        cosines: list[float] = self.cosines[order].tolist()
        return list(
            map(
                HybridHit,
                map(self.encoded.__getitem__, order),
                [one or None for one in bm25],
                [None if one != one else one for one in cosines],  # noqa: PLR0124 - NaN
            )
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """What each signal contributed to a score; *text* and *vector* add up to it.

    None where the signal took no part or did not find the item.
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


@dataclass(frozen=True, slots=True)
class Stats:
    """How much a store holds, and of what."""

    #: Items, expired ones included until they are swept.
    items: int
    namespaces: int
    #: Texts that have a vector.
    vectors: int
    #: The embedding model of the vectors and their length, None while there are none.
    model: str | None
    dims: int | None
    #: Size of the file and its log; of the whole database where it is in memory.
    file_bytes: int
    #: Memory that the search caches take.
    cache_bytes: int
    #: The version of the schema.
    schema: int
    #: What items were, and that some were deleted or erased.
    revisions: int = 0
    #: Items whose vectors are still to be made.
    pending: int = 0
    #: Items that are found by terms of an older tokenizer until their index is made again.
    outdated: int = 0


Operation = (
    Op
    | PutIf
    | HybridSearchOp
    | HybridColumnsOp
    | ExplainOp
    | PutNoted
    | GetRevisions
    | ListRevisions
    | SearchAsOf
    | AddRevisions
    | PruneRevisions
    | ReplaceNotes
    | Erase
    | Scrub
)
Answer = (
    Item
    | list[Item]
    | list[SearchItem]
    | Sequence[HybridHit]
    | HybridColumns
    | list[tuple[str, ...]]
    | RevisionRow
    | list[RevisionRow]
    | dict[str, int]
    | int
    | None
)


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
    #: Texts that get theirs after the item was written.
    late_texts: tuple[str, ...] = ()


class Expected(NamedTuple):
    """What a conditional write insists on: when the item was written last, None for never."""

    updated_at: int | None
    #: Whether it answers the item as written.
    answers: bool = True


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
