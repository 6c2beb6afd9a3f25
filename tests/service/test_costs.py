"""What extraction costs is counted beside what it learns, never instead of it."""

import logging
from collections.abc import Iterable
from typing import Any

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
