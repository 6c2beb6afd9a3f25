"""Revisions and sources: origins only ever get weaker, and nothing is lost in JSON."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.memory.revision import (
    ExtractionRun,
    Origin,
    Revision,
    Source,
    json_sources,
    run_in,
    sources_in,
    weakest,
)

RUN_DATA: dict[str, Any] = {
    "id": "r",
    "memories": 2,
    "input_tokens": 900,
    "output_tokens": 100,
    "cost": 0.1,
}
origins = st.lists(st.sampled_from(["user", "assistant", "tool", "import"]))
times = st.none() | st.datetimes(timezones=st.just(UTC))
texts = st.text(max_size=9)
sources = st.builds(Source, texts, texts, times, texts, texts, quote=texts)


@pytest.mark.parametrize(
    ("used", "account"),
    [
        (ExtractionRun("r", 3, 1_000, 240, 0.00041), "1,240 tokens, $0.0004 for 3 memories"),
        (ExtractionRun("r", 1, 90, 10), "100 tokens for 1 memory"),
        (ExtractionRun("r", 1, 90, 10, 0.0), "100 tokens, $0.0000 for 1 memory"),
    ],
)
def test_a_cost_that_is_not_known_is_left_out_and_is_not_0(
    used: ExtractionRun, account: str
) -> None:
    assert used.account == account


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (["user"], "user"),
        (["user", "assistant"], "assistant"),
        (["assistant", "tool", "user"], "tool"),
        (["import", "user"], "import"),
        ([], "import"),
    ],
)
def test_the_weakest_origin_counts(given_: list[Origin], expected: Origin) -> None:
    assert weakest(given_) == expected


@given(origins, origins)
def test_more_sources_never_make_an_origin_stronger(
    some: list[Origin], others: list[Origin]
) -> None:
    both = weakest([*some, *others])
    if some and others:
        assert weakest([both, weakest(some)]) == both == weakest([weakest(some), weakest(others)])


@given(st.lists(sources))
def test_sources_survive_json(some: list[Source]) -> None:
    known = [
        Source(
            one.thread_id or None,
            one.message_id or None,
            one.time,
            one.speaker or None,
            one.role or None,
            one.origin,
            one.quote,
        )
        for one in some
    ]
    assert sources_in(json.loads(json.dumps(json_sources(some)))) == tuple(known)


def test_what_is_not_known_is_not_written() -> None:
    source = Source("monday", time=datetime(2026, 1, 2, tzinfo=UTC), origin="user")
    assert json_sources([source]) == [
        {"thread_id": "monday", "time": "2026-01-02T00:00:00+00:00", "origin": "user"}
    ]


def test_a_revision_says_what_the_memory_said() -> None:
    def after(value: dict[str, Any] | None) -> Revision:
        return Revision(1, "created", value, datetime(2026, 1, 1, tzinfo=UTC), "user")

    assert after({"kind": "Memory", "content": {"content": "Likes tea"}}).content == "Likes tea"
    assert after({"kind": "Food", "content": {"name": "ramen"}}).content == {"name": "ramen"}
    assert after({"content": "a tool's"}).content == "a tool's"
    assert after(None).content is None


@pytest.mark.parametrize(
    "data",
    [None, {}, "a text", {"id": "r"}, {**RUN_DATA, "cost": "0.1"}, {**RUN_DATA, "memories": None}],
)
def test_what_is_no_run_is_read_as_none(data: Any) -> None:
    assert run_in(data) is None


def test_a_run_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    assert run_in({**RUN_DATA, "cached_tokens": 7}) == ExtractionRun("r", 2, 900, 100, 0.1)
