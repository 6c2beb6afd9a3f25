"""Clients that are slow on purpose: they hold nothing for long, and nothing else waits for them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.server import ServerState

from longterm.server.slow import ImpatientProtocol, limited_body


def body(*pieces: bytes, whole: bool) -> Receive:
    """Return a client that sends *pieces*, and then nothing, or that it goes away."""
    rest: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": not whole or number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]

    async def receive() -> Message:
        if rest:
            return rest.pop(0)
        if not whole:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return receive


async def test_a_body_that_stops_coming_is_refused() -> None:
    receive = limited_body(body(b"x", whole=False), 100, patience=0.01)
    assert (await receive())["body"] == b"x"
    with pytest.raises(HTTPException) as refused:
        await receive()
    assert refused.value.status_code == 408


async def test_once_the_body_is_whole_the_client_may_wait_for_its_answer() -> None:
    receive = limited_body(body(b"x", b"y", whole=True), 100, patience=0.0)
    assert [(await receive())["type"] for _ in range(3)] == [
        "http.request",
        "http.request",
        "http.disconnect",
    ]


class Quick(ImpatientProtocol):
    patience = 0.05


class Served:
    """A server whose answers come when `ready` is set."""

    protocol: type[ImpatientProtocol] = Quick

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.answer: ASGIApp = PlainTextResponse("answered")
        self.config = uvicorn.Config(self.app, http=Quick, ws="none", interface="asgi3")
        self.state = ServerState()
        self.port = 0

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.ready.wait()
        await self.answer(scope, receive, send)

    @asynccontextmanager
    async def connected(
        self, sent: bytes
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        yield reader, writer
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    loop: Any = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: made.protocol(made.config, made.state, {}), host="127.0.0.1", port=0
    )
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_head_that_never_ends_loses_its_connection_and_a_slow_answer_does_not(
    served: Served,
) -> None:
    async with (
        served.connected(REQUEST) as (waiting, kept),
        served.connected(REQUEST[:20]) as (slow, _),
    ):
        assert await slow.read() == b""  # the time for a head has passed, for the first one as well
        served.ready.set()
        assert (await waiting.readuntil(b"answered")).startswith(b"HTTP/1.1 200")
        kept.write(REQUEST[:20])  # the next request on a connection is no better
        assert await waiting.read() == b""


async def test_a_connection_that_says_nothing_is_closed(served: Served) -> None:
    async with served.connected(b"") as (reader, _):
        assert await reader.read() == b""


async def test_a_head_that_grows_without_end_loses_its_connection(served: Served) -> None:
    served.protocol = ImpatientProtocol

    async def flood() -> None:
        async with served.connected(b"GET / HTTP/1.1\r\nX: ") as (_, writer):
            for _ in range(1_000):
                writer.write(b"x" * 64 * 2**10)
                await writer.drain()

    with pytest.raises(ConnectionError):
        await flood()


async def test_a_body_is_no_head_however_long(served: Served) -> None:
    served.protocol = ImpatientProtocol
    size = 2**20
    sent = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
    served.ready.set()
    async with served.connected(sent) as (reader, writer):
        writer.write(b"x" * size + REQUEST)
        for _ in range(2):
            assert (await reader.readuntil(b"answered")).startswith(b"HTTP/1.1 200")


async def test_an_answer_that_nobody_reads_is_broken_off(served: Served) -> None:
    ended = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0)
                yield b"x" * 2**20

        try:
            await StreamingResponse(parts())(scope, receive, send)
        finally:
            ended.set()

    served.answer = endless
    served.ready.set()
    async with served.connected(REQUEST) as (_, writer):
        await ended.wait()
        writer.transport.abort()
