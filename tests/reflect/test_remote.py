"""Reflection on a real LangGraph server: the development server, on this machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from longterm.errors import ConfigurationError
from longterm.reflect import Executor, ReflectionExecutor

HERE = Path(__file__).parent / "server"
LANGGRAPH = shutil.which("langgraph") or str(Path(sys.executable).parent / "langgraph")
SOON = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a LangGraph server that serves `server/deployed.py`."""
    if not Path(LANGGRAPH).exists():
        pytest.skip("needs langgraph-cli[inmem]")
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(HERE / "deployed.py", folder)
    graphs = {name: f"./deployed.py:{name}" for name in ("memories", "notes", "chat")}
    graphs["reflection"] = "longterm.graphs:reflection"
    (folder / "langgraph.json").write_text(json.dumps({"dependencies": ["."], "graphs": graphs}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [LANGGRAPH, "dev", "--no-browser", "--no-reload", "--port", port]
    environment = os.environ | {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "LANGSMITH_TRACING": "false"}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(  # noqa: S603 - our own server
            command, cwd=folder, stdout=log, stderr=log, env=environment
        ) as running,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            _await_server(url, running, folder / "log")
            yield url
        finally:
            running.terminate()


def _await_server(url: str, running: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        assert running.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/ok").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.25)
    pytest.fail(log.read_text())


def until(condition: Callable[[], Any]) -> Any:
    begin = time.monotonic()
    while not (found := condition()):
        assert time.monotonic() - begin < SOON
        time.sleep(0.1)
    return found


def user(thread: str | None, user_id: str = "ann", **more: Any) -> RunnableConfig:
    threads = {} if thread is None else {"thread_id": thread}
    return RunnableConfig(configurable={**threads, "user_id": user_id, **more})


def notes(server: str, **which: Any) -> list[dict[str, Any]]:
    with ReflectionExecutor("notes", ("notes",), url=server) as executor:
        found = executor.search(filter=which, limit=100)
    return [item["value"] for item in found]


def test_a_conversation_becomes_a_memory_of_its_user_in_the_servers_store(server: str) -> None:
    with ReflectionExecutor("memories", ("memories", "{user_id}"), url=server) as executor:
        payload = {"messages": [HumanMessage("I like tea"), AIMessage("Good.")]}
        run = executor.submit(payload, user("t1", "ann@example.org")).result(SOON)
        assert run["status"] in ("pending", "running")
        [item] = until(lambda: executor.search(namespace=("memories", "ann@example.org")))
    assert item["namespace"] == ("memories", "ann@example%2Eorg")
    assert item["value"] == {"kind": "Memory", "content": {"content": "likes tea"}}


async def test_search_can_be_awaited(server: str) -> None:
    executor = ReflectionExecutor("memories", ("memories", "{user_id}"), url=server)
    await executor.asubmit(
        {"messages": [{"role": "user", "content": "I like figs"}]}, user("t2", "bob")
    )
    namespace = ("memories", "bob")
    while not (found := await executor.asearch(namespace=namespace)):
        time.sleep(0.1)  # noqa: ASYNC251 - this loop has no other task
    assert found[0]["value"]["content"] == {"content": "likes figs"}
    executor.shutdown()


def test_the_run_gets_the_users_keys_the_filled_namespace_and_the_thread(server: str) -> None:
    with ReflectionExecutor("notes", ("notes", "{user_id}"), url=server) as executor:
        run = executor.submit({"text": "keys"}, user("my thread", "ann")).result(SOON)
    assert UUID(run["thread_id"]), "a server takes nothing but UUIDs"
    [note] = until(lambda: notes(server, text="keys"))
    assert note == {
        "text": "keys",
        "thread_id": "my thread",
        "user_id": "ann",
        "namespace": ["notes", "ann"],
    }


def test_five_submits_in_a_row_make_one_run_with_the_last(server: str) -> None:
    with ReflectionExecutor("notes", ("notes",), url=server) as executor:
        for number in range(5):
            executor.submit({"text": f"five {number}"}, user("five"), after_seconds=3)
        executor.submit({"text": "other"}, user("another"), after_seconds=0)
    until(lambda: notes(server, text="other"))
    until(lambda: notes(server, text="five 4"))
    assert [n["text"] for n in notes(server) if n["text"].startswith("five")] == ["five 4"]


def test_without_a_thread_nothing_is_replaced(server: str) -> None:
    with ReflectionExecutor("notes", ("notes",), url=server) as executor:
        for number in range(3):
            executor.submit({"text": f"free {number}"}, user(None), after_seconds=1)
    until(lambda: len([n for n in notes(server) if n["text"].startswith("free")]) == 3)


def test_a_chat_on_the_same_server_is_not_disturbed_by_its_reflections(server: str) -> None:
    config: Any = {"configurable": {"url": server}}
    connection: Any = get_sync_client(url=server)
    with connection as client:
        thread = client.threads.create()["thread_id"]
        for message in ("hello", "again"):
            answer = client.runs.wait(thread, "chat", input=message, config=config)
            assert answer == f"answered {message}"
    [note] = until(lambda: notes(server, text="again"))
    assert note["thread_id"] == thread
    assert notes(server, text="hello") == []


def test_the_graph_that_is_shipped_says_what_it_needs(server: str) -> None:
    with ReflectionExecutor("reflection", ("memories",), url=server) as executor:
        run = executor.submit({"messages": "hello"}, user(str(uuid4()))).result(SOON)
    with get_sync_client(url=server) as client:
        until(lambda: client.threads.get(run["thread_id"])["status"] == "error")
        assert "needs a model" in json.dumps(client.threads.get_state(run["thread_id"]))


def test_what_the_server_refuses_is_on_the_future_and_in_the_log(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ReflectionExecutor("no such graph", ("notes",), url=server) as executor:
        future = executor.submit({"text": "x"}, user("t"))
        with pytest.raises(httpx.HTTPStatusError):
            future.result(SOON)
    assert "did not accept" in caplog.text


@pytest.fixture
def offline() -> Iterator[Executor]:
    """Return an executor for a server that is not there."""
    with ReflectionExecutor("notes", ("notes", "{user_id}"), url="http://127.0.0.1:9") as executor:
        yield executor


def test_a_missing_namespace_key_is_said_at_submit(offline: Executor) -> None:
    with pytest.raises(ConfigurationError, match="user_id"):
        offline.submit({}, RunnableConfig(configurable={"thread_id": "t"}))


def test_a_graph_needs_a_namespace() -> None:
    with pytest.raises(ConfigurationError, match="namespace second"):
        ReflectionExecutor("notes")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]


def test_submit_after_shutdown_is_refused(offline: Executor) -> None:
    offline.shutdown()
    with pytest.raises(ConfigurationError, match="shut down"):
        offline.submit({}, user("t"))


@pytest.mark.parametrize("status", [404, 409])
def test_a_pending_run_that_has_started_or_ended_meanwhile_stops_no_newer_one(status: int) -> None:
    """Served by a function, because no real server loses this race on demand."""

    def serve(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=[{"run_id": "first"}, {"run_id": "second"}])
        if "cancel" in request.url.path:
            cancelled.append(request.url.path.split("/")[-2])
            return httpx.Response(status, json={"detail": "too late"})
        return httpx.Response(200, json={"run_id": "newer"})

    cancelled: list[str] = []
    http = httpx.Client(transport=httpx.MockTransport(serve), base_url="http://server")
    client = SyncLangGraphClient(http)
    with ReflectionExecutor("notes", ("notes",), sync_client=client) as executor:
        assert executor.submit({}, user("t")).result(SOON) == {"run_id": "newer"}
    assert cancelled == ["first", "second"]
