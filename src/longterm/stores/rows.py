"""Rows: items as they stand in the file, decoded only where somebody looks inside. Pure."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from langgraph.store.base import Item

from longterm.stores.names import from_column, to_labels
from longterm.stores.values import decode

__all__ = ["Row", "micros", "moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Row(NamedTuple):
    """An item as it stands in the file; equal rows hold equal items."""

    id: int
    path: str
    key: str
    value: str
    created_at: int
    updated_at: int
    ttl: int | None
    revision: int

    def decode(self) -> Item:
        """Make an item as LangGraph knows it, a new one each time."""
        return Item(
            namespace=to_labels(self.path),
            key=from_column(self.key),
            value=decode(self.value),
            created_at=moment(self.created_at),
            updated_at=moment(self.updated_at),
        )


def micros(time: datetime) -> int:
    """Turn a time into its stored form."""
    return (time - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """Turn a stored time back."""
    return _EPOCH + timedelta(microseconds=stored)
