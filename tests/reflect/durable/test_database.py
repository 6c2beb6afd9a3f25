"""Usage in a table that workers share."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import sqlalchemy as sa

from longterm.reflect.durable.database import TableLedger, create_tables
from longterm.reflect.usage import Usage

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
ANN, BOB = ("memories", "ann"), ("memories", "bo.b")


def test_sums_are_kept_per_reflection_namespace_and_day(make_url: Callable[[], str]) -> None:
    url = make_url().replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    create_tables(engine)
    create_tables(engine)
    mine, other = TableLedger(engine, "mine"), TableLedger(engine, "other")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(mine.book, [DAY] * 20, [ANN] * 20, [Usage(1, 10, 2)] * 20))
    mine.book(DAY, BOB, Usage(1, 1, 1))
    mine.book(NEXT, ANN, Usage(1, 5, 5))
    other.book(DAY, ANN, Usage(7, 7, 7))
    assert mine.on(DAY) == {ANN: Usage(20, 200, 40), BOB: Usage(1, 1, 1)}
    assert (mine.spent(NEXT, ANN), mine.spent(NEXT, BOB)) == (Usage(1, 5, 5), Usage())
    engine.dispose()
