"""The application: the service, behind the gate, in every protocol; and the loop that serves it."""

from __future__ import annotations

import json
import logging
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from importlib import metadata
from types import FrameType

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
from longterm.server.problems import Unforeseen, add_handlers
from longterm.server.segments import Segments
from longterm.server.slow import ImpatientProtocol
from longterm.service import MemoryService

__all__ = ["build", "run_server"]

#: Seconds that requests get to finish when the server stops.
_GRACE = 30
#: Seconds that a connection is kept for the next request: more than clients and proxies keep it,
#: so that none sends a request on one that is being closed.
_IDLE = 75


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
    # The last one is the first that sees a request.
    app.add_middleware(Gate, options=options)
    app.add_middleware(Unforeseen)
    app.add_middleware(Metrics, registry=registry)
    app.add_middleware(Segments)
    return app


def run_server(options: ServerOptions, *, as_json: bool = False) -> None:
    """Serve until a signal ends it; requests that run are finished.

    Says first where it listens: on standard error, or *as_json* on standard output. Raises
    `ConfigurationError` where it cannot, or others than this machine could ask without a key.
    """
    with settings.open(options.store, embeddings="none") as service:
        locked = options.tokens is not None or service.keys.exist()
    if not locked and options.host not in LOOPBACK:
        raise ConfigurationError(
            f"Without a key, {options.host} would let anybody read every memory. Make a key "
            "(longterm keys create --user ann), or listen on 127.0.0.1."
        )
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listening = socket.create_server((options.host, options.port), family=family, backlog=2_048)
    except OSError as error:
        raise ConfigurationError(
            f"The server cannot listen on {options.host}, port {options.port}: {error.strerror}. "
            "Choose another one with --host and --port."
        ) from error
    name = f"[{options.host}]" if family == socket.AF_INET6 else options.host
    address = f"http://{name}:{listening.getsockname()[1]}"
    if as_json:
        sys.stdout.write(json.dumps({"url": address, "key_needed": locked}) + "\n")
        sys.stdout.flush()
    elif locked:
        sys.stderr.write(f"longterm listens on {address}; a key is needed.\n")
    else:
        sys.stderr.write(
            f"longterm listens on {address}. There is no key yet, so every program on this "
            "machine may ask, and no other machine can. Make one: longterm keys create --user ann\n"
        )
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _ignored)
    config = uvicorn.Config(
        partial(_logging_application, options),
        factory=True,
        http=ImpatientProtocol,
        ws="none",
        workers=options.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_IDLE,
        timeout_worker_healthcheck=_GRACE,
    )
    if options.workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
    else:
        listening.set_inheritable(True)
        Multiprocess(config, sockets=[listening]).run()


def _ignored(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: uvicorn raises the signal that stopped it once more, after it has."""


def _logging_application(options: ServerOptions) -> FastAPI:
    """Return the application of one worker, whose warnings go to standard error line by line."""
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return build(options)
