"""The application: the service, behind the gate, in every protocol; and the loop that serves it."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from importlib import metadata

import uvicorn
from fastapi import FastAPI, Response
from mcp.server.transport_security import TransportSecuritySettings
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles
from uvicorn.supervisors import Multiprocess

from longterm import settings
from longterm.errors import ConfigurationError
from longterm.server import anthropic, langgraph, rest
from longterm.server.console import pages
from longterm.server.gate import Gate
from longterm.server.mcp import memory_server
from longterm.server.metrics import Metrics
from longterm.server.options import LOOPBACK, ServerOptions
from longterm.server.problems import add_handlers
from longterm.service import MemoryService

__all__ = ["build", "run_server"]

#: Seconds that requests get to finish when the server stops.
_GRACE = 30


def build(options: ServerOptions, service: MemoryService | None = None) -> FastAPI:
    """Return the application, on *service* or on one that it opens and closes itself."""
    protocol = memory_server(lambda: app.state.service, version=metadata.version("longterm"))
    mounted: Starlette = protocol.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=options.max_body,
        # The gate checks the host, for all protocols alike.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        opened = service or settings.open(
            options.store, model=options.model, embeddings=options.embeddings
        )
        app.state.service = opened
        async with protocol.session_manager.run():
            yield
        if service is None:
            await opened.aclose()

    app = FastAPI(
        title="longterm",
        summary="Long-term memory for LLM agents.",
        version=metadata.version("longterm"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
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
    app.add_exception_handler(anthropic.WrongRequestError, anthropic.answer_wrong_request)
    app.router.routes.extend(mounted.routes)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(packages=[("longterm.server.console", "static")]))
    add_handlers(app)
    app.add_middleware(Gate, options=options)
    app.add_middleware(Metrics, registry=registry)
    return app


def run_server(options: ServerOptions) -> None:
    """Serve until a signal ends it; requests that run are finished.

    Raises `ConfigurationError` where others than this machine could ask without a key.
    """
    _say_who_may_ask(options)
    config = uvicorn.Config(
        partial(build, options),
        factory=True,
        host=options.host,
        port=options.port,
        workers=options.workers,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    if options.workers == 1:
        uvicorn.Server(config).run()
    else:
        opened: socket.socket = config.bind_socket()
        Multiprocess(config, sockets=[opened]).run()


def _say_who_may_ask(options: ServerOptions) -> None:
    with settings.open(options.store, embeddings="none") as service:
        locked = options.tokens is not None or service.keys.exist()
    address = f"http://{options.host}:{options.port}"
    if locked:
        sys.stderr.write(f"longterm listens on {address}; a key is needed.\n")
    elif options.host in LOOPBACK:
        sys.stderr.write(
            f"longterm listens on {address}. There is no key yet, so every program on this "
            "machine may ask, and no other machine can. Make one: longterm keys create --user ann\n"
        )
    else:
        raise ConfigurationError(
            f"Without a key, {options.host} would let anybody read every memory. Make a key "
            "(longterm keys create --user ann), or listen on 127.0.0.1."
        )
