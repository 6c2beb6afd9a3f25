"""Ids in paths: one segment each, whatever it holds, a slash included.

Servers decode a path before they route it, so that ``a%2Fb`` would be two segments. Here a
slash that was sent as ``%2F`` travels as a lone surrogate, which no decoded path can hold, and
becomes a slash again where a route hands the segment on: ``/users/{user:segment}``.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import Scope

__all__ = ["keep_slashes", "know_segments"]

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


def keep_slashes(scope: Scope) -> None:
    """Route the request of *scope* by its path as it was sent, segment by segment."""
    sent: bytes = scope.get("raw_path") or b""
    if b"%2f" in sent.lower():
        parts = sent.partition(b"?")[0].split(b"/")
        texts = (unquote_to_bytes(one).decode(errors="replace") for one in parts)
        scope["path"] = "/".join(text.replace("/", _SLASH) for text in texts)
