"""The clients of other people against the running program: none of them knows longterm."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import httpx2
import pytest
from langgraph_sdk import get_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent
from running_server import Running, running_server

from mcp import ClientSession


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def key(server: Running) -> str:
    return server.run("keys", "create", "--user", "ann", "--store", "m.db")["key"]


async def test_langgraph_s_python_client_has_it_as_a_store(server: Running, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with get_client(url=server.url, headers=headers) as client:
        place = ["memories", "ann"]
        await client.store.put_item(place, "k", {"kind": "Memory", "content": {"content": "tea"}})
        item = await client.store.get_item(place, "k")
        assert item["value"]["content"] == {"content": "tea"}
        found = await client.store.search_items(place, query="tea")
        assert [one["key"] for one in found["items"]] == ["k"]
        listed = await client.store.list_namespaces(prefix=["memories", "ann"])
        assert listed == {"namespaces": [place]}
        await client.store.delete_item(place, "k")
        assert await client.store.get_item(place, "k") is None


SCRIPT = """
import { Client } from "@langchain/langgraph-sdk";
const [apiUrl, key] = process.argv.slice(2);
const client = new Client({ apiUrl, defaultHeaders: { Authorization: `Bearer ${key}` } });
const place = ["memories", "ann"];
await client.store.putItem(place, "js", { content: "Ann likes jazz" });
const item = await client.store.getItem(place, "js");
const found = await client.store.searchItems(place, { query: "jazz" });
const listed = await client.store.listNamespaces({ prefix: place });
await client.store.deleteItem(place, "js");
console.log(JSON.stringify({ item, found, listed, gone: await client.store.getItem(place, "js") }));
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.timeout(300)
def test_langgraph_s_javascript_client_has_it_as_a_store(
    server: Running, key: str, tmp_path: Path
) -> None:
    packages = ["@langchain/langgraph-sdk", "@langchain/core"]
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), *packages]
    fetched = subprocess.run(install, capture_output=True, text=True, check=False)  # noqa: S603 - two packages
    if fetched.returncode:
        pytest.skip(f"npm could not fetch the client: {fetched.stderr[-200:]}")
    script = tmp_path / "client.mjs"
    script.write_text(SCRIPT)
    command = [str(shutil.which("node")), str(script), server.url, key]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["item"]["value"] == {"content": "Ann likes jazz"}
    assert [one["key"] for one in said["found"]["items"]] == ["js"]
    assert said["listed"]["namespaces"] == [["memories", "ann"]]
    assert said["gone"] is None


