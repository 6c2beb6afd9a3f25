"""A conversation that is sent twice under one key."""

import asyncio
import signal
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from langgraph.store.memory import InMemoryStore

import longterm
from longterm.errors import ConflictError, ExtractionError, InvalidInputError
from longterm.service import Learned, MemoryService, UserMemory, remember_once
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

    async def again() -> Learned:
        with pytest.raises(ConflictError):
            await remember_once(service, ann, "key", SAID, partial(ann.aremember, SAID))
        return Learned()

    async with service:
        assert await remember_once(service, ann, "key", SAID, again) == []


async def test_of_two_equal_requests_at_the_same_moment_one_is_carried_out(tmp_path: Path) -> None:
    path, runs, met = tmp_path / "memory.db", [0], asyncio.Event()
    workers = [longterm.open(path, embeddings=None) for _ in range(2)]

    async def remember() -> Learned:
        runs[0] += 1
        if runs[0] > 1:
            met.set()
        await met.wait()
        return Learned()

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


SENDING = """
import asyncio, sys
import longterm
from longterm.errors import ConflictError
from longterm.service import Learned, remember_once

def tell(word):
    print(word, flush=True)
    sys.stdin.readline()

async def main():
    async with longterm.open(sys.argv[1], embeddings=None) as service:
        async def remember():
            await asyncio.to_thread(tell, "runs")
            return Learned()
        tell("ready")
        try:
            await remember_once(service, service.user("ann"), "key", "I moved to Lyon", remember)
        except ConflictError:
            tell("refused")

asyncio.run(main())
"""


async def test_of_two_processes_that_send_the_same_at_once_one_carries_it_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "memory.db"
    longterm.open(path, embeddings=None).close()
    senders = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", SENDING, str(path), stdin=PIPE, stdout=PIPE
        )
        for _ in range(2)
    ]

    async def next_words() -> list[str]:
        words = [(await cast("StreamReader", one.stdout).readline()).decode() for one in senders]
        return sorted(word.strip() for word in words)

    def go_on() -> None:
        for one in senders:
            cast("StreamWriter", one.stdin).write(b"\n")

    assert await next_words() == ["ready", "ready"]
    go_on()
    # Neither ends before both have said what became of it.
    assert await next_words() == ["refused", "runs"]
    go_on()
    assert [await one.wait() for one in senders] == [0, 0]


async def test_nothing_said_is_kept_with_a_request_and_nothing_of_it_after_an_erase() -> None:
    service, ann = opened(LYON)
    async with service:
        await remember_once(service, ann, "key", SAID, partial(ann.aremember, SAID))
        (kept,) = await service.own_items.asearch(("longterm-requests", "ann"))
        assert "Lyon" not in str(kept.value)
        await ann.aerase()
        assert await service.own_items.asearch(("longterm-requests",)) == []


async def test_a_request_that_goes_on_is_not_begun_again_after_its_lease(tmp_path: Path) -> None:
    lease, ended, runs = timedelta(milliseconds=300), asyncio.Event(), [0]
    async with longterm.open(tmp_path / "memory.db", embeddings=None) as service:
        ask = partial(remember_once, service, service.user("ann"), "key", SAID)

        async def remember() -> Learned:
            runs[0] += 1
            await ended.wait()
            return Learned()

        async def is_renewed() -> bool:
            marks = await service.own_items.asearch(("longterm-requests", "ann"))
            return any(mark.updated_at - mark.created_at > lease for mark in marks)

        first = asyncio.create_task(ask(remember, lease=lease))
        async with asyncio.timeout(60):
            while True:
                if await is_renewed():
                    break
                await asyncio.sleep(0.02)
        with pytest.raises(ConflictError):
            await ask(remember)
        ended.set()
        assert await first == []
        assert runs == [1]


KILLED = """
import asyncio, os, signal, sys
import longterm
from longterm.service import Learned, remember_once

async def main():
    service = longterm.open(sys.argv[1], embeddings=None)
    async def remember():
        os.kill(os.getpid(), signal.SIGKILL)
    await remember_once(service, service.user("ann"), "key", "I moved to Lyon", remember)

asyncio.run(main())
"""


async def test_a_request_of_a_killed_process_may_be_sent_again_after_its_lease(
    tmp_path: Path,
) -> None:
    path, lease = tmp_path / "memory.db", timedelta(seconds=2)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(path))
    assert await child.wait() == -signal.SIGKILL
    async with longterm.open(path, embeddings=None) as service:

        async def remember() -> Learned:
            return Learned()

        ask = partial(remember_once, service, service.user("ann"), "key", SAID, remember)
        with pytest.raises(ConflictError):
            await ask()
        async with asyncio.timeout(30):
            while True:
                try:
                    assert await ask(lease=lease) == []
                except ConflictError:
                    await asyncio.sleep(0.1)
                else:
                    break
