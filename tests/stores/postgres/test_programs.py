"""The store in real programs: a worker that is killed, uvicorn's workers, a notebook."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import nbformat
import psycopg
import pytest
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.postgres import PostgresSaver
from nbclient import NotebookClient
from postgres_server import own_server

import longterm
from longterm.errors import StoreError
from longterm.reflect import ReflectionExecutor
from longterm.stores import PostgresStore

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """Return a server that these tests may kill."""
    with own_server() as running:
        yield running


@pytest.fixture
def database(server: Any, request: pytest.FixtureRequest) -> str:
    """Make a database of the test's own; its URL."""
    name = f"of_{abs(hash(request.node.name))}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return str(server.get_uri(name))


@contextmanager
def program(database: str, *command: str, **environment: str) -> Generator[subprocess.Popen[str]]:
    """Run a Python module as a program of its own, with its workers, until it is killed."""
    path = os.pathsep.join([str(Path(longterm.__file__).parents[1]), str(HERE)])
    known = os.environ | {"TEST_DATABASE": database, "PYTHONPATH": path} | environment
    with subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-m", *command], env=known, cwd=HERE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def until(condition: Callable[[], bool], seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kill_and_start_again(server: Any) -> None:
    """End the server as a crash does; it starts once the last of its old processes is gone."""
    pid = server.get_postmaster_info().pid
    os.kill(pid, signal.SIGQUIT)
    until(lambda: not Path(f"/proc/{pid}").exists())

    def started() -> bool:
        try:
            server.ensure_postgres_running()
        except (subprocess.CalledProcessError, AssertionError):
            return False
        return True

    until(started)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_workers_and_a_server_that_are_killed_lose_and_repeat_nothing(
    server: Any, database: str
) -> None:
    tastes = [f"dish number {number}" for number in range(8)]
    worker = ("longterm", "worker", "programs:manager", "--db", database)
    with (
        PostgresStore(database, busy_timeout=60) as store,
        ReflectionExecutor(RunnableLambda(str), durable=database, max_workers=0) as executor,
    ):
        for number, taste in enumerate(tastes):
            config: Any = {"configurable": {"user_id": "ann", "thread_id": str(number)}}
            said = [{"role": "user", "content": f"I like {taste}."}]
            executor.submit({"messages": said}, config, after_seconds=0)

        def known() -> list[str]:
            try:
                found = store.search(("memories",), limit=100)
            except StoreError:  # the server is away
                return []
            return sorted(item.value["content"]["content"] for item in found)

        with program(database, *worker, TEST_PAUSE="0.3"):
            until(lambda: len(known()) >= 2)
        with program(database, *worker, TEST_PAUSE="0.3"):
            until(lambda: len(known()) >= 4)
            kill_and_start_again(server)
            until(lambda: len(known()) == len(tastes))
        assert known() == sorted(f"Likes {taste}" for taste in tastes)
        for item in store.search(("memories",), limit=100):
            assert len(store.get_revisions(item.namespace, item.key)) == 1
        assert store.check() == []


@pytest.mark.timeout(300)
def test_uvicorns_workers_share_one_database_with_the_checkpointer(database: str) -> None:
    with PostgresSaver.from_conn_string(database) as saver:
        saver.setup()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    at = f"http://127.0.0.1:{port}"
    command = ("uvicorn", "programs:app", "--workers", "2", "--port", str(port))
    with program(database, *command, "--log-level", "warning"), httpx.Client(timeout=60) as client:

        def say(number: int) -> dict[str, Any]:
            # A connection of its own each, so that both workers get some.
            answer = httpx.post(f"{at}/say/user{number % 10}", params={"words": f"word {number}"})
            return answer.raise_for_status().json()

        def is_up() -> bool:
            try:
                return client.get(f"{at}/docs").is_success
            except httpx.TransportError:
                return False

        until(is_up)
        with ThreadPoolExecutor(8) as threads:
            first = list(threads.map(say, range(10)))  # one in each thread
            answers = [*first, *threads.map(say, range(10, 60))]
    assert len({answer["process"] for answer in answers}) == 2
    with PostgresStore(database) as store:
        kept = Counter(item.namespace for item in store.search(("notes",), limit=100))
        assert kept == {("notes", f"user{number}"): 6 for number in range(10)}
        assert store.check() == []


def test_a_notebook_calls_it_with_and_without_await(database: str) -> None:
    form: Any = nbformat.v4  # untyped
    first = f"""
from longterm.stores import PostgresStore
store = PostgresStore({database!r})
store.put(("n",), "a", {{"text": "noodle soup"}})
"""
    second = """
await store.aput(("n",), "b", {"text": "a hike"})
[item.key for item in await store.asearch(("n",), query="hike")]
"""
    third = f"""
import longterm
memory = longterm.open({database!r}, embeddings=None)
memory.user("ann").add("Ann likes tea")
found = await memory.user("ann").asearch("tea")
store.close()
memory.close()
[one.content for one in found]
"""
    cells = [form.new_code_cell(cell) for cell in (first, second, third)]
    notebook = form.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120).execute()
    assert notebook.cells[1].outputs[0].data["text/plain"] == "['b', 'a']"
    assert "Ann likes tea" in notebook.cells[2].outputs[0].data["text/plain"]
