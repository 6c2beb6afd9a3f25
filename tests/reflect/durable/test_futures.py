"""Which future waits for which workflow."""

from __future__ import annotations

from longterm.reflect.durable.futures import Tracker
from longterm.reflect.durable.outcome import Job


def job(submitted: int) -> Job:
    return Job(id=f"job{submitted}", thread="t", submitted=submitted, payload="null", config="{}")


def test_the_future_whose_payload_ran_gets_the_result() -> None:
    tracker = Tracker()
    future = tracker.add(job(1), "w", due=0)
    tracker.end("w", "job1", lambda f: f.set_result("done"))
    assert future.result(0) == "done"
    assert len(tracker) == 0


def test_an_older_job_on_the_same_workflow_is_cancelled_at_once() -> None:
    tracker = Tracker()
    old, new = tracker.add(job(1), "w", 0), tracker.add(job(2), "w", 0)
    assert (old.cancelled(), new.cancelled()) == (True, False)
    assert tracker.workflow_of(job(1)) is None


def test_a_job_that_another_process_replaced_is_cancelled_at_the_end() -> None:
    tracker = Tracker()
    mine = tracker.add(job(1), "w", 0)
    tracker.end("w", "theirs", lambda f: f.set_result("not mine"))
    assert mine.cancelled()


def test_only_what_is_due_is_looked_at() -> None:
    tracker = Tracker()
    tracker.add(job(1), "soon", due=1)
    tracker.add(job(2), "late", due=9)
    assert (tracker.due(5), tracker.next_due()) == (["soon"], 1)
    tracker.hurry()
    assert sorted(tracker.due(5)) == ["late", "soon"]


def test_a_moved_workflow_takes_its_futures_along() -> None:
    tracker = Tracker()
    future = tracker.add(job(1), "first", 0)
    tracker.move("first", "second")
    assert tracker.workflow_of(job(1)) == "second"
    tracker.end("second", "job1", lambda f: f.set_result(1))
    assert future.result(0) == 1


def test_a_dropped_job_leaves_the_others_of_its_workflow_waiting() -> None:
    tracker = Tracker()
    newer = tracker.add(job(2), "w", 0)
    older = tracker.add(job(1), "w", 0)  # submitted earlier, but stored later: both may have run
    tracker.drop(job(1))
    tracker.drop(job(1))
    tracker.end("w", "job2", lambda f: f.set_result("done"))
    assert (newer.done(), older.done(), len(tracker)) == (True, False, 0)


def test_newer_jobs_put_a_look_off_no_longer_than_to_the_latest_moment_of_the_first() -> None:
    tracker = Tracker()
    tracker.add(job(1), "w", due=5, latest=8)
    tracker.add(job(2), "w", due=10, latest=13)
    assert tracker.next_due() == 8
