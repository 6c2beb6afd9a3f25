"""The application: the service, behind the gate, in every protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from typing_extensions import override

from longterm import settings
from longterm.errors import LongtermError, MissingExtraError
from longterm.server import anthropic, langgraph, rest
from longterm.server.anthropic_errors import (
    InTheirForm,
    WrongRequestError,
    answer_wrong_request,
)
from longterm.server.console import pages
from longterm.server.gate import Gate
from longterm.server.mcp_mount import McpMount
from longterm.server.metrics import Metrics
from longterm.server.options import ServerOptions
from longterm.server.problems import EVERYWHERE, PROBLEM, Unforeseen, add_handlers, declared
from longterm.server.segments import Segments
from longterm.service import MemoryService

__all__ = ["build"]


_log = logging.getLogger("longterm.server")


async def _take_up(service: MemoryService) -> None:
    """Have what waits in a database of reflections worked on, before any user comes back."""
    try:
        await asyncio.to_thread(service.queue)
    except LongtermError as error:  # one that stays, each request for it says in words
        _log.warning("What waits in the background is taken up later (%s).", type(error).__name__)


class _Application(FastAPI):
    @override
    def openapi(self) -> dict[str, Any]:
        """Describe the application, with what no route says: its problems, and where a key goes."""
        described = super().openapi()
        described["security"] = [{"bearer": []}, {"x-api-key": []}, {}]
        described["components"]["schemas"]["Problem"] = PROBLEM
        described["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        }
        return described


def build(options: ServerOptions, service: MemoryService | None = None) -> FastAPI:
    """Return the application, on *service* or on one that it opens and closes itself.

    Raises `MissingExtraError` where MCP's packages are missing: they are imported later.
    """
    if find_spec("mcp") is None:
        raise MissingExtraError("The server", "server")
    protocol = McpMount(options, lambda: app.state.service)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        opened = service or settings.open(
            options.store, model=options.model, embeddings=options.embeddings
        )
        app.state.service = opened
        await asyncio.to_thread(settings.load_embedded_model, opened.store)
        taking_up = asyncio.create_task(_take_up(opened))
        async with protocol.running():
            yield
        await taking_up
        if service is None:
            await opened.aclose()

    app = _Application(
        title="longterm",
        summary="Long-term memory for LLM agents.",
        version=metadata.version("longterm"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=declared(*EVERYWHERE),
    )
    registry = CollectorRegistry()

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(Metrics.text(registry), media_type="text/plain; version=0.0.4")

    _ = (healthz, metrics)
    app.include_router(rest.router)
    app.include_router(langgraph.router)
    app.include_router(anthropic.router)
    app.add_exception_handler(WrongRequestError, answer_wrong_request)
    app.router.routes.append(Route("/mcp", protocol))
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(packages=[("longterm.server.console", "static")]))
    add_handlers(app)
    # The last one is the first that sees a request.
    app.add_middleware(Gate, options=options)
    app.add_middleware(Unforeseen)
    app.add_middleware(InTheirForm)
    app.add_middleware(Metrics, registry=registry)
    app.add_middleware(Segments)
    return app
