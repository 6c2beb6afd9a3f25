"""Spans and metrics of what memory does, read with OpenTelemetry's own exporters in memory."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

import longterm
from longterm import create_memory_store_manager
from longterm.effects.observe import count_tokens, observed
from longterm.testing import ScriptedChatModel, tool_calls

pytest.importorskip("opentelemetry.sdk")

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)

_spans, _reader = InMemorySpanExporter(), InMemoryMetricReader()
_provider = TracerProvider()
_provider.add_span_processor(SimpleSpanProcessor(_spans))
trace.set_tracer_provider(_provider)
metrics.set_meter_provider(MeterProvider([_reader]))


@pytest.fixture(autouse=True)
def empty() -> None:
    _spans.clear()


def spans() -> list[tuple[str, dict[str, Any]]]:
    return [(span.name, dict(span.attributes or {})) for span in _spans.get_finished_spans()]


def test_what_a_manager_writes_is_a_span_without_a_word_of_it() -> None:
    model = ScriptedChatModel(tool_calls(("Memory", {"content": "Ann likes tea"})))
    manager = create_memory_store_manager(model, namespace=("m", "ann"), store=InMemoryStore())
    manager.invoke({"messages": "I like tea"})
    [(name, attributes)] = spans()
    assert name.endswith("_memory m")
    assert attributes["gen_ai.operation.name"] in {"create_memory", "upsert_memory"}
    assert attributes["gen_ai.memory.record.count"] == 1
    assert "tea" not in str(attributes)


def test_a_change_and_a_search_by_hand_are_spans_of_their_own() -> None:
    with longterm.open(":memory:", embeddings=None) as service:
        ann = service.user("ann")
        id = ann.add("Ann likes tea").id
        _spans.clear()
        ann.edit(id, "Ann likes coffee")
        ann.search("coffee")
    [changed, searched] = [attributes for _, attributes in spans()]
    assert changed["gen_ai.operation.name"] == "update_memory"
    assert searched["gen_ai.operation.name"] == "search_memory"
    assert searched["gen_ai.memory.record.count"] == 1


def test_a_recall_is_a_span_with_how_much_it_found() -> None:
    with longterm.open(":memory:", embeddings=None) as service:
        ann = service.user("ann")
        ann.record("I like oolong tea")
        _spans.clear()
        ann.recall("Which tea?")
    [(name, attributes)] = [one for one in spans() if "search" in one[0]]
    assert name == "search_memory memories"
    assert attributes["gen_ai.memory.record.count"] == 1


def test_an_error_is_named_by_its_class_alone() -> None:
    with pytest.raises(LookupError), observed("delete_memory", "m"):
        raise LookupError("a secret")
    [(_, attributes)] = spans()
    assert attributes["error.type"] == "LookupError"
    assert "secret" not in str(_spans.get_finished_spans()[0].to_json())


def test_tokens_are_counted_by_model_and_kind() -> None:
    count_tokens("openai:gpt-5-mini", read=10, written=3)
    data = _reader.get_metrics_data()
    assert data is not None
    [used] = [
        metric
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "gen_ai.client.token.usage"
    ]
    points: Any = used.data.data_points
    sums = {
        point.attributes["gen_ai.token.type"]: point.sum
        for point in points
        if point.attributes.get("gen_ai.request.model") == "openai:gpt-5-mini"
    }
    assert sums == {"input": 10, "output": 3}
