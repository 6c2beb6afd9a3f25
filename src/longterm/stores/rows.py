"""Rows: items and revisions as they stand in a database, decoded only where looked into. Pure.

A value is JSON text. Everything Python's json writes comes back as it was: NaN, integers of any
size, NUL, lone surrogates. Text that SQLite's own JSON functions might read differently is not
*plain*; the store then looks into it with Python alone.

A namespace is one string, its labels joined by the dot that no label may hold. So everything
below a prefix is one range of strings, and a prefix stops at label boundaries by itself.
"""

import json
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter, eq
from typing import Any, Literal, NamedTuple, Self, TypeVar, cast
from zlib import crc32

from langgraph.store.base import (
    Item,
    ListNamespacesOp,
    MatchCondition,
    SearchItem,
    get_text_at_path,
)
from pydantic_core import from_json, to_json

from longterm.effects.capabilities import ItemColumns, RevisionNote, RevisionRow
from longterm.errors import InvalidInputError, StoreError
from longterm.text.characters import whole_characters

__all__ = [
    "BEFORE",
    "EXPIRED",
    "WHOLE",
    "Encoded",
    "Paths",
    "Row",
    "below",
    "checksum",
    "checksum_of_bytes",
    "decode",
    "encode",
    "fields_as_json",
    "fields_from_json",
    "from_column",
    "leaves",
    "listed",
    "may_share",
    "micros",
    "moment",
    "note_text",
    "revision_row",
    "texts_of",
    "to_column",
    "to_labels",
    "to_path",
    "words_of",
]

T = TypeVar("T")
#: What of a value is indexed, False for nothing.
Paths = Sequence[str] | Literal[False]

# SQLite's text is UTF-8, which has no lone surrogates; they travel behind a marker.
_UNSTORABLE = re.compile("[\ud800-\udfff\U0010ffff]")
_ESCAPED = re.compile("\U0010ffff([0-9a-f]{6})")


def to_path(labels: Sequence[str]) -> str:
    """Join a namespace into one string; the root is the empty string."""
    path = ".".join(labels)
    return path if path.isascii() else ".".join(map(to_column, labels))


@lru_cache(4096)
def to_labels(path: str) -> tuple[str, ...]:
    """Split the string of a namespace into its labels."""
    return tuple(from_column(label) for label in path.split(".")) if path else ()


def to_column(text: str) -> str:
    """Text as SQLite can keep it."""
    if text.isascii():
        return text
    return _UNSTORABLE.sub(lambda found: f"\U0010ffff{ord(found.group()):06x}", text)


def from_column(text: str) -> str:
    """Text as it was before `to_column`."""
    if "\U0010ffff" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)


def below(path: str) -> tuple[str, str]:
    """Bound the namespaces below *path*: from, and up to."""
    return f"{path}.", f"{path}/"  # the slash is the character after the dot


def may_share(path: str, namespace: tuple[str, ...]) -> bool:
    """Whether something may lie both at or below *path* and at or below *namespace*."""
    return all(map(eq, to_labels(path), namespace))


def listed(namespaces: Iterable[tuple[str, ...]], op: ListNamespacesOp) -> list[tuple[str, ...]]:
    """Choose the namespaces that *op* asks for: matched, cut to its depth, sorted, one page."""
    conditions = op.match_conditions or ()
    found = {
        labels[: op.max_depth]
        for labels in namespaces
        if all(_matches(condition, labels) for condition in conditions)
    }
    return sorted(found)[op.offset : op.offset + op.limit]


def _matches(condition: MatchCondition, labels: tuple[str, ...]) -> bool:
    path = condition.path
    if len(labels) < len(path):
        return False
    start = 0 if condition.match_type == "prefix" else len(labels) - len(path)
    return all(wanted in ("*", label) for wanted, label in zip(path, labels[start:], strict=False))


#: Levels of a value. Python and SQLite read a thousand at most, Python less on a deep stack.
_DEEPEST = 500
#: A memory is far smaller; the index of a text this long takes a few hundred megabytes to make.
_MOST_BYTES = 8 * 2**20
#: What every writer of JSON writes alike, where it is too short for a number that none can read.
_TEXT, _FLAT, _SHORT = frozenset({str}), frozenset({str, int, bool, type(None)}), 4_000
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]')


class Encoded(NamedTuple):
    """A value as text, and whether SQLite reads it as Python does."""

    text: str
    plain: bool


