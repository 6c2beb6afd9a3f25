"""Rows: items as they stand in a database, decoded only where they are looked into. Pure."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from langgraph.store.base import Item, SearchItem

from longterm.errors import StoreError
from longterm.stores.names import from_column, to_labels
from longterm.stores.values import decode

__all__ = ["Row", "checksum", "fields_as_json", "micros", "moment"]

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
        if self.checksum is not None and self.checksum != checksum(
            self.key.encode(), self.created_at, self.updated_at, self.value.encode()
        ):
            raise StoreError(
                f"An item of {self.place} is damaged: it is not what was written. Keep the file "
                "as it is; store.check() says how much is damaged, and a backup has it whole."
            )
        created_at = moment(self.created_at)
        is_new = self.updated_at == self.created_at
        return Item(
            namespace=to_labels(self.path),
            key=from_column(self.key),
            value=decode(self.value),
            created_at=created_at,
            updated_at=created_at if is_new else moment(self.updated_at),
        )

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return _BESIDE + sys.getsizeof(self.value) + len(self.terms or b"")

    def terms_of(self, fields: Sequence[str]) -> bytes | None:
        """Return the terms of the texts at *fields* as `KeepsTerms` says, if these are indexed."""
        return self.terms if self.terms and self.fields == fields_as_json(tuple(fields)) else None

    def found(self, score: float | None) -> SearchItem:
        """Make what a search answers, a new one each time."""
        item = self.decode()
        return SearchItem(
            namespace=item.namespace,
            key=item.key,
            value=item.value,
            created_at=item.created_at,
            updated_at=item.updated_at,
            score=score,
        )


@lru_cache(256)
def fields_as_json(fields: tuple[str, ...]) -> str:
    """Write the fields of an index as they stand beside an item."""
    return json.dumps(fields)


def checksum(key: bytes, created_at: int, updated_at: int, value: bytes) -> int:
    """Return the CRC-32 of what an item is: key and value in UTF-8, and its times."""
    return crc32(value, crc32(b"%b\0%d\0%d\0" % (key, created_at, updated_at)))


def micros(time: datetime) -> int:
    """Turn a time into its stored form: microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """Turn a stored time back."""
    return _EPOCH + timedelta(microseconds=stored)
