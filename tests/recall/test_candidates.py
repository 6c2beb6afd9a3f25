"""Candidates: what may be recalled, each itself alone, and read when that is first asked for."""

from datetime import UTC, datetime

from longterm.recall.candidates import Candidate

TIME = datetime(2024, 5, 1, tzinfo=UTC)


def test_only_one_and_the_same_candidate_is_equal() -> None:
    one, alike = (Candidate((), "k", "turn", "Tea?", TIME) for _ in range(2))
    assert (one.id, one.text) == (alike.id, alike.text)
    assert len({one, one, alike}) == 2


def test_a_text_is_read_once() -> None:
    one = Candidate((), "k", "turn", "Tea?", TIME)
    assert one.reading is one.reading
    assert one.reading.asks
