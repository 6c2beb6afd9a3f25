"""Names that recall's tests share."""

from collections.abc import Callable
from datetime import UTC, datetime

from longterm.recall.candidates import Candidate

NOW = datetime(2023, 6, 1, 9, 0, tzinfo=UTC)

#: Makes a turn.
Say = Callable[..., Candidate]
