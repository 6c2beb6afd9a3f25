"""Which failures are worth another try, and when.

Errors are known by what they carry (an HTTP status) or by their names, because every provider
brings its own classes and none of their packages is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from longterm.errors import ConflictError, StoreUnavailableError, UnreadableAnswerError
from longterm.models.answer import http_status

__all__ = ["ONCE", "Retry", "passes"]

_PASSING = (
    TimeoutError,
    ConnectionError,
    ConflictError,
    StoreUnavailableError,
    UnreadableAnswerError,
)
_PASSING_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_PASSING_NAMES = (
    "Timeout",
    "TimeoutError",
    "TimeoutException",
    "ConnectionError",
    "ConnectError",
    "TransportError",
    "RateLimitError",
    "ResourceExhausted",
    "ServiceUnavailable",
    "OverloadedError",
    "OperationalError",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often to try, and how long to wait in between."""

    #: All tries, the first included.
    attempts: int = 6
    #: Seconds before the second try; each later wait is *factor* times as long.
    first: float = 2.0
    factor: float = 3.0
    #: The longest wait.
    most: float = 600.0

    def wait(self, error: BaseException, attempt: int) -> float | None:
        """Seconds to wait after try number *attempt* failed with *error*; None to give up."""
        if attempt >= self.attempts or not passes(error):
            return None
        try:
            return min(self.most, self.first * self.factor ** (attempt - 1))
        except OverflowError:  # after some hundred tries
            return self.most


#: No second try.
ONCE = Retry(attempts=1)


def passes(error: BaseException) -> bool:
    """Whether *error* may be gone by itself the next time: a rate limit, a time-out."""
    for cause in _chain(error):
        if isinstance(cause, _PASSING):
            return True
        status = http_status(cause)
        named = any(cls.__name__.endswith(_PASSING_NAMES) for cls in type(cause).__mro__)
        if status in _PASSING_STATUS if status is not None else named:
            return True
    return False


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__
