"""A server in this process: the whole application, without a socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import longterm
from longterm.server.app import build
from longterm.server.options import ServerOptions
from longterm.service import MemoryService
from longterm.service.keys import Scope

Connect = Callable[..., Awaitable[httpx.AsyncClient]]
MakeKey = Callable[..., Awaitable[str]]
URL = "http://127.0.0.1:8787"


@pytest.fixture
def service() -> MemoryService:
    return longterm.open(":memory:", embeddings=None)


@pytest.fixture
async def connect(service: MemoryService) -> AsyncIterator[Connect]:
    """Start the application; each call returns a client that sends what it is given."""
    ended = asyncio.Event()
    running: list[asyncio.Task[None]] = []

    async def live(app: FastAPI, ready: asyncio.Event) -> None:
        async with app.router.lifespan_context(app):
            ready.set()
            await ended.wait()

    async def connected(key: str | None = None, **options: Any) -> httpx.AsyncClient:
        app, ready = build(ServerOptions(**options), service), asyncio.Event()
        running.append(asyncio.create_task(live(app, ready)))
        await ready.wait()
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=URL, headers=headers)

    yield connected
    ended.set()
    await asyncio.gather(*running)
    await service.aclose()


@pytest.fixture
def make_key(service: MemoryService) -> MakeKey:
    async def made(user: str | None, *scopes: Scope) -> str:
        _, text = await service.keys.acreate(user=user, scopes=scopes or ("read", "write"))
        return text

    return made
