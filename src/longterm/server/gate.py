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
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longterm.server.options import LOOPBACK, ServerOptions
from longterm.server.problems import problem
from longterm.server.slow import limited_body
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
        self._hosts = frozenset(map(str.lower, options.hosts))
        self._tokens = None if options.tokens is None else TokenVerifier(options.tokens)
        self._limit: RateLimitItem = parse(options.rate_limit)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._locked = options.tokens is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        most = self._options.max_body * (_IMPORT_FACTOR if path.endswith("/import") else 1)
        said = headers.get("content-length", "")
        answer, principal = self._wrong_host(headers), None
        if answer is None:
            principal = await self._principal(scope, headers)
            if principal is None and _is_for_programs(path):
                answer = problem(
                    401,
                    "A key is needed: send Authorization: Bearer <key>.",
                    {"WWW-Authenticate": "Bearer"},
                )
        answer = answer or await self._too_often(scope, principal)
        if answer is None and said.isascii() and said.isdigit() and _is_over(said, most):
            answer = problem(413, f"The body is larger than {most} bytes.")
        if answer is not None:
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {})["principal"] = principal
        marker = current_principal.set(principal) if principal else None

        async def with_headers(message: Message) -> None:
            # Answers hold what was said: no cache keeps them, no other site's page frames them.
            if message["type"] == "http.response.start":
                ours = MutableHeaders(scope=message)
                ours.setdefault("cache-control", "no-store")
                ours.setdefault("x-content-type-options", "nosniff")
                # Not "no-referrer": then browsers hide the origin of our own forms as well.
                ours.setdefault("referrer-policy", "same-origin")
            await send(message)

        try:
            await self.app(scope, limited_body(receive, most), with_headers)
        finally:
            if marker is not None:
                current_principal.reset(marker)

    def _wrong_host(self, headers: Headers) -> ASGIApp | None:
        """Refuse other sites' pages, and names that other sites may point to this address."""
        host, *more = headers.getlist("host") or [""]
        if more:  # programs in between may have gone by another of them
            return problem(400, "A request has one Host header, not several.")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.strip("[]").lower()
        known = name in LOOPBACK or name in self._hosts
        if not known and (self._hosts or self._options.host in LOOPBACK):
            return problem(421, "This server does not answer to that name.")
        try:
            origins = [urlsplit(origin).netloc.lower() for origin in headers.getlist("origin")]
        except ValueError:
            origins = [""]
        if set(origins) - {host.lower()}:
            return problem(403, "Requests from the pages of other sites are refused.")
        return None

    async def _principal(self, scope: Scope, headers: Headers) -> Principal | None:
        service: MemoryService = scope["app"].state.service
        text = _credentials(headers, scope["path"])
        if text is None:
            # A key is needed beyond this machine, and from the first key on.
            beyond = self._options.host not in LOOPBACK
            self._locked = self._locked or beyond or await service.keys.aexist()
            return None if self._locked else ANYBODY
        is_jwt = text.count(".") == len("..")
        if is_jwt and self._tokens is not None:
            return await self._tokens.principal(text)
        key = await service.keys.afind(text)
        return None if key is None else key.principal

    async def _too_often(self, scope: Scope, principal: Principal | None) -> ASGIApp | None:
        address = (scope.get("client") or ("",))[0]
        who = principal.id if principal else f"address:{address}"
        if scope["path"] == "/healthz" or await self._limiter.hit(self._limit, who):
            return None
        window = await self._limiter.get_window_stats(self._limit, who)
        wait = max(1, ceil(window.reset_time - time()))
        return problem(429, f"Too many requests: wait {wait} s.", {"Retry-After": str(wait)})


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


def _is_over(digits: str, most: int) -> bool:
    """Tell whether a number is over *most*; one of thousands of digits is not even read."""
    return len(digits) > len(str(most)) or int(digits) > most
