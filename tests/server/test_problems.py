"""What is answered and logged when something fails that no handler knows."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from longterm.errors import StoreUnavailableError
from longterm.server.problems import Unforeseen

SAID = "private words"


async def failing(_request: Request) -> StreamingResponse:
    raise ZeroDivisionError(SAID)


async def failing_midway(_request: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        yield "first"
        raise ZeroDivisionError(SAID)

    return StreamingResponse(parts())


def client() -> httpx.AsyncClient:
    routes = [Route("/", failing), Route("/midway", failing_midway)]
    app = Unforeseen(Router(routes))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x")


async def test_an_error_that_no_handler_knows_is_answered_and_logged_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await client().get("/")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert SAID not in answer.text + caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "in failing" in caplog.text


async def test_an_error_of_ours_before_any_handler_is_answered_in_its_own_words() -> None:
    async def gate(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise StoreUnavailableError("The database is away: try again.")

    transport = httpx.ASGITransport(Unforeseen(gate))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as asking:
        answer = await asking.get("/")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "The database is away: try again."


async def test_an_answer_that_has_begun_is_broken_off(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(RuntimeError, match="cut short") as broken:
        await client().get("/midway")
    assert broken.value.__cause__ is None
    assert SAID not in caplog.text
