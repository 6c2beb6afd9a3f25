"""The gate: what is checked of every request before anything else reads it.

In this order: is it for this host and from its own pages → who asks → how often → how much is
sent. Below the paths for programs a stranger gets 401, whether there is something or not.
"""

from __future__ import annotations

from contextvars import ContextVar
from math import ceil
from time import time
from urllib.parse import urlsplit

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longterm.server.options import LOOPBACK, ServerOptions
from longterm.server.problems import problem
from longterm.server.tokens import TokenVerifier
from longterm.service import MemoryService
from longterm.service.keys import Principal

__all__ = ["ANYBODY", "COOKIE", "Gate", "current_principal"]

#: Who asks, for code that no request reaches: MCP's tools.
current_principal: ContextVar[Principal] = ContextVar("current_principal")

#: Everybody on this machine, while there is no key.
ANYBODY = Principal("local", None, frozenset({"read", "write", "admin"}))
#: The console's cookie; it holds a key.
COOKIE = "longterm_key"

#: Where a stranger gets nothing; the console sends strangers to its login by itself.
_PROGRAMS = ("/v1", "/store", "/mcp")
_IMPORT_FACTOR = 16


class Gate:
    """ASGI middleware; see the module. The service comes with the application's lifespan."""

    def __init__(self, app: ASGIApp, options: ServerOptions) -> None:
        self.app = app
        self._options = options
        self._tokens = None if options.tokens is None else TokenVerifier(options.tokens)
        self._limit: RateLimitItem = parse(options.rate_limit)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._locked = options.tokens is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = self._wrong_host(headers)
        principal = None
        if answer is None:
            principal = await self._principal(scope, headers)
            if principal is None and _is_for_programs(scope["path"]):
                answer = problem(
                    401,
                    "A key is needed: send Authorization: Bearer <key>.",
                    {"WWW-Authenticate": "Bearer"},
                )
        answer = answer or await self._too_often(scope, principal)
        most = self._most(scope["path"])
        if answer is None and int(_length(headers)) > most:
            answer = _too_large(most)
        if answer is not None:
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {})["principal"] = principal
        marker = current_principal.set(principal) if principal else None
        try:
            await self.app(scope, _counted_bytes(receive, most), _with_headers(send))
        finally:
            if marker is not None:
                current_principal.reset(marker)

    def _wrong_host(self, headers: Headers) -> ASGIApp | None:
        """Refuse other sites' pages, and names that other sites may point to this address."""
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower()
        if self._options.host in LOOPBACK and name not in {*LOOPBACK, *self._options.hosts}:
            return problem(421, "This server does not answer to that name.")
        if self._options.hosts and name not in {*LOOPBACK, *self._options.hosts}:
            return problem(421, "This server does not answer to that name.")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return problem(403, "Requests from the pages of other sites are refused.")
        return None

    async def _principal(self, scope: Scope, headers: Headers) -> Principal | None:
        service: MemoryService = scope["app"].state.service
        text = _credentials(headers, scope["path"])
        if text is None:
            return None if await self._is_locked(service) else ANYBODY
        if text.count(".") == 2 and self._tokens is not None:  # noqa: PLR2004 - a JWT's three parts
            return await self._tokens.principal(text)
        key = await service.keys.afind(text)
        return None if key is None else key.principal

    async def _is_locked(self, service: MemoryService) -> bool:
        """Tell whether a key is needed: from the first key on, and beyond this machine."""
        if not self._locked:
            beyond = self._options.host not in LOOPBACK
            self._locked = beyond or await service.keys.aexist()
        return self._locked

    async def _too_often(self, scope: Scope, principal: Principal | None) -> ASGIApp | None:
        address = (scope.get("client") or ("",))[0]
        who = principal.id if principal else f"address:{address}"
        if scope["path"] == "/healthz" or await self._limiter.hit(self._limit, who):
            return None
        window = await self._limiter.get_window_stats(self._limit, who)
        wait = max(1, ceil(window.reset_time - time()))
        return problem(429, f"Too many requests: wait {wait} s.", {"Retry-After": str(wait)})

    def _most(self, path: str) -> int:
        factor = _IMPORT_FACTOR if path.endswith("/import") else 1
        return self._options.max_body * factor


def _is_for_programs(path: str) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in _PROGRAMS)


def _credentials(headers: Headers, path: str) -> str | None:
    """Return the key or token that was sent; a cookie counts for the console's pages only."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    if text:
        return text.strip() if scheme.lower() == "bearer" else ""
    if key := headers.get("x-api-key"):
        return key
    if _is_for_programs(path):
        return None
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and value:
            return value
    return None


def _length(headers: Headers) -> str:
    said = headers.get("content-length", "0")
    return said if said.isascii() and said.isdigit() else "0"


def _too_large(most: int) -> ASGIApp:
    return problem(413, f"The body is larger than {most} bytes.")


def _counted_bytes(receive: Receive, most: int) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413, f"The body is larger than {most} bytes.")
        return message

    return counted


def _with_headers(send: Send) -> Send:
    """Answers hold what was said: no cache keeps them, no page of another site frames them."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("cache-control", "no-store")
            headers.setdefault("x-content-type-options", "nosniff")
            # Not "no-referrer": then browsers hide the origin of our own forms as well.
            headers.setdefault("referrer-policy", "same-origin")
        await send(message)

    return sending
