"""Deleting what has expired."""

from longterm.stores.embedded.database import Database
from longterm.stores.embedded.revising import end_expired
from longterm.stores.embedded.transaction import Clock, Transaction
from longterm.stores.rows import micros

__all__ = ["sweep"]

_AT_ONCE = 1000


def sweep(database: Database, clock: Clock) -> int:
    """Delete every expired item; a thousand at a time, so that writers need not wait for all."""
    swept, last = 0, _AT_ONCE
    while last == _AT_ONCE:
        with database.writing() as connection:
            tx = Transaction(connection, database.path, micros(clock()))
            last = end_expired(tx, limit=_AT_ONCE)
        swept += last
    return swept