def encode(value: Mapping[str, Any]) -> Encoded:
    """Write a value as JSON; what JSON cannot say is an `InvalidInputError`."""
    # So are turns, of which many come at once: in a third of the time.
    if _TEXT.issuperset(map(type, value)) and _FLAT.issuperset(map(type, value.values())):
        with suppress(ValueError):  # half an emoji
            raw = to_json(dict(value))
            if len(raw) <= _SHORT:
                return Encoded(raw.decode(), plain=True)
    plain = True
    try:
        try:
            text = _STRICT.encode(dict(value))
        except ValueError:  # NaN, or what no JSON can say
            text, plain = _LENIENT.encode(dict(value)), False
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidInputError(f"The value cannot be stored as JSON: {exc}") from exc
    if text.count("{") + text.count("[") > _DEEPEST:
        brackets = (found.group() for found in _BRACKETS.finditer(text))
        steps = ((one in ("{", "[")) - (one in ("}", "]")) for one in brackets)
        if max(accumulate(steps)) > _DEEPEST:
            raise InvalidInputError(
                f"The value cannot be stored as JSON: it is nested more than {_DEEPEST} levels deep"
            )
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:  # half an emoji
        text, plain = json.dumps(dict(value), separators=(",", ":")), False
        size = len(text)
    if size > _MOST_BYTES:
        raise InvalidInputError(
            f"A value may be {_MOST_BYTES // 2**20} MB long as JSON, and this one is longer. "
            "Split it over several items, or keep it elsewhere and store where it is."
        )
    return Encoded(text, plain)


_STRICT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_LENIENT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def decode(text: str) -> dict[str, Any]:
    """Read a value from its JSON, a new object each time."""
    try:
        return cast("dict[str, Any]", from_json(text))
    except ValueError:  # half an emoji, deep brackets, or no JSON
        return cast("dict[str, Any]", _read_json(text))


_read_json = json.JSONDecoder().decode


#: The whole value, in LangGraph's language of paths.
WHOLE = "$"


def leaves(value: Any) -> list[str]:
    """Collect the strings and numbers inside *value*, without the names of their fields."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                found.append(text)
            case bool():
                pass
            case int() | float() as number:
                found.append(str(number))
            case {**fields}:
                waiting.extend(reversed(fields.values()))
            case [*parts]:
                waiting.extend(reversed(parts))
            case _:
                pass
    return found


def texts_of(value: Mapping[str, Any], fields: Sequence[str]) -> list[str]:
    """Collect the texts that get a vector each."""
    found = (text for path in fields for text in _at_path(value, path))
    return [whole_characters(text) for text in found if text.strip()]


def words_of(value: Mapping[str, Any], fields: Sequence[str]) -> list[str]:
    """Collect what full text finds an item by; the names of its fields are not among it."""
    return [
        text
        for path in fields
        for text in (leaves(value) if path in ("", WHOLE) else _at_path(value, path))
    ]


def _at_path(value: Mapping[str, Any], path: str) -> list[str]:
    """Collect what LangGraph's stores do, which parse every path again, even a mere name."""
    named = value.get(path) if path.isidentifier() else None
    return [named] if isinstance(named, str) else get_text_at_path(value, path)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: About what a row takes beside its value and its terms.
_BESIDE = 600
_MICROSECOND = timedelta(microseconds=1)


