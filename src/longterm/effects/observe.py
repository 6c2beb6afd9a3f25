"""What an operator sees: spans and metrics after OpenTelemetry's GenAI conventions for memory.

And of errors their class and place, in every log of ours.

The conventions are in development and their constants in no package yet, so that all names
stand here. Nothing of what anybody said is in a span: no query, no memory. A program that has
not imported OpenTelemetry pays nothing.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/ (November 2026).
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from longterm.errors import ReflectionError, UnreadableAnswerError

__all__ = ["Observation", "Operation", "count_tokens", "error_text", "log_error", "observed"]

Operation = Literal[
    "search_memory", "create_memory", "update_memory", "upsert_memory", "delete_memory"
]

_SCOPE = "longterm"
_OPERATION = "gen_ai.operation.name"
_STORE = "gen_ai.memory.store.id"
_RECORDS = "gen_ai.memory.record.count"
_MODEL = "gen_ai.request.model"
_TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - the name of an attribute
_ERROR = "error.type"
_DURATION = "gen_ai.client.operation.duration"
_TOKENS = "gen_ai.client.token.usage"


@dataclass(slots=True)
class Observation:
    """What is found out about an operation while it goes on."""

    operation: Operation
    #: How many memories it wrote or found; None where that is unknown.
    records: int | None = None


@contextmanager
def observed(operation: Operation, store: str) -> Generator[Observation]:
    """Have a span, and a duration, for what is done in the block on the memories called *store*.

    An error that leaves the block is named by its class alone.
    """
    seen = Observation(operation)
    if "opentelemetry.trace" not in sys.modules:
        yield seen
        return
    from opentelemetry import metrics, trace

    span = trace.get_tracer(_SCOPE).start_span(f"{operation} {store}")
    begin, attributes = time.perf_counter(), {_STORE: store}
    try:
        yield seen
    except BaseException as error:
        attributes[_ERROR] = type(error).__qualname__
        span.set_status(trace.StatusCode.ERROR)
        raise
    finally:
        attributes[_OPERATION] = seen.operation
        span.update_name(f"{seen.operation} {store}")
        span.set_attributes(attributes)
        if seen.records is not None:
            span.set_attribute(_RECORDS, seen.records)
        span.end()
        metrics.get_meter(_SCOPE).create_histogram(_DURATION, unit="s").record(
            time.perf_counter() - begin, attributes
        )


def count_tokens(model: str | None, *, read: int, written: int) -> None:
    """Count what one extraction used of *model*: tokens *read* and *written*."""
    if "opentelemetry.metrics" not in sys.modules:
        return
    from opentelemetry import metrics

    used = metrics.get_meter(_SCOPE).create_histogram(_TOKENS, unit="{token}")
    named: dict[str, Any] = {} if model is None else {_MODEL: model}
    used.record(read, {**named, _TOKEN_TYPE: "input"})
    used.record(written, {**named, _TOKEN_TYPE: "output"})


def error_text(error: BaseException) -> str:
    """Name the class of *error* and the place that raised it: `ValueError in my.app:12`.

    What an error says may quote users or secrets, so that only its catcher has it. A
    `ReflectionError` and an `UnreadableAnswerError` name class and place themselves, or a number
    and what to do; they are kept.
    """
    name, trace = type(error).__name__, error.__traceback__
    if isinstance(error, ReflectionError | UnreadableAnswerError):
        return f"{name}: {error}"
    if trace is None:
        return name
    while trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "?")
    return f"{name} in {module}:{trace.tb_lineno}"


def log_error(logger: logging.Logger, text: str, *args: object, error: BaseException) -> None:
    """Log *text*, formatted with *args* and, last, with what may be said of *error*."""
    logger.error(text, *args, error_text(error), stacklevel=2)
