"""What the guard keeps back is listed, released and dropped from the shell."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

import longterm
from longterm.errors import GuardedError, InvalidInputError
from longterm.guard import Guard

Run = Callable[..., Result]


@pytest.fixture
def kept_back(tmp_path: Path, run: Run) -> str:
    """Return the id of a memory that waits in quarantine."""
    assert run("users").exit_code in (0, 1)
    guard = Guard(actions={"email": "quarantine"})
    with longterm.open(tmp_path / "longterm.db", embeddings=None, guard=guard) as memory:
        with pytest.raises(GuardedError):
            memory.user("ann").add("Write to ann@example.org.")
        (held,) = memory.user("ann").quarantined()
    return held.id


def test_what_is_kept_back_is_listed_with_the_reason(run: Run, kept_back: str) -> None:
    (held,) = json.loads(run("quarantine", "list", "--user", "ann", "--json").stdout)
    assert held["id"] == kept_back
    assert "email" in run("quarantine", "list", "--user", "ann").stdout


def test_what_is_released_is_a_memory(run: Run, kept_back: str) -> None:
    assert run("quarantine", "release", kept_back, "--user", "ann").exit_code == 0
    (memory,) = json.loads(run("list", "--user", "ann", "--json").stdout)
    assert memory["content"] == "Write to ann@example.org."
    assert "Nothing" in run("quarantine", "list", "--user", "ann").stdout


def test_what_is_dropped_is_gone(run: Run, kept_back: str) -> None:
    assert run("quarantine", "drop", kept_back, "--user", "ann").exit_code == 0
    assert json.loads(run("quarantine", "list", "--user", "ann", "--json").stdout) == []
    assert json.loads(run("list", "--user", "ann", "--json").stdout) == []


def test_another_user_s_quarantine_is_not_reached(run: Run, kept_back: str) -> None:
    done = run("quarantine", "release", kept_back, "--user", "bob")
    assert done.exit_code != 0


@pytest.mark.parametrize("what", ["release", "drop"])
def test_what_is_not_kept_back_is_looked_up_there(run: Run, kept_back: str, what: str) -> None:
    result = run("quarantine", what, f"not {kept_back}", "--user", "ann")
    assert isinstance(result.exception, InvalidInputError)
    assert "longterm quarantine list" in str(result.exception)
