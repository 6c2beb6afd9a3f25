"""Which failures pass by themselves, and how long to wait for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from longterm.errors import ConfigurationError, ConflictError, StoreUnavailableError
from longterm.reflect.retry import ONCE, Retry, passes


class RateLimitError(Exception):
    """Named like the providers' own."""


class AuthenticationError(Exception):
    status_code = 401


class APITimeoutError(Exception):
    """Named like the providers' own."""


class InternalServerError(Exception):
    status_code = 503


class HTTPStatusError(Exception):
    """Keeps its status the way httpx does."""

    def __init__(self, status: int) -> None:
        self.response = SimpleNamespace(status_code=status)


class ClientError(Exception):
    """Keeps its status the way botocore does."""

    def __init__(self, status: int) -> None:
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


class APIError(Exception):
    """Keeps its status the way Google's libraries do."""

    def __init__(self, code: object) -> None:
        self.code = code


class TransportError(Exception):
    """As httpx calls what every broken connection derives from."""


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        StoreUnavailableError(),
        ConnectionResetError(),
        RateLimitError(),
        APITimeoutError(),
        InternalServerError(),
        HTTPStatusError(429),
        ClientError(429),
        APIError(503),
        TransportError(),
        ConflictError("someone else was faster"),
    ],
)
def test_these_pass(error: Exception) -> None:
    assert passes(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        AuthenticationError(),
        HTTPStatusError(400),
        ClientError(403),
        APIError(404),
        APIError("e3q8"),
        ConfigurationError("no"),
    ],
)
def test_these_do_not(error: Exception) -> None:
    assert not passes(error)


def test_the_cause_of_an_error_counts() -> None:
    error = RuntimeError("the reflection failed")
    error.__cause__ = RateLimitError()
    assert passes(error)


def test_waits_grow_up_to_a_limit_and_end() -> None:
    retry = Retry(attempts=5, first=1, factor=10, most=50)
    waits = [retry.wait(TimeoutError(), attempt) for attempt in range(1, 6)]
    assert waits == [1, 10, 50, 50, None]


def test_once_means_once() -> None:
    assert ONCE.wait(TimeoutError(), 1) is None


def test_trying_for_ever_stays_at_the_longest_wait() -> None:
    assert Retry(attempts=10**9, most=60).wait(TimeoutError(), 10**6) == 60
