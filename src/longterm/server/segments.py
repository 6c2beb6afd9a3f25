"""Ids in paths: one segment each, whatever it holds, a slash included.

Servers decode a path before they route it, so that ``a%2Fb`` would be two segments. Here a
slash that was sent as ``%2F`` travels as a lone surrogate, which no decoded path can hold, and
becomes a slash again where a route hands the segment on: ``/users/{user:segment}``.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Segments", "know_segments"]

_SLASH = "\udc2f"


class _Segment(Convertor[str]):
    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return value.replace(_SLASH, "/")

    def to_string(self, value: str) -> str:
        return value.replace("/", _SLASH)


def know_segments() -> None:
    """Let paths of routes say ``{user:segment}``; needed before the first such route."""
    register_url_convertor("segment", _Segment())


class Segments:
    """ASGI middleware: requests are routed by their paths as they were sent, part by part.

    What is outside of it, such as the server's own log, still sees a path it can write down.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, under a path that keeps its slashes."""
        sent: bytes = scope.get("raw_path") or b""
        if b"%2f" in sent.lower():
            parts = sent.partition(b"?")[0].split(b"/")
            texts = (unquote_to_bytes(one).decode(errors="replace") for one in parts)
            path = "/".join(text.replace("/", _SLASH) for text in texts)
            scope = {**scope, "path": path}
        await self.app(scope, receive, send)
