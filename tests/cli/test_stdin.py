"""Standard input in place of files and texts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from longterm.errors import ConfigurationError, InvalidInputError

Run = Callable[..., Result]
Chat = list[dict[str, Any]]


def lines(chat: Chat) -> str:
    return "\n".join(map(json.dumps, chat))


@pytest.mark.parametrize("form", [json.dumps, lines])
def test_a_chat_is_recorded_once_however_often_it_comes(
    run: Run, chat: Chat, form: Callable[[Chat], str]
) -> None:
    assert run("record", "-", input=form(chat)).stdout.startswith("3 new of 3 messages")
    assert run("record", "-", input=form(chat)).stdout.startswith("0 new of 3 messages")
    other = [*chat, {"role": "user", "content": "So is the cheese"}]
    assert run("record", "-", input=form(other)).stdout.startswith("4 new of 4 messages")


def test_what_is_no_json_is_a_message(run: Run) -> None:
    assert run("record", "-", input="I moved to Lyon\n").stdout.startswith("1 new of 1")
    assert "user: I moved to Lyon" in run("recall", "-", input="Where did I move?\n").stdout


def test_a_memory_and_what_to_look_for_come_so_too(run: Run) -> None:
    added = run("add", "-", "--json", input="Ann likes tea.\n")
    record = json.loads(added.stdout)
    assert record["content"] == "Ann likes tea."
    run("edit", record["id"], "-", input="Ann likes coffee.")
    [found] = json.loads(run("search", "-", "--json", input="coffee").stdout)
    assert found["content"] == "Ann likes coffee."


def test_an_export_goes_through_a_pipe(run: Run) -> None:
    run("add", "Ann likes tea")
    exported = run("export", "-").stdout
    assert run("import", "-", "--store", "other.db", input=exported).stdout.startswith("1 added")


@pytest.mark.parametrize("command", ["record", "add", "search", "recall"])
@pytest.mark.parametrize(("given", "says"), [("\n", "nothing on standard"), (b"\xff", "UTF-8")])
def test_what_cannot_be_read_is_said(run: Run, command: str, given: str | bytes, says: str) -> None:
    run("add", "Ann likes tea")
    error = run(command, "-", input=given).exception
    assert isinstance(error, InvalidInputError)
    assert says in str(error)


def test_a_chat_that_is_none_names_standard_input(run: Run) -> None:
    error = run("record", "-", input="[{]").exception
    assert isinstance(error, InvalidInputError)
    assert str(error).startswith("Standard input is not JSON")


def test_a_backup_makes_no_file_of_that_name(run: Run, tmp_path: Path) -> None:
    run("add", "Ann likes tea")
    error = run("backup", "-").exception
    assert isinstance(error, ConfigurationError)
    assert not (tmp_path / "-").exists()
