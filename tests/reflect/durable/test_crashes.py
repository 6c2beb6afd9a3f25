"""Workers that are killed in the middle of their work lose nothing and repeat nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig, RunnableLambda

from longterm.errors import StoreError
from longterm.reflect import LocalReflectionExecutor, ReflectionExecutor

sys.path.insert(0, str(Path(__file__).parent))
from shop import MEMORIES, open_store

PROGRAM = Path(__file__).parent / "shop.py"


@dataclass
class Shop:
    """A database of jobs, a store, a log, and the workers on them."""

    url: str
    store: str
    log: Path
    executor: LocalReflectionExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.log.touch()
        self.executor = ReflectionExecutor(RunnableLambda(str), durable=self.url, max_workers=0)

    def submit(
        self, thread: str, text: str, *, pause: float = 0, after: float = 0, hang: bool = False
    ) -> Future[Any]:
        config = RunnableConfig(configurable={"thread_id": thread})
        payload = {"thread": thread, "text": text, "pause": pause, "hang": hang}
        return self.executor.submit(payload, config, after_seconds=after)

    @contextmanager
    def worker(self) -> Generator[subprocess.Popen[str]]:
        command = [sys.executable, str(PROGRAM), self.url, self.store, str(self.log)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:  # noqa: S603
            try:
                assert worker.stdout is not None
                assert worker.stdout.readline() == "ready\n"
                yield worker
            finally:
                worker.kill()

    def notes(self, word: str) -> list[tuple[str, str]]:
        """Who noted *word* about what: pairs of a process and a text."""
        lines = (line.split(" ", 2) for line in self.log.read_text().splitlines())
        return [(pid, text) for noted, pid, text in lines if noted == word]

    def memories(self, thread: str) -> list[str]:
        with open_store(self.store) as store:
            found = store.search(("memories", thread), limit=100)
        return sorted(item.value["content"] for item in found)


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """Return a shop on the database named by the test's parameter."""
    url = request.getfixturevalue(request.param)()
    store = url if url.startswith("postgres") else str(tmp_path / "memories.db")
    shop = Shop(url, store, tmp_path / "log")
    yield shop
    shop.executor.shutdown()


def until(condition: Callable[[], bool], seconds: float = 60) -> float:
    """Wait for *condition* and return how long it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds
        time.sleep(0.02)
    return time.monotonic() - begin


def _kill_again_and_again(shop: Shop, *, jobs: int, kills: int, seed: int) -> Counter[str]:
    """Do *jobs* while workers are killed, and return how often each was started."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    futures: list[Future[Any]] = []
    for number in range(jobs):
        shop.submit(f"t{number}", f"draft {number}", pause=0.02, after=5)
        futures.append(shop.submit(f"t{number}", f"final {number}", pause=0.05))
    for _ in range(kills):
        with shop.worker() as worker:
            seen = len(shop.notes("start"))
            until(lambda: len(shop.notes("start")) > seen or all(f.done() for f in futures))  # noqa: B023
            time.sleep(chance.uniform(0, 0.4))
            worker.send_signal(signal.SIGKILL)
    with shop.worker():
        for future in futures:
            future.result(120)
    return Counter(text for _, text in shop.notes("start"))


def _assert_each_once(shop: Shop, jobs: int) -> None:
    for number in range(jobs):
        expected = [f"final {number} #{memory}" for memory in range(MEMORIES)]
        assert shop.memories(f"t{number}") == expected


