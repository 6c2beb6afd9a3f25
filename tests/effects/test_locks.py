"""Locks on namespaces: one after another, in threads and in loops."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from langgraph.store.memory import InMemoryStore

from longterm.effects.locks import aexclusively, exclusively, held_places

A, B = ("a",), ("b",)


def test_nothing_stays_of_a_place_that_is_free(store: InMemoryStore) -> None:
    with exclusively(store, [A, B]):
        assert len(held_places) == 2
    assert held_places == {}


def test_other_namespaces_and_stores_are_not_waited_for(store: InMemoryStore) -> None:
    with exclusively(store, [A]), exclusively(store, [B]), exclusively(InMemoryStore(), [A]):
        pass


def test_threads_take_turns(store: InMemoryStore) -> None:
    inside, most = 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        with exclusively(store, [A, B]):
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    assert most == 1


def test_places_taken_crosswise_do_not_block(store: InMemoryStore) -> None:
    def work(number: int) -> None:
        with exclusively(store, [A, B] if number % 2 else [B, A]):
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))


async def test_a_task_waits_for_a_thread_without_blocking_its_loop(store: InMemoryStore) -> None:
    taken, release = threading.Event(), threading.Event()

    def hold() -> None:
        with exclusively(store, [A]):
            taken.set()
            release.wait()

    async def wait() -> str:
        async with aexclusively(store, [A]):
            return "mine"

    holding = asyncio.get_running_loop().run_in_executor(None, hold)
    await asyncio.to_thread(taken.wait)
    waiting = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    release.set()
    assert await waiting == "mine"
    await holding


async def test_a_cancelled_task_hands_its_turn_on(store: InMemoryStore) -> None:
    async def take() -> None:
        async with aexclusively(store, [A]):
            pass

    async with aexclusively(store, [A]):
        first, second = asyncio.ensure_future(take()), asyncio.ensure_future(take())
        await asyncio.sleep(0)
        first.cancel()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert held_places == {}


async def test_a_task_cancelled_just_when_its_turn_comes_hands_it_on(store: InMemoryStore) -> None:
    async def take() -> None:
        async with aexclusively(store, [A]):
            pass

    async with aexclusively(store, [A]):
        first = asyncio.ensure_future(take())
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert held_places == {}


async def test_a_thousand_cancels_at_random_moments_leave_no_place_taken(
    store: InMemoryStore,
) -> None:
    chance = random.Random(5)  # noqa: S311 - no secret

    async def hold(place: tuple[str, ...]) -> None:
        async with aexclusively(store, [place, ("shared",)]):
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)

    async def cancel_later(task: asyncio.Task[None]) -> None:
        for _ in range(chance.randrange(9)):
            await asyncio.sleep(0)
        task.cancel()

    for _ in range(50):
        tasks = [asyncio.create_task(hold((str(number % 3),))) for number in range(20)]
        await asyncio.gather(*map(cancel_later, tasks))
        await asyncio.gather(*tasks, return_exceptions=True)

    assert held_places == {}


async def test_a_blocking_call_in_the_holder_s_own_loop_does_not_wait_for_ever(
    store: InMemoryStore,
) -> None:
    async with aexclusively(store, [A]):
        with exclusively(store, [A]):
            pass
    assert held_places == {}


async def test_a_blocking_call_in_a_loop_goes_before_the_loop_s_own_tasks(
    store: InMemoryStore,
) -> None:
    taken, release = threading.Event(), threading.Event()

    def hold() -> None:
        with exclusively(store, [A]):
            taken.set()
            release.wait()

    async def take() -> None:
        async with aexclusively(store, [A]):
            pass

    holding = asyncio.get_running_loop().run_in_executor(None, hold)
    await asyncio.to_thread(taken.wait)
    task = asyncio.ensure_future(take())
    await asyncio.sleep(0)
    release.set()
    with exclusively(store, [A]):
        assert not task.done()
    await asyncio.gather(task, holding)