def test_anthropic_s_client_has_it_as_memory_stores(server: Running, key: str) -> None:
    with anthropic.Anthropic(api_key=key, base_url=server.url, max_retries=0) as client:
        stores = client.beta.memory_stores
        store = stores.create(name="notes", description="what Ann wrote")
        assert [one.id for one in stores.list()] == [store.id]
        assert stores.update(store.id, name="papers").name == "papers"

        made = stores.memories.create(store.id, path="/notes/todo.md", content="buy tea")
        read = stores.memories.retrieve(made.id, memory_store_id=store.id)
        assert read.content == "buy tea"
        condition: Any = {"type": "content_sha256", "content_sha256": read.content_sha256}
        changed = stores.memories.update(
            made.id, memory_store_id=store.id, content="buy coffee", precondition=condition
        )
        assert changed.content_sha256 != read.content_sha256
        with pytest.raises(anthropic.ConflictError):
            stores.memories.update(
                made.id, memory_store_id=store.id, content="x", precondition=condition
            )
        with pytest.raises(anthropic.ConflictError):
            stores.memories.create(store.id, path="/notes/todo.md", content="x")
        with pytest.raises(anthropic.BadRequestError):
            stores.memories.create(store.id, path="/notes/../x", content="x")
        folders = list(stores.memories.list(store.id, depth=1))
        assert [one.path for one in folders] == ["/notes/"]

        versions = list(stores.memory_versions.list(store.id, memory_id=made.id, view="full"))
        assert [(one.operation, one.content) for one in versions] == [
            ("modified", "buy coffee"),
            ("created", "buy tea"),
        ]
        redacted = stores.memory_versions.redact(versions[1].id, memory_store_id=store.id)
        assert redacted.content is None
        assert redacted.redacted_at
        again = stores.memory_versions.retrieve(versions[1].id, memory_store_id=store.id)
        assert (again.content, again.path) == (None, None)
        kept = stores.memories.retrieve(made.id, memory_store_id=store.id)
        assert kept.content == "buy coffee"

        stores.memories.delete(made.id, memory_store_id=store.id)
        assert list(stores.memories.list(store.id)) == []
        assert stores.archive(store.id).archived_at
        with pytest.raises(anthropic.BadRequestError):
            stores.memories.create(store.id, path="/x", content="x")
        stores.delete(store.id)
        with pytest.raises(anthropic.NotFoundError):
            stores.retrieve(store.id)
    with (
        anthropic.Anthropic(api_key="no", base_url=server.url) as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        stranger.beta.memory_stores.list()


async def through_every_tool(session: ClientSession) -> None:
    async def call(tool: str, **arguments: Any) -> str:
        answer = await session.call_tool(tool, arguments)
        assert not answer.is_error, answer
        (content,) = answer.content
        assert isinstance(content, TextContent)
        return content.text

    tools = (await session.list_tools()).tools
    names = {"recall", "remember", "update_memory", "forget", "memory_history"}
    assert {tool.name for tool in tools} == names
    assert all(tool.annotations for tool in tools)
    shown = json.dumps([tool.model_dump(mode="json", exclude_none=True) for tool in tools])
    assert len(shown) / 4 <= 800, len(shown)

    id = json.loads(await call("remember", content="Ann keeps bees"))["id"]
    assert json.loads(await call("remember", content="Ann keeps bees"))["id"] == id
    assert "bees" in await call("recall", question="What does Ann keep?")
    await call("update_memory", id=id, content="Ann keeps wasps")
    assert len(json.loads(await call("memory_history", id=id))) == 2
    again = json.loads(await call("remember", content="Ann keeps bees"))["id"]
    assert again != id
    assert json.loads(await call("remember", content="Ann keeps bees"))["id"] == again
    said = [{"role": "user", "content": "I keep a diary"}]
    both = json.loads(await call("remember", content="Ann keeps goats", messages=said))
    assert both["kept"]
    found = await call("recall", question="What does Ann keep?")
    assert all(one in found for one in ("bees", "wasps", "goats", "diary"))
    assert json.loads(await call("forget", id=id))["forgotten"]
    assert not json.loads(await call("forget", id=id))["forgotten"]
    wrong = await session.call_tool("update_memory", {"id": "none", "content": "x"})
    assert wrong.is_error


async def test_an_agent_remembers_over_http(server: Running, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        streamable_http_client(f"{server.url}/mcp", http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        await through_every_tool(session)


async def test_an_agent_remembers_over_standard_input_and_output(server: Running) -> None:
    words = ["-m", "longterm", "mcp", "--store", "own.db", "--user", "ann", "--embeddings", "none"]
    parameters = StdioServerParameters(
        command=sys.executable, args=words, env=server.env, cwd=server.folder
    )
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        await through_every_tool(session)


def test_a_slash_in_an_id_comes_through_a_real_server(server: Running, key: str) -> None:
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}) as client:
        memories = "/v1/users/ann/memories"
        client.post(memories, json={"content": "Ann likes tea", "id": "drinks/1"})
        assert client.get(f"{memories}/drinks%2F1").json()["id"] == "drinks/1"
        assert client.delete(f"{memories}/drinks%2F1").status_code == 204


def test_a_port_that_is_taken_is_an_error_that_names_it(server: Running) -> None:
    command = [sys.executable, "-m", "longterm", "serve", "--port", str(server.port), "--json"]
    done = subprocess.run(  # noqa: S603 - ours
        [*command, "--store", "m.db"],
        capture_output=True,
        check=False,
        cwd=server.folder,
        env=server.env,
    )
    error = json.loads(done.stderr)["error"]
    assert (done.returncode, error["type"]) == (1, "ConfigurationError")
    assert str(server.port) in error["message"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_keeps_a_server_from_starting_is_a_sentence_in_its_log(
    server: Running, workers: str
) -> None:
    command = [sys.executable, "-m", "longterm", "serve", "--port", "0", "--workers", workers]
    done = subprocess.run(  # noqa: S603 - ours
        [*command, "--store", "other.db", "--embeddings", "nothing"],
        capture_output=True,
        check=False,
        cwd=server.folder,
        env=server.env,
        text=True,
    )
    assert done.returncode
    assert "Embeddings 'nothing': no such model is known." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stranger_reaches_no_protocol(server: Running, key: str) -> None:
    for path in ("/v1/users/ann/memories", "/store/items", "/mcp", "/v1/memory_stores"):
        assert httpx.get(f"{server.url}{path}").status_code == 401
        wrong = {"Authorization": f"Bearer {key[:-2]}xx"}
        assert httpx.get(f"{server.url}{path}", headers=wrong).status_code == 401