def on(*databases: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shop", databases, indirect=True)


@on("sqlite")
def test_killed_workers_lose_nothing_and_store_each_memory_once(shop: Shop) -> None:
    started = _kill_again_and_again(shop, jobs=20, kills=2, seed=1)
    _assert_each_once(shop, 20)
    assert max(started.values()) > 1, "no kill found a job half-way: the test proves nothing"


@on("sqlite", "postgres")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_over_two_hundred_jobs(shop: Shop) -> None:
    started = _kill_again_and_again(shop, jobs=200, kills=20, seed=2)
    _assert_each_once(shop, 200)
    repeated = sum(count - 1 for count in started.values())
    sys.stderr.write(f"\n{shop.url.split(':')[0]}: {repeated} jobs were killed and repeated\n")
    assert repeated >= 20


def _await_both_at_work(shop: Shop) -> None:
    """Submit small jobs until two workers have done some."""
    futures: list[Future[Any]] = []
    while len({pid for pid, _ in shop.notes("start")}) < 2:
        number = len(futures)
        futures.append(shop.submit(f"warm{number}", f"warm {number}", pause=0.05))
        time.sleep(0.1)
    for future in futures:
        future.result(60)


@on("postgres", pytest.param("sqlite", marks=pytest.mark.slow))
def test_of_two_workers_the_living_one_takes_over_within_ten_seconds(shop: Shop) -> None:
    with shop.worker() as one, shop.worker() as other:
        _await_both_at_work(shop)
        workers = {str(worker.pid): worker for worker in (one, other)}
        future = shop.submit("t", "final", hang=True)
        until(lambda: "final" in [text for _, text in shop.notes("start")])
        time.sleep(2)  # no worker takes it from one that lives
        [[first, _]] = [note for note in shop.notes("start") if note[1] == "final"]
        workers[first].kill()
        took = until(lambda: len([n for n in shop.notes("start") if n[1] == "final"]) == 2)
        future.result(60)
    sys.stderr.write(f"\n{shop.url.split(':')[0]}: taken over after {took:.1f} s\n")
    assert took < 10
    assert shop.memories("t") == [f"final #{memory}" for memory in range(MEMORIES)]
    assert {count for text, count in _starts(shop) if text != "final"} == {1}


def _starts(shop: Shop) -> list[tuple[str, int]]:
    return list(Counter(text for _, text in shop.notes("start")).items())


def test_a_worker_that_is_told_to_stop_finishes_what_it_does(
    sqlite: Callable[[], str], tmp_path: Path
) -> None:
    shop = Shop(sqlite(), str(tmp_path / "memories.db"), tmp_path / "log")
    with shop.worker() as worker:
        shop.submit("t", "now", pause=0.5)
        later = shop.submit("u", "later", pause=0.0, after=60)
        until(lambda: len(shop.notes("start")) == 1)
        worker.terminate()
        assert worker.wait(60) == 0
    assert [text for _, text in shop.notes("end")] == ["now"]
    assert not later.done()
    shop.executor.shutdown()


def kill_server(server: Any) -> None:
    os.kill(server.get_postmaster_info().pid, signal.SIGQUIT)
    time.sleep(1)


def start_again(server: Any) -> None:
    """Start a killed server; it refuses until the last of its old processes is gone."""

    def started() -> bool:
        try:
            server.ensure_postgres_running()
        except subprocess.CalledProcessError:
            return False
        return True

    until(started)


@pytest.mark.slow
def test_a_database_that_comes_back_finds_its_workers_waiting(postgres_server: Any) -> None:
    executor = ReflectionExecutor(RunnableLambda(lambda x: x), durable=postgres_server.get_uri())
    later = executor.submit("later", {}, after_seconds=4)
    kill_server(postgres_server)
    with pytest.raises(StoreError, match="no server answers there"):
        executor.submit("meanwhile", {})
    assert not later.cancel()
    start_again(postgres_server)
    assert later.result(60) == "later"
    assert executor.submit("again", {}).result(60) == "again"
    executor.shutdown()


@pytest.mark.slow
def test_a_shutdown_without_a_database_says_so_and_lets_go(postgres_server: Any) -> None:
    executor = ReflectionExecutor(RunnableLambda(lambda x: x), durable=postgres_server.get_uri())
    future = executor.submit("later", {}, after_seconds=1)
    kill_server(postgres_server)
    with pytest.raises(StoreError, match="no server answers there"):
        executor.shutdown()
    assert future.cancelled()
    start_again(postgres_server)
    with ReflectionExecutor(
        RunnableLambda(lambda x: x), durable=postgres_server.get_uri()
    ) as executor:
        assert executor.submit("again", {}).result(60) == "again"
