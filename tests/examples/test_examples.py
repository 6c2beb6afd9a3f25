"""The programs in examples/ do what they say, with scripted models in place of real ones."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from fastapi.testclient import TestClient
from langchain_core.runnables import RunnableConfig, RunnableLambda
from nbclient import NotebookClient
from postgres_server import fresh_schema, server_url
from replies import replies_by_task
from running_server import running_server

from longterm.reflect.worker import run_worker
from longterm.stores import EmbeddedStore, PostgresStore
from longterm.testing import ScriptedChatModel

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{Path(path).stem}", EXAMPLES / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def by_task(memory: str, answer: Callable[[str], str]) -> ScriptedChatModel:
    return ScriptedChatModel(*replies_by_task(memory, answer))


def in_kyoto(prompt: str) -> str:
    return "In Kyoto." if "Kyoto" in prompt.partition("</memory>")[0] else "I do not know yet."


def test_the_chat_remembers_what_was_said_in_an_earlier_one(tmp_path: Path) -> None:
    chat = example("chat.py").chat
    model = by_task("The user lives in Kyoto", in_kyoto)
    options = {"database": str(tmp_path / "chat.db")}
    assert list(chat(model, ["I moved to Kyoto."], thread="1", **options)) == ["I do not know yet."]
    assert list(chat(model, ["Where do I live?"], thread="2", **options)) == ["In Kyoto."]


def test_the_agent_knows_each_user_by_what_that_user_said(tmp_path: Path) -> None:
    agents = example("agent.py")

    def answer(prompt: str) -> str:
        return "You play tennis then." if "tennis" in prompt.partition("user:")[2] else "Noted."

    with EmbeddedStore(tmp_path / "agent.db") as store:
        agent = agents.make_agent(by_task("Ann plays tennis on Thursdays", answer), store)
        agents.ask(agent, "ann", "I play tennis on Thursdays at six.", "monday")
        agents.ask(agent, "bob", "Hello!", "monday")
        found = {tuple(item.namespace): item.value for item in store.search(("memories",))}
        assert found[("memories", "ann")]["content"] == {"content": "Ann plays tennis on Thursdays"}
        turns = {item.value["content"] for item in store.search(("turns", "bob"))}
        assert turns == {"Hello!", "Noted."}
        answered = agents.ask(agent, "ann", "Am I free on Thursday evening?", "friday")
        assert answered == "You play tennis then."


@pytest.mark.parametrize("where", ["file", "postgres"])
def test_the_service_keeps_its_users_apart_and_erases_one(where: str, tmp_path: Path) -> None:
    make_app = example("service/app.py").make_app
    model = by_task("The user lives in Kyoto", in_kyoto)
    store = str(tmp_path / "m.db") if where == "file" else server_url()
    with TestClient(make_app(model, store)) as client:
        said = {"words": "I moved to Kyoto.", "thread": "1"}
        assert client.post("/chat/ann", json=said).json() == {"answer": "I do not know yet."}
    with TestClient(make_app(model, store)) as client:  # what was in the background is done
        asked = {"words": "Where do I live?", "thread": "2"}
        assert client.post("/chat/ann", json=asked).json() == {"answer": "In Kyoto."}
        assert client.post("/chat/bob", json=asked).json() == {"answer": "I do not know yet."}
        assert client.get("/memories/ann").json()[0]["content"] == "The user lives in Kyoto"
        assert client.delete("/users/ann").json()["removed"]["items"] > 0
        assert client.get("/memories/ann").json() == []


def test_what_the_program_hands_over_a_worker_remembers(tmp_path: Path) -> None:
    worker = example("worker/app.py")
    database = f"sqlite:///{tmp_path}/reflections.db"
    model = by_task("Ann works at the harbour", in_kyoto)
    reflected = threading.Event()
    with fresh_schema() as schema, PostgresStore(server_url(), schema=schema) as store:
        manager = worker.make_manager(model, store)
        asyncio.run(worker.converse(manager, database, after_seconds=0))
        assert store.search(("memories", "ann")) == []

        def reflect(payload: Any, config: RunnableConfig) -> None:
            manager.invoke(payload, config)
            reflected.set()

        runs = threading.Thread(
            target=run_worker, args=(RunnableLambda(reflect), database), kwargs={"until": reflected}
        )
        runs.start()
        runs.join(60)
        (item,) = store.search(("memories", "ann"))
        assert item.value["content"] == {"content": "Ann works at the harbour"}


def test_the_notebook_runs_from_top_to_bottom() -> None:
    form: Any = nbformat  # untyped
    notebook = form.read(EXAMPLES / "tour.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120).execute()
    printed = json.dumps([cell.get("outputs") for cell in notebook.cells])
    assert "green Brompton" in printed
    assert "Ann is vegetarian" in printed


@pytest.mark.parametrize("name", ["claude_code", "cursor", "vscode"])
def test_the_command_in_each_assistants_configuration_is_one_we_have(name: str) -> None:
    (servers,) = json.loads((EXAMPLES / f"mcp/{name}.json").read_text("utf-8")).values()
    assert servers["memory"]["command"] == "longterm"
    command = [sys.executable, "-m", "longterm", *servers["memory"]["args"], "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.timeout(300)
def test_the_typescript_client_checks_and_works(tmp_path: Path) -> None:
    folder = tmp_path / "client"
    shutil.copytree(EXAMPLES / "typescript", folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
    fetched = subprocess.run(install, capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(f"npm could not fetch the packages: {fetched.stderr[-200:]}")
    bin_ = folder / "node_modules" / ".bin"
    checked = subprocess.run(
        [str(bin_ / "tsc"), "-p", str(folder)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    with running_server(tmp_path) as server:
        command = [str(bin_ / "tsx"), str(folder / "client.ts"), server.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["revision"] == 2
    assert "My bike is a green Brompton." in said["items"]
