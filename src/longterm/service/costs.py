"""What extraction has cost each user: runs, tokens and dollars by day, kept in the store itself.

It lies below a root of its own, adds up over every process on the store, and is erased with its
user. Days are those of UTC.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import Item
from typing_extensions import override

from longterm.commit import Policy, Write, commit
from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import search_exactly
from longterm.manage.manager import Results
from longterm.manage.store_manager import MemoryStoreManager
from longterm.memory.namespace import Namespace
from longterm.memory.revision import ExtractionRun
from longterm.service.items import USAGE

__all__ = ["Counted", "DayCost", "add_cost", "costs_of", "total_cost"]

_log = logging.getLogger("longterm.service")
_NO_PAST = Policy(keep_revisions=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCost:
    """What extraction cost one user on one day."""

    #: The day, as 2026-11-26.
    day: str
    runs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    #: In US dollars; None where the price of a model that was used is not known.
    cost: float | None = 0.0

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)


async def add_cost(memories: Namespace, run: ExtractionRun | None) -> None:
    """Add what one *run* for the namespace *memories* used, if anything.

    Its memories are written: where the store fails now, the run is not counted, and a warning is
    logged. It is never done again for the sake of its cost.
    """
    if run is None:
        return
    day = f"{datetime.now(UTC):%Y-%m-%d}"

    def added(item: Item | None) -> dict[str, Any]:
        before = DayCost(day=day) if item is None else DayCost(**item.value)
        return DayCost(
            day=day,
            runs=before.runs + 1,
            input_tokens=before.input_tokens + run.input_tokens,
            output_tokens=before.output_tokens + run.output_tokens,
            cost=total_cost([before.cost, run.cost]),
        ).as_json()

    write = Write((USAGE, *memories[1:]), day, added, index=False, ttl=None)
    try:
        await commit([write], actor="policy", policy=_NO_PAST)
    except Exception as error:  # noqa: BLE001 - whatever it is, what was learned is kept
        _log.warning("A run could not be counted for its user (%s).", type(error).__name__)


class Counted(FlowRunnable[Any, "Results[Any]"]):
    """A manager whose runs are added up for their user, wherever they are done."""

    def __init__(self, manager: MemoryStoreManager[Any]) -> None:
        self.namespace = manager.namespace
        self.exact = manager.exact
        self.store = manager.store
        self._manager = manager

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> Results[Any]:
        results = cast("Results[Any]", await self._manager.flow(input, config))
        await add_cost(self.namespace.location(config), results.run)
        return results


async def costs_of(memories: Namespace) -> list[DayCost]:
    """Return what each day cost, newest first."""
    items = await search_exactly((USAGE, *memories[1:]), refresh_ttl=False)
    days = (DayCost(**item.value) for item in items)
    return sorted(days, key=lambda one: one.day, reverse=True)


def total_cost(costs: Sequence[float | None]) -> float | None:
    """Return *costs* together; None where one of them is not known."""
    known = [one for one in costs if one is not None]
    return sum(known) if len(known) == len(costs) else None
