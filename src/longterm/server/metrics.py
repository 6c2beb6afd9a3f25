"""Figures for Prometheus: requests by route, method and status; never by user."""

from __future__ import annotations

from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Metrics"]


class Metrics:
    """ASGI middleware that counts; `text` is what /metrics answers. Each worker has its own."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self.app = app
        self._requests = Counter(
            "longterm_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "longterm_request_seconds", "How long answers took.", ["route"], registry=registry
        )
        self._running = Gauge(
            "longterm_requests_running", "Requests that are being answered.", registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request and pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = perf_counter()
        with self._running.track_inprogress():
            try:
                await self.app(scope, receive, noting)
            finally:
                # The template of the path: the path itself holds users' ids.
                route = getattr(scope.get("route"), "path_format", "(none)")
                self._requests.labels(scope["method"], route, str(status)).inc()
                self._seconds.labels(route).observe(perf_counter() - began)

    @staticmethod
    def text(registry: CollectorRegistry) -> bytes:
        """Return the figures in Prometheus's form."""
        return generate_latest(registry)
