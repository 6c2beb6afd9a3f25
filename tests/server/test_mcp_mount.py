"""MCP comes with the first request that asks for it."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from langgraph.store.memory import InMemoryStore
from starlette.applications import Starlette
from starlette.routing import Route

import longterm
from longterm.server.mcp_mount import McpMount
from longterm.server.options import ServerOptions

Connect = Callable[..., Awaitable[httpx.AsyncClient]]

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
HEADERS = {"Accept": "application/json, text/event-stream"}


def test_an_application_is_made_without_mcp_s_packages() -> None:
    program = (
        "import sys; from longterm.server.app import build; "
        "from longterm.server.options import ServerOptions; build(ServerOptions()); "
        "sys.exit(bool({'mcp', 'mcp_types'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0  # noqa: S603 - ours


async def test_first_requests_that_come_together_are_all_answered(connect: Connect) -> None:
    client = await connect()
    asked = (client.post("/mcp", json=LIST, headers=HEADERS) for _ in range(5))
    for answer in await asyncio.gather(*asked):
        assert len(answer.json()["result"]["tools"]) == 5


class FailsOnce(McpMount):
    """Its packages cannot be imported the first time: the disk is full, say."""

    failed = False

    def _made(self) -> Any:
        if not self.failed:
            self.failed = True
            raise ImportError("mcp")
        return super()._made()


async def test_what_failed_for_one_request_is_tried_again_for_the_next() -> None:
    with longterm.open(InMemoryStore()) as service:
        mount = FailsOnce(ServerOptions(), lambda: service)
        app = Starlette(routes=[Route("/mcp", mount)])
        async with mount.running():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                with pytest.raises(ImportError):
                    await client.post("/mcp", json=LIST, headers=HEADERS)
                answer = await client.post("/mcp", json=LIST, headers=HEADERS)
                assert answer.status_code == 200


async def test_a_request_that_goes_away_takes_it_from_no_other(connect: Connect) -> None:
    client = await connect()
    first = asyncio.create_task(client.post("/mcp", json=LIST, headers=HEADERS))
    second = asyncio.create_task(client.post("/mcp", json=LIST, headers=HEADERS))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).status_code == 200
    assert (await client.post("/mcp", json=LIST, headers=HEADERS)).status_code == 200
