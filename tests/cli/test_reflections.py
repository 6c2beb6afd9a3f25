"""What was given up in the background is listed, and begun again from the shell."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import longterm
from longterm.errors import ConfigurationError, InvalidInputError
from longterm.service import MemoryService
from longterm.testing import ScriptedChatModel, tool_calls

Run = Callable[..., Result]

pytest.importorskip("dbos")


@pytest.fixture
def learning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., MemoryService]:
    """Open the store of the commands with a model that answers so, in the background."""
    database = f"sqlite:///{tmp_path}/reflections.db"
    monkeypatch.setenv("LONGTERM_REFLECT", database)

    def opened(*script: Any) -> MemoryService:
        model = ScriptedChatModel(*script)
        store = tmp_path / "longterm.db"
        return longterm.open(store, model=model, embeddings=None, reflect=database)

    return opened


def test_what_was_given_up_is_begun_again_and_counted_for_its_user(
    run: Run, learning: Callable[..., MemoryService]
) -> None:
    with learning(ValueError("a secret")) as service:
        service.user("ann").remember("I moved to Lyon", wait=False)
    (failed,) = json.loads(run("reflections", "list", "--json").stdout)["failed"]
    shown = run("reflections", "list").stdout
    assert failed["id"] in shown
    assert "memories/ann" in shown
    assert "secret" not in shown
    assert json.loads(run("reflections", "retry", "--json").stdout) == {"retried": [failed["id"]]}

    reply = tool_calls(("Memory", {"content": "Ann moved to Lyon"}))
    reply.usage_metadata = {"input_tokens": 90, "output_tokens": 10, "total_tokens": 100}
    with learning(reply) as service:
        until = time.monotonic() + 30
        while service.queue() and time.monotonic() < until:
            time.sleep(0.02)
        assert service.failures() == []
        assert [one.content for one in service.user("ann").list()] == ["Ann moved to Lyon"]
        assert service.user("ann").stats().tokens == 100
    assert "Nothing" in run("reflections", "list").output


def test_those_of_deeper_scopes_are_shown_and_begun_again_without_their_name(
    run: Run, learning: Callable[..., MemoryService]
) -> None:
    with learning(ValueError("busy")) as service:
        service.scope("team", "chat").remember("We moved to Lyon", wait=False)
    (failed,) = json.loads(run("reflections", "list", "--json").stdout)["failed"]
    assert failed["namespace"] == ["memories", "team", "chat"]
    assert json.loads(run("reflections", "list", "--name", "longterm", "--json").stdout) == {
        "queue": [],
        "failed": [],
    }
    assert json.loads(run("reflections", "retry", "--json").stdout) == {"retried": [failed["id"]]}
    with learning(tool_calls(("Memory", {"content": "The team is in Lyon"}))) as service:
        until = time.monotonic() + 30  # asked for its queue, a service takes up what waits
        while service.queue() and time.monotonic() < until:
            time.sleep(0.02)
        (memory,) = service.scope("team", "chat").list()
        assert memory.content == "The team is in Lyon"


@pytest.mark.usefixtures("learning")
def test_only_what_was_given_up_is_begun_again(run: Run) -> None:
    assert isinstance(run("reflections", "retry", "other").exception, InvalidInputError)
    assert json.loads(run("reflections", "retry", "--json").stdout) == {"retried": []}


def test_without_a_database_it_says_where_else_to_look(run: Run) -> None:
    error = run("reflections", "list").exception
    assert isinstance(error, ConfigurationError)
    assert "LONGTERM_REFLECT" in str(error)


def test_a_database_that_is_not_there_is_not_made_to_be_looked_at(run: Run, tmp_path: Path) -> None:
    missing = tmp_path / "reflection.db"
    error = run("reflections", "list", "--db", f"sqlite:///{missing}").exception
    assert isinstance(error, ConfigurationError)
    assert str(missing) in str(error)
    assert not missing.exists()


@pytest.mark.parametrize("db", ["reflections.db", "mysql://host/database", "sqlite:///"])
def test_what_is_no_database_is_refused_in_the_words_of_the_command(run: Run, db: str) -> None:
    error = run("reflections", "list", "--db", db).exception
    assert isinstance(error, ConfigurationError)
    assert "sqlite:///file.db" in str(error)
    assert "durable=" not in str(error)
