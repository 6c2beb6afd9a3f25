"""Jobs and outcomes as text, and which of two jobs of a thread goes first."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from longterm.reflect.durable.codec import encode_payload
from longterm.reflect.durable.outcome import (
    Done,
    Job,
    JobVerdict,
    Moved,
    Other,
    Outcome,
    Replaced,
    judge,
    read_outcome,
    write_outcome,
)


def job(submitted: int, name: str = "j") -> Job:
    config = encode_payload({"configurable": {"user_id": "a"}})
    payload = encode_payload({"messages": []})
    return Job(id=name, thread="thread", submitted=submitted, payload=payload, config=config)


def test_a_job_comes_back_from_its_text() -> None:
    assert Job.read(job(1).text) == job(1)
    assert job(1).content() == ({"messages": []}, {"configurable": {"user_id": "a"}})


@pytest.mark.parametrize("outcome", [Done("j", "[1]"), Moved("j", "w2"), Replaced("j")])
def test_an_outcome_comes_back_from_its_text(outcome: Outcome) -> None:
    assert read_outcome(write_outcome(outcome)) == outcome


def test_a_retried_job_keeps_its_id_and_its_age() -> None:
    again = job(1).again()
    assert (again.id, again.submitted, again.attempt) == ("j", 1, 2)
    assert again.first() == job(1)


def test_alone_a_job_just_starts() -> None:
    assert judge(job(1), []) == JobVerdict()


def test_an_older_payload_gives_way_to_a_newer_one_whatever_its_state() -> None:
    for running in (True, False):
        assert judge(job(1), [Other("w", running, job(2))]) == JobVerdict(replaced=True)


def test_a_newer_payload_waits_for_one_that_runs() -> None:
    assert judge(job(2), [Other("w", running=True, job=job(1))]) == JobVerdict(wait=True)


def test_a_newer_payload_outdates_older_ones_that_wait() -> None:
    others = [Other("retry", running=False, job=job(1)), Other("runs", running=True, job=job(0))]
    assert judge(job(2), others) == JobVerdict(wait=True, outdated=("retry",))


@given(st.permutations(range(4)))
def test_of_any_number_of_jobs_only_the_newest_goes_on(order: list[int]) -> None:
    jobs = [job(submitted) for submitted in order]
    going = [
        one.submitted
        for one in jobs
        if not judge(one, [Other("w", running=False, job=o) for o in jobs if o is not one]).replaced
    ]
    assert going == [3]


def test_jobs_of_the_same_moment_are_told_apart() -> None:
    first, second = job(1, "a"), job(1, "b")
    assert judge(first, [Other("w", running=False, job=second)]).replaced
    assert not judge(second, [Other("w", running=False, job=first)]).replaced