class Row(NamedTuple):
    """An item as it stands in a database; equal rows hold equal items."""

    id: int
    path: str
    key: str
    value: str
    created_at: int
    updated_at: int
    ttl: int | None
    revision: int
    #: What `checksum` made of it when it was written; None where none is kept.
    checksum: int | None = None
    #: What the item is indexed by, as JSON, and the hashes of the terms of that; None where they
    #: were not read, or are none.
    fields: str | None = None
    terms: bytes | None = None
    #: The database, for messages.
    place: str = ""

    def decode(self) -> Item:
        """Make an item as LangGraph knows it, a new one each time.

        Raises `StoreError` where it is not as it was written.
        """
        return self._as(Item)

    def _as(self, kind: Callable[..., T], **more: Any) -> T:
        self.verify()
        created_at = moment(self.created_at)
        is_new = self.updated_at == self.created_at
        return kind(
            namespace=to_labels(self.path),
            key=self.key if self.key.isascii() else from_column(self.key),
            value=decode(self.value),
            created_at=created_at,
            updated_at=created_at if is_new else moment(self.updated_at),
            **more,
        )

    @classmethod
    def decode_columns(cls, items: Sequence[Self]) -> ItemColumns:
        """Decode several as `DecodesColumns` says."""
        for row in items:
            # All of `checksum` here: to call it takes as long as to reckon it.
            said = f"{row.key}\0{row.created_at}\0{row.updated_at}\0{row.value}".encode()
            if row.checksum != crc32(said):
                row.verify()
        try:  # read as one array
            values: list[Any] = from_json(f"[{','.join([row.value for row in items])}]")
        except ValueError:
            values = []
        if len(values) != len(items):  # one of them is not JSON by itself
            values = [decode(row.value) for row in items]
        return ItemColumns(
            [to_labels(row.path) for row in items],
            [row.key if row.key.isascii() else from_column(row.key) for row in items],
            values,
            [row.created_at / 1e6 for row in items],
        )

    def verify(self) -> None:
        """Raise `StoreError` if it is not as it was written."""
        if self.checksum is not None and self.checksum != checksum(
            self.key, self.created_at, self.updated_at, self.value
        ):
            raise StoreError(
                f"An item of {self.place} is damaged: it is not what was written. Keep the file "
                "as it is; store.check() says how much is damaged, and a backup has it whole."
            )

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return self.nbytes_of([self])

    @staticmethod
    def nbytes_of(rows: Collection["Row"]) -> int:
        """About how much memory several take."""
        values = sum(map(sys.getsizeof, map(attrgetter("value"), rows)))
        terms = sum(map(len, (row.terms or b"" for row in rows)))
        return _BESIDE * len(rows) + values + terms

    def terms_of(self, fields: Sequence[str]) -> bytes | None:
        """Return the terms of the texts at *fields* as `KeepsTerms` says, if these are indexed."""
        return self.terms if self.terms and self.fields == fields_as_json(tuple(fields)) else None

    def found(self, score: float | None) -> SearchItem:
        """Make what a search answers, a new one each time."""
        return self._as(SearchItem, score=score)


@lru_cache(256)
def fields_as_json(fields: tuple[str, ...] | Literal[False]) -> str:
    """Write the fields of an index as they stand beside an item."""
    return json.dumps(fields)


@lru_cache(256)
def fields_from_json(text: str) -> Paths:
    """Read what `fields_as_json` wrote."""
    fields = json.loads(text)
    return fields if fields is False else tuple(fields)


def checksum(key: str, created_at: int, updated_at: int, value: str) -> int:
    """Return the CRC-32 of what an item is: key and value in UTF-8, and its times."""
    return crc32(f"{key}\0{created_at}\0{updated_at}\0{value}".encode())


def checksum_of_bytes(key: bytes, created_at: int, updated_at: int, value: bytes) -> int:
    """Return the same of what may no longer be UTF-8."""
    return crc32(value, crc32(b"%b\0%d\0%d\0" % (key, created_at, updated_at)))


def micros(time: datetime) -> int:
    """Turn a time into its stored form: microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """Turn a stored time back."""
    return _EPOCH + timedelta(microseconds=stored)


#: Of an item that was there before its history began.
BEFORE = RevisionNote("created", "user", reason="as it was when its history began")
EXPIRED = RevisionNote("deleted", "policy", reason="its time to live ended")


_SAID = tuple(field.name for field in fields(RevisionNote) if field.name != "action")
_said_by = attrgetter(*_SAID)


def note_text(note: RevisionNote) -> str:
    """Write what a note says besides its action as JSON."""
    said = zip(_SAID, _said_by(note), strict=True)
    known = {name: value for name, value in said if value}
    try:
        return to_json(known).decode()
    except ValueError:  # half an emoji, which Python's JSON escapes
        return json.dumps(known)


def revision_row(row: Sequence[Any]) -> RevisionRow:
    """Read a row of path, key, number, action, note, value, time and created_at."""
    path, key, number, action, note, value, time, created_at = row
    said: dict[str, Any] = json.loads(note)
    sources = tuple(said.pop("sources", ()))
    # A newer longterm on the same database may say more.
    known = {name: value for name, value in said.items() if name in _SAID}
    return RevisionRow(
        to_labels(path),
        from_column(key),
        number,
        RevisionNote(action, sources=sources, **known),
        None if value is None else decode(value),
        moment(time),
        moment(created_at),
    )
