"""MCP's place in the application: its packages are imported when the first request asks for it.

They are a quarter of what a worker imports, and a worker that starts is waited for by all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import metadata
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from longterm.server.options import ServerOptions
from longterm.service import MemoryService

__all__ = ["McpMount"]


class McpMount:
    """ASGI application for ``/mcp``; it answers between entering and leaving `running`."""

    _ready: asyncio.Future[ASGIApp]

    def __init__(self, options: ServerOptions, service: Callable[[], MemoryService]) -> None:
        self._options = options
        self._service = service
        self._asked = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Serve until this is left."""
        self._ready = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(self._serve())
        try:
            yield
        finally:
            serving.cancel()
            await asyncio.wait([serving])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, the first one once there is something to answer it."""
        self._asked.set()
        # One that goes away does not take it from the others.
        app = await asyncio.shield(self._ready)
        await app(scope, receive, send)

    async def _serve(self) -> None:
        # The session manager is entered and left by one task, which no single request is.
        while True:
            await self._asked.wait()
            async with AsyncExitStack() as stack:
                try:
                    manager, app = await asyncio.to_thread(self._made)
                    await stack.enter_async_context(manager.run())
                except Exception as error:  # noqa: BLE001 - those that wait have it; the next tries again
                    self._asked.clear()
                    failed, self._ready = self._ready, asyncio.get_running_loop().create_future()
                    failed.set_exception(error)
                    continue
                self._ready.set_result(app)
                await asyncio.Event().wait()

    def _made(self) -> tuple[Any, ASGIApp]:
        from mcp.server.transport_security import (
            TransportSecuritySettings,
        )

        from longterm.server.mcp import memory_server

        server = memory_server(self._service, version=metadata.version("longterm"))
        app = server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            max_request_body_size=self._options.max_body,
            # The gate checks the host, for all protocols alike.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        return server.session_manager, app
