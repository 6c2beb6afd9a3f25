"""Usage per namespace and day in a table, shared by all workers on a database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from longterm.memory.namespace import Namespace
from longterm.reflect.usage import Usage

__all__ = ["TableLedger", "create_tables"]

_metadata = sa.MetaData()
_usage = sa.Table(
    "longterm_reflection_usage",
    _metadata,
    sa.Column("reflection", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
)
_SUMS = ("calls", "input_tokens", "output_tokens")


def create_tables(engine: sa.Engine) -> None:
    """Create what a ledger needs, unless it is there."""
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateTable(_usage, if_not_exists=True))


class TableLedger:
    """The sums of the reflection called *reflection* in the database of *engine*."""

    def __init__(self, engine: sa.Engine, reflection: str) -> None:
        self._engine = engine
        self._reflection = reflection
        self._insert = postgresql.insert if engine.name == "postgresql" else sqlite.insert

    def book(self, day: date, namespace: Namespace, usage: Usage) -> None:
        """Add *usage* to the sum of *namespace* on *day*, in one statement."""
        row = self._insert(_usage).values(
            reflection=self._reflection,
            day=day.isoformat(),
            namespace=json.dumps(namespace),
            **{name: getattr(usage, name) for name in _SUMS},
        )
        sums = {name: _usage.c[name] + row.excluded[name] for name in _SUMS}
        keys = ["reflection", "day", "namespace"]
        with self._engine.begin() as connection:
            connection.execute(row.on_conflict_do_update(index_elements=keys, set_=sums))

    def on(self, day: date) -> Mapping[Namespace, Usage]:
        """Return the sums of *day*."""
        return {tuple(json.loads(key)): usage for key, usage in self._rows(day)}

    def spent(self, day: date, namespace: Namespace) -> Usage:
        """Return the sum of *namespace* on *day*."""
        return next((usage for _, usage in self._rows(day, namespace)), Usage())

    def _rows(self, day: date, namespace: Namespace | None = None) -> list[tuple[str, Usage]]:
        rows = sa.select(_usage.c.namespace, *(_usage.c[name] for name in _SUMS)).where(
            _usage.c.reflection == self._reflection, _usage.c.day == day.isoformat()
        )
        if namespace is not None:
            rows = rows.where(_usage.c.namespace == json.dumps(namespace))
        with self._engine.connect() as connection:
            return [(row[0], Usage(*row[1:])) for row in connection.execute(rows)]
