"""Names that recall's tests share."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from longterm.recall.candidates import Candidate
from longterm.recall.timeline import CandidateSet, candidate_set, timeline_of

NOW = datetime(2023, 6, 1, 9, 0, tzinfo=UTC)

#: Makes a turn.
Say = Callable[..., Candidate]


def among(
    candidates: Iterable[Candidate], cosines: Mapping[Candidate, float | None] | None = None
) -> CandidateSet:
    """Rank *candidates* among each other."""
    return candidate_set(timeline_of(candidates), cosines or {})
