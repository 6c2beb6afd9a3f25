"""What reflections cost: model calls and tokens per namespace and day, and limits on them.

A `Ledger` keeps the sums; `MemoryLedger` forgets them with the process, the durable executor
keeps them in its database. Every model call is booked when it ends, so that a crash in the
middle of a reflection loses none that was paid for. Days are those of UTC.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation, GenerationChunk, LLMResult
from typing_extensions import override

from longterm.effects.clock import Clock
from longterm.memory.namespace import Namespace

__all__ = ["Budget", "Ledger", "MemoryLedger", "Meter", "Usage", "day_of", "until_tomorrow"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Model calls, and their tokens as the model reports them."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one namespace may use in a day before its reflections wait for the next.

    Checked before a reflection starts: the one that reaches the limit is still finished.
    """

    calls_per_day: int | None = None
    tokens_per_day: int | None = None

    def spent(self, usage: Usage) -> bool:
        """Whether *usage* has reached a limit."""
        limits = ((usage.calls, self.calls_per_day), (usage.tokens, self.tokens_per_day))
        return any(limit is not None and used >= limit for used, limit in limits)


def day_of(wall: float) -> date:
    """Return the day, in UTC, of a moment in seconds since 1970."""
    return datetime.fromtimestamp(wall, UTC).date()


def until_tomorrow(wall: float) -> float:
    """Seconds from *wall* to the next midnight in UTC."""
    tomorrow = datetime.combine(day_of(wall) + timedelta(days=1), datetime.min.time(), UTC)
    return tomorrow.timestamp() - wall


class Ledger(Protocol):
    """Sums of usage per namespace and day."""

    def book(self, day: date, namespace: Namespace, usage: Usage) -> None:
        """Add *usage* to the sum of *namespace* on *day*."""
        ...

    def on(self, day: date) -> Mapping[Namespace, Usage]:
        """Return the sums of *day*."""
        ...

    def spent(self, day: date, namespace: Namespace) -> Usage:
        """Return the sum of *namespace* on *day*."""
        ...

    def erase(self, namespace: Namespace) -> int:
        """Remove the sums of *namespace* and what is below; return how many."""
        ...


class MemoryLedger:
    """A ledger for one process; thread-safe."""

    def __init__(self) -> None:
        self._sums: dict[date, dict[Namespace, Usage]] = defaultdict(dict)
        self._lock = threading.Lock()

    def book(self, day: date, namespace: Namespace, usage: Usage) -> None:
        """Add *usage* to the sum of *namespace* on *day*."""
        with self._lock:
            sums = self._sums[day]
            sums[namespace] = sums.get(namespace, Usage()) + usage

    def on(self, day: date) -> Mapping[Namespace, Usage]:
        """Return the sums of *day*."""
        with self._lock:
            return dict(self._sums.get(day, {}))

    def spent(self, day: date, namespace: Namespace) -> Usage:
        """Return the sum of *namespace* on *day*."""
        with self._lock:
            return self._sums.get(day, {}).get(namespace, Usage())

    def erase(self, namespace: Namespace) -> int:
        """Remove the sums of *namespace* and what is below; return how many."""
        with self._lock:
            below = [
                (sums, key)
                for sums in self._sums.values()
                for key in sums
                if key[: len(namespace)] == namespace
            ]
            for sums, key in below:
                del sums[key]
        return len(below)


class Meter(BaseCallbackHandler):
    """A callback handler that books each model call in a ledger when it ends."""

    def __init__(self, ledger: Ledger, clock: Clock, namespace: Namespace) -> None:
        self._ledger = ledger
        self._clock = clock
        self._namespace = namespace

    @override
    def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        answers = [generation for batch in response.generations for generation in batch]
        usage = sum((_tokens(answer) for answer in answers), Usage(calls=1))
        self._ledger.book(day_of(self._clock.wall()), self._namespace, usage)


def _tokens(answer: Generation | GenerationChunk) -> Usage:
    message = answer.message if isinstance(answer, ChatGeneration) else None
    reported = message.usage_metadata if isinstance(message, AIMessage) else None
    if reported is None:
        return Usage()
    return Usage(0, reported["input_tokens"], reported["output_tokens"])
