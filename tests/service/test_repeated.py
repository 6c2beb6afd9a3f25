"""A conversation that is sent twice under one key."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from langgraph.store.memory import InMemoryStore

import longterm
from longterm.errors import ConflictError, ExtractionError, InvalidInputError
from longterm.service import MemoryChange, MemoryService, UserMemory, remember_once
from longterm.testing import Reply, ScriptedChatModel, tool_calls

SAID = "I moved to Lyon"
LYON = tool_calls(("Memory", {"content": "Ann moved to Lyon"}))


def opened(*script: Reply) -> tuple[MemoryService, UserMemory]:
    service = longterm.open(InMemoryStore(), model=ScriptedChatModel(*script))
    return service, service.user("ann")


async def test_a_conversation_sent_twice_is_learned_from_once_and_answered_alike() -> None:
    service, ann = opened(LYON)
    async with service:
        for_ann = partial(remember_once, service, ann, "key", SAID, partial(ann.aremember, SAID))
        first, second = await for_ann(), await for_ann()
        assert first == second
        assert [one.content for one in await ann.alist()] == ["Ann moved to Lyon"]


async def test_a_key_is_for_one_request_of_one_user() -> None:
    service, ann = opened(LYON, LYON)
    bo = service.user("bo")
    async with service:
        await remember_once(service, ann, "key", SAID, partial(ann.aremember, SAID))
        with pytest.raises(InvalidInputError):
            await remember_once(service, ann, "key", "other", partial(ann.aremember, "other"))
        assert await remember_once(service, bo, "key", SAID, partial(bo.aremember, SAID))


async def test_a_request_that_failed_may_be_sent_again() -> None:
    service, ann = opened(RuntimeError("away"), LYON)
    async with service:
        with pytest.raises((ExtractionError, RuntimeError)):
            await remember_once(service, ann, "key", SAID, partial(ann.aremember, SAID))
        assert await remember_once(service, ann, "key", SAID, partial(ann.aremember, SAID))


async def test_a_request_that_still_runs_is_not_begun_again() -> None:
    service, ann = opened()

    async def again() -> list[MemoryChange]:
        with pytest.raises(ConflictError):
            await remember_once(service, ann, "key", SAID, partial(ann.aremember, SAID))
        return []

    async with service:
        assert await remember_once(service, ann, "key", SAID, again) == []


async def test_of_two_equal_requests_at_the_same_moment_one_is_carried_out(tmp_path: Path) -> None:
    path, runs, met = tmp_path / "memory.db", [0], asyncio.Event()
    workers = [longterm.open(path, embeddings=None) for _ in range(2)]

    async def remember() -> list[MemoryChange]:
        runs[0] += 1
        if runs[0] > 1:
            met.set()
        await met.wait()
        return []

    async def asked(worker: MemoryService) -> object:
        try:
            return await remember_once(worker, worker.user("ann"), "key", SAID, remember)
        except ConflictError as error:
            met.set()
            return error

    answers = await asyncio.gather(*map(asked, workers))
    assert runs == [1]
    assert sorted(isinstance(one, ConflictError) for one in answers) == [False, True]
    for worker in workers:
        await worker.aclose()


async def test_nothing_said_is_kept_with_a_request_and_nothing_of_it_after_an_erase() -> None:
    service, ann = opened(LYON)
    async with service:
        await remember_once(service, ann, "key", SAID, partial(ann.aremember, SAID))
        (kept,) = await service.own_items.asearch(("longterm-requests", "ann"))
        assert "Lyon" not in str(kept.value)
        await ann.aerase()
        assert await service.own_items.asearch(("longterm-requests",)) == []
