"""Clients that send a byte now and then to hold a connection, or a head without an end.

They are given a time and a size, no more. The head of a request has `patience` seconds, from the
connection or from its first byte, and 64 KiB; the body as many seconds, and one more for each
64 KiB that have come. An answer of which nothing is read for as long is broken off.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["ImpatientProtocol", "limited_body"]

#: Seconds that the head of a request may take.
_PATIENCE = 30.0
#: Bytes of a head, beyond the piece it begins in.
_LARGEST_HEAD = 64 * 2**10
#: Bytes a second that are not slow.
_SLOWEST = 64 * 2**10


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, which closes a connection whose request does not come to its body."""

    patience = _PATIENCE
    largest_head = _LARGEST_HEAD
    _hurry: TimerHandle | None = None
    _unread: TimerHandle | None = None
    _in_head = False
    _head = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as in uvicorn
        super().connection_made(transport)
        self._hurry = self.loop.call_later(self.patience, transport.close)

    @override
    def data_received(self, data: bytes) -> None:
        self._head += len(data) if self._in_head else 0
        super().data_received(data)
        answering: Any = self.cycle  # none before the first head was read
        if self._in_head and self._head > self.largest_head:
            self.transport.close()
        elif answering is not None and not answering.response_complete:
            self._calm()
        elif self._hurry is None:
            self._hurry = self.loop.call_later(self.patience, self.transport.close)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self.patience, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
        super().resume_writing()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head = True, 0

    @override
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)

    def _calm(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None


def limited_body(receive: Receive, most: int, patience: float = _PATIENCE) -> Receive:
    """Return *receive* for a body of at most *most* bytes that comes in time.

    It raises 413 for one that is larger, 408 for one that is too slow.
    """
    taken, whole, began = 0, False, asyncio.get_running_loop().time()

    async def limited() -> Message:
        nonlocal taken, whole
        if whole:  # what comes now is that the client goes away
            return await receive()
        try:
            async with asyncio.timeout_at(began + patience + taken / _SLOWEST):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "The body came too slowly.") from None
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413, f"The body is larger than {most} bytes.")
        whole = not message.get("more_body", False)
        return message

    return limited
