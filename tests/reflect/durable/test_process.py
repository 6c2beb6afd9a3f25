"""What the process does besides the jobs themselves."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from longterm.reflect.durable.process import _Process


class Finished:
    """Jobs that all have finished."""

    def __init__(self, count: int) -> None:
        self.left = [SimpleNamespace(workflow=str(number)) for number in range(count)]

    def listed(self, states: list[str], *, completed_before: str, limit: int) -> list[Any]:
        return self.left[:limit]

    def delete(self, workflows: Iterable[str]) -> None:
        gone = set(workflows)
        self.left = [status for status in self.left if status.workflow not in gone]


def test_cleaning_up_keeps_pace_with_any_number_of_jobs() -> None:
    process, jobs = _Process(), Finished(2 * _Process.CLEANED + 1)
    worker: Any = SimpleNamespace(name="default", jobs=jobs, keep=timedelta(days=7))
    process._workers["default"] = worker
    process.clean()
    assert jobs.left == []
