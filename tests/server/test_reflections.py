"""What was to be learned in the background and was given up: seen, and begun again."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from langchain_core.runnables import RunnablePassthrough

import longterm
from longterm.errors import ConfigurationError, LongtermError
from longterm.reflect import ReflectionExecutor
from longterm.server.app import build
from longterm.server.options import ServerOptions
from longterm.service import MemoryService
from longterm.testing import ScriptedChatModel, tool_calls

Connect = Callable[..., Awaitable[httpx.AsyncClient]]
MakeKey = Callable[..., Awaitable[str]]

FAILED = "/v1/reflections"


@pytest.fixture
def service() -> MemoryService:
    """Return a service whose model fails once, with words that are nobody's business."""
    learned = tool_calls(("Memory", {"content": "Ann moved to Lyon"}))
    model = ScriptedChatModel(ValueError("a secret"), learned)
    return longterm.open(":memory:", embeddings=None, model=model)


async def given_up(client: httpx.AsyncClient, service: MemoryService) -> dict[str, Any]:
    """Have something be learned in the background in vain; return it as the list has it."""
    body = {"messages": "I moved to Lyon", "thread": "monday", "wait": False}
    await client.post("/v1/users/ann@home.org/remember", json=body)
    await all_done(service)
    (failed,) = (await client.get(FAILED)).json()["failed"]
    return failed


async def all_done(service: MemoryService) -> None:
    async with asyncio.timeout(20):
        while True:
            if not service.queue():
                return
            await asyncio.sleep(0.02)


async def learned(service: MemoryService) -> list[Any]:
    await all_done(service)
    return [one.content for one in await service.user("ann@home.org").alist()]


async def test_what_was_given_up_is_listed_and_begun_again(
    connect: Connect, service: MemoryService
) -> None:
    client = await connect()
    failed = await given_up(client, service)
    assert failed["namespace"] == ["memories", "ann@home.org"]
    assert failed["error"].startswith("ValueError")
    assert "secret" not in str(failed)
    assert (await client.post(f"{FAILED}/{failed['id']}/retry")).status_code == 202
    assert await learned(service) == ["Ann moved to Lyon"]
    assert (await client.get(FAILED)).json() == {"queue": [], "failed": []}
    again = await client.post(f"{FAILED}/{failed['id']}/retry")
    assert again.status_code == 404
    assert again.headers["content-type"] == "application/problem+json"


async def test_the_console_has_a_button_for_it(connect: Connect, service: MemoryService) -> None:
    client = await connect()
    await given_up(client, service)
    page = (await client.get("/reflections")).text
    assert "ann@home.org" in page
    (action,) = re.findall(r'action="(/reflections/[^"]+/retry)"', page)
    mark = re.findall(r'name="mark" value="([^"]+)"', page)[0]
    assert (await client.post(action)).status_code == 403
    assert (await client.post(action, data={"mark": mark})).status_code == 303
    assert await learned(service) == ["Ann moved to Lyon"]
    assert (await client.post(action, data={"mark": mark})).status_code == 404


async def test_they_are_for_administrators(connect: Connect, make_key: MakeKey) -> None:
    client = await connect(await make_key("ann"))
    assert (await client.get(FAILED)).status_code == 403
    assert (await client.post(f"{FAILED}/x/retry")).status_code == 403


async def test_what_waits_when_a_server_starts_is_learned_before_any_request(
    tmp_path: Path,
) -> None:
    pytest.importorskip("dbos")
    database = f"sqlite:///{tmp_path}/reflections.db"

    def opened(*script: Any) -> MemoryService:
        model = ScriptedChatModel(*script)
        return longterm.open(
            tmp_path / "longterm.db", model=model, embeddings=None, reflect=database
        )

    with opened(ValueError("busy")) as service:
        service.user("ann").remember("I moved to Lyon", wait=False)
        await all_done(service)
        (failure,) = service.failures()
    waiting = ReflectionExecutor(
        RunnablePassthrough(), durable=database, name="longterm", max_workers=0
    )
    waiting.retry(failure.id)
    waiting.shutdown()

    service = opened(tool_calls(("Memory", {"content": "Ann lives in Lyon"})))
    app = build(ServerOptions(), service)
    async with app.router.lifespan_context(app), asyncio.timeout(30):
        while True:  # nothing here asks for the queue, which would have it taken up
            if await service.user("ann").alist():
                break
            await asyncio.sleep(0.02)
    service.close()


@pytest.mark.parametrize("name", ["longterm-2024", "longterm-02", "longterm-\u0662", "longterm-1"])
def test_what_another_program_left_under_a_like_name_is_let_alone(
    tmp_path: Path, name: str
) -> None:
    pytest.importorskip("dbos")
    database = f"sqlite:///{tmp_path}/reflections.db"
    theirs = ReflectionExecutor(RunnablePassthrough(), durable=database, name=name, max_workers=0)
    theirs.submit({"messages": ["We moved to Lyon"]}, {"configurable": {"thread_id": "t"}})
    service = longterm.open(
        ":memory:", model=ScriptedChatModel(), embeddings=None, reflect=database
    )
    assert service.queue() == []
    service.close()
    assert len(theirs.queue()) == 1
    theirs.shutdown()


async def test_reflections_that_can_be_kept_nowhere_just_now_do_not_make_a_server_end_in_an_error(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    pytest.importorskip("dbos")
    (tmp_path / "secret").write_text("a file, and no folder")
    nowhere = f"sqlite:///{tmp_path}/secret/reflections.db"
    service = longterm.open(":memory:", model=ScriptedChatModel(), embeddings=None, reflect=nowhere)
    app = build(ServerOptions(), service)
    async with app.router.lifespan_context(app):
        with pytest.raises(LongtermError):
            await service.user("ann").aremember("I moved to Lyon", wait=False)
    service.close()
    assert "is taken up later" in caplog.text
    assert "secret" not in caplog.text


def test_a_database_that_no_reflections_can_be_kept_in_is_refused_without_its_secrets() -> None:
    with pytest.raises(ConfigurationError, match="cannot be kept") as refused:
        longterm.open(":memory:", embeddings=None, reflect="mysql://ann:secret@host/db")
    assert "secret" not in str(refused.value)
