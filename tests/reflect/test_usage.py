"""What reflections cost, and limits on it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata

from longterm.effects.clock import ManualClock
from longterm.reflect.usage import Budget, MemoryLedger, Meter, Usage, day_of, until_tomorrow
from longterm.testing import ScriptedChatModel

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


def test_days_are_those_of_utc() -> None:
    assert day_of(NOON) == date(2026, 3, 1)
    assert until_tomorrow(NOON) == 12 * 3600


def test_a_budget_without_limits_is_never_spent() -> None:
    assert not Budget().spent(Usage(10**6, 10**9, 10**9))


def test_a_budget_is_spent_by_calls_or_by_tokens() -> None:
    assert Budget(calls_per_day=2).spent(Usage(calls=2))
    assert not Budget(calls_per_day=2).spent(Usage(calls=1, input_tokens=10**6))
    assert Budget(tokens_per_day=10).spent(Usage(1, 6, 4))
    assert not Budget(tokens_per_day=10).spent(Usage(1, 5, 4))


def test_the_meter_books_each_call_with_the_tokens_the_model_reports() -> None:
    ledger, clock = MemoryLedger(), ManualClock(NOON)
    reported = UsageMetadata(input_tokens=7, output_tokens=3, total_tokens=10)
    model = ScriptedChatModel(AIMessage("one", usage_metadata=reported), "two")
    config = {"callbacks": [Meter(ledger, clock, ("memories", "ann"))]}
    model.invoke("hello", config)  # type: ignore[arg-type] - a plain dict is a config
    model.invoke("hello", config)  # type: ignore[arg-type]
    assert ledger.on(day_of(NOON)) == {("memories", "ann"): Usage(2, 7, 3)}
    assert ledger.spent(day_of(NOON), ("memories", "bob")) == Usage()


def test_a_call_is_booked_on_the_day_it_ends() -> None:
    ledger, clock = MemoryLedger(), ManualClock(NOON)
    meter = Meter(ledger, clock, ())
    clock.advance(until_tomorrow(NOON))
    ScriptedChatModel("hi").invoke("hello", {"callbacks": [meter]})
    assert list(ledger.on(date(2026, 3, 2))) == [()]
