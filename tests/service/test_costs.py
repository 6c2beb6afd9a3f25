"""What extraction costs is counted beside what it learns, never instead of it."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from langgraph.store.base import Op, PutOp, Result
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

import longterm
from longterm.service.items import USAGE
from longterm.testing import ScriptedChatModel, tool_calls


class NoRoomForCosts(InMemoryStore):
    """Takes everything but what counts costs."""

    @override
    def batch(self, ops: Iterable[Op]) -> list[Result]:
        wanted = list(ops)
        if any(isinstance(op, PutOp) and op.namespace[0] == USAGE for op in wanted):
            raise OSError("disk full")
        return super().batch(wanted)


def test_what_was_spent_outlives_what_was_learned() -> None:
    reply: Any = tool_calls(("Memory", {"content": "Ann lives in Lyon"}))
    reply.usage_metadata = {"input_tokens": 90, "output_tokens": 10, "total_tokens": 100}
    now = datetime.now(UTC)
    options: dict[str, Any] = {"ttl": {"default_ttl": 60}, "clock": lambda: now}
    model = ScriptedChatModel(reply)
    with longterm.open(":memory:", embeddings=None, model=model, **options) as service:
        ann = service.user("ann")
        ann.remember("I live in Lyon")
        now += timedelta(hours=2)
        cast("Any", service.store).sweep_ttl()
        assert ann.list() == []
        assert [one.tokens for one in ann.costs()] == [100]


def test_a_run_that_cannot_be_counted_is_kept_and_not_done_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reply: Any = tool_calls(("Memory", {"content": "Ann lives in Lyon"}))
    reply.usage_metadata = {"input_tokens": 90, "output_tokens": 10, "total_tokens": 100}
    model = ScriptedChatModel(reply)
    with (
        caplog.at_level(logging.WARNING, "longterm.service"),
        longterm.open(NoRoomForCosts(), model=model) as service,
    ):
        ann = service.user("ann")
        learned = ann.remember("I live in Lyon")
        assert [one.content for one in ann.list()] == ["Ann lives in Lyon"]
    assert learned.tokens == 100
    assert len(model.asked) == 1
    (warning,) = caplog.messages
    assert "disk full" not in warning
