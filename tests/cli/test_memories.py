"""Memories by hand on the command line, and looking after their store."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import longterm
from longterm.errors import ConfigurationError, ConflictError, InvalidInputError, UnknownMemoryError
from longterm.testing import ScriptedChatModel, tool_calls

Run = Callable[..., Result]


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_memory_lives_through_all_its_commands(run: Run) -> None:
    added = said(run("add", "Ann likes green tea", "--user", "ann", "--json"))
    ann = ("--user", "ann", "--json")

    assert said(run("show", added["id"], *ann)) == added
    assert [one["id"] for one in said(run("search", "tea", *ann))] == [added["id"]]
    assert said(run("edit", added["id"], "Ann likes coffee", *ann))["content"] == "Ann likes coffee"
    assert [one["content"] for one in said(run("list", *ann))] == ["Ann likes coffee"]
    assert said(run("stats", *ann))["memories"] == 1
    assert said(run("users", "--json")) == ["ann"]
    assert said(run("forget", added["id"], *ann))["action"] == "deleted"
    assert said(run("list", *ann)) == []


def test_without_embeddings_everything_works_too(run: Run) -> None:
    none = ("--embeddings", "none")
    assert run("record", "I moved to Lyon last week", *none).exit_code == 0
    assert "Lyon" in run("recall", "Where did I move?", *none).stdout


def test_people_get_tables_and_whole_ids(run: Run) -> None:
    id = said(run("add", "Ann likes [bold]tea[/bold]\x1b[31m", "--json"))["id"]
    table = run("list").stdout
    assert id in table
    assert "[bold]tea[/bold]" in table
    assert "\x1b[31m" not in table


def test_an_object_is_a_memory_of_its_kind(run: Run) -> None:
    ramen = run("add", '{"name": "ramen"}', "--kind", "Food", "--json")
    assert said(ramen)["content"] == {"name": "ramen"}
    assert isinstance(run("add", '{"name": ').exception, InvalidInputError)


def test_what_cannot_be_done_is_an_error(run: Run) -> None:
    assert isinstance(run("list", "--store", "none.db").exception, ConfigurationError)
    run("add", "tea", "--id", "drink")
    assert isinstance(run("show", "nothing").exception, UnknownMemoryError)
    assert isinstance(run("forget", "nothing").exception, UnknownMemoryError)
    stale = run("edit", "drink", "coffee", "--expected-revision", 99)
    assert isinstance(stale.exception, ConflictError)
    assert isinstance(run("remember", "I moved to Lyon").exception, ConfigurationError)


def test_a_copy_of_a_sound_store_is_sound(run: Run, tmp_path: Path) -> None:
    run("add", "Ann likes tea")
    assert said(run("backup", "copy.db", "--json"))["bytes"] > 0
    assert said(run("check", "--store", "copy.db", "--json")) == {"sound": True, "damage": []}
    assert said(run("list", "--store", tmp_path / "copy.db", "--json"))


def test_the_doctor_says_what_works_and_what_to_do(run: Run) -> None:
    run("add", "Ann likes tea")
    found = {one["what"]: one for one in said(run("doctor", "--json"))}
    assert found["store"]["says"] == "longterm.db, 1 users"
    assert found["longterm"]["works"]
    assert run("doctor", "--model", "nobody:knows").exit_code == 1


def test_a_file_of_settings_that_is_wrong_hides_nothing_else_from_the_doctor(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "longterm.toml").write_text("modle = 5\n")
    monkeypatch.setenv("LONGTERM_CONFIG", "longterm.toml")
    done = run("doctor", "--json")
    found = {one["what"]: one for one in json.loads(done.stdout)}
    assert done.exit_code == 1
    for what in ("longterm.toml", "model"):
        assert "did you mean 'model'?" in found[what]["says"]
    assert found["Python"]["works"]


def test_the_doctor_looks_for_every_extra_but_its_own(run: Run) -> None:
    named = {one["what"].strip("[]") for one in said(run("doctor", "--json")) if "[" in one["what"]}
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert named == project["project"]["optional-dependencies"].keys() - {"all", "cli"}


@pytest.mark.parametrize("words", [["--version"], ["list", "--help"]])
def test_the_program_starts_as_a_module(tmp_path: Path, words: list[str]) -> None:
    command = [sys.executable, "-m", "longterm", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)  # noqa: S603 - ours
    assert "longterm" in done.stdout


def test_a_password_in_a_url_is_not_shown(run: Run) -> None:
    found = run("doctor", "--store", "postgresql://ann:secret@nowhere.invalid/db")
    assert "secret" not in found.output
    assert "secret" not in str(found.exception)


def test_history_says_what_a_memory_came_from_and_what_its_extraction_used(
    run: Run, tmp_path: Path
) -> None:
    reply = tool_calls(("Memory", {"content": "Ann likes tea"}))
    reply.usage_metadata = {"input_tokens": 900, "output_tokens": 100, "total_tokens": 1_000}
    store = tmp_path / "longterm.db"
    with longterm.open(store, model=ScriptedChatModel(reply), embeddings=None) as service:
        [change] = service.user("me").remember("I like tea")
    assert "1,000 tokens for 1 memory" in run("history", change.id).stdout
    assert "user: I like tea" in run("history", change.id).stdout
    [revision] = said(run("history", change.id, "--json"))
    assert revision["run"]["cost"] is None
    assert revision["run"]["input_tokens"] == 900


def test_what_was_forgotten_comes_back_and_what_was_erased_does_not(run: Run) -> None:
    id = said(run("add", "Ann likes tea", "--json"))["id"]
    run("edit", id, "Ann likes coffee")
    run("forget", id)
    actions = [one["action"] for one in said(run("history", id, "--json"))]
    assert actions == ["created", "changed", "deleted"]
    assert "coffee" in run("history", id).stdout
    assert said(run("restore", id, 1, "--json"))["content"] == "Ann likes tea"

    assert isinstance(run("erase").exception, ConfigurationError)
    assert said(run("list", "--json"))
    assert said(run("erase", "--yes", "--json"))["removed"]["items"] == 1
    assert said(run("list", "--json")) == []


def test_a_misspelt_id_or_user_is_said_where_nothing_is_erased_or_exported(run: Run) -> None:
    id = said(run("add", "Ann likes tea", "--json"))["id"]
    assert isinstance(run("erase", id[:-1], "--yes").exception, UnknownMemoryError)
    for _ in range(2):  # once more is no mistake
        assert run("erase", id, "--yes").exit_code == 0
    empty = run("export", "bo.jsonl", "--user", "bo")
    assert "wrote bo.jsonl" in empty.stdout
    assert "longterm users" in empty.stderr
    assert said(run("export", "bo.jsonl", "--user", "bo", "--json"))["items"] == 0
    piped = run("export", "--user", "bo")
    assert piped.stdout.count("\n") == 1
    assert "longterm users" in piped.stderr


def test_an_export_never_takes_the_place_of_a_store(run: Run) -> None:
    run("add", "Ann likes tea")
    assert isinstance(run("export", "longterm.db").exception, InvalidInputError)
    assert [one["content"] for one in said(run("list", "--json"))] == ["Ann likes tea"]


def test_an_empty_store_is_no_default(run: Run) -> None:
    error = run("add", "Ann likes tea", "--store", "").exception
    assert isinstance(error, ConfigurationError)
    assert "not an empty text" in str(error)


def test_an_export_is_imported_by_another_user(run: Run) -> None:
    run("add", "Ann likes tea", "--user", "ann")
    assert said(run("export", "ann.jsonl", "--user", "ann", "--json"))["items"] == 1
    assert run("export", "--user", "ann").stdout.count("\n") == 2
    assert run("export", "-", "--user", "ann").stdout.count("\n") == 2
    assert said(run("import", "ann.jsonl", "--user", "bo", "--json")) == {"added": 1, "kept": 0}
    assert said(run("import", "ann.jsonl", "--user", "bo", "--json")) == {"added": 0, "kept": 1}


def test_what_was_erased_comes_back_only_where_that_is_asked_for(run: Run) -> None:
    run("add", "I like tea")
    run("export", "me.jsonl")
    run("erase", "--yes")

    assert (
        "1 were erased here and stay so: see --bring-back-erased"
        in run("import", "me.jsonl").stdout
    )
    assert said(run("import", "me.jsonl", "--json")) == {"added": 0, "kept": 0, "erased": 1}
    back = said(run("import", "me.jsonl", "--bring-back-erased", "--json"))
    assert back == {"added": 1, "kept": 0}
    assert [one["content"] for one in said(run("list", "--json"))] == ["I like tea"]


def test_keys_are_made_listed_without_secrets_and_revoked(run: Run) -> None:
    made = said(run("keys", "create", "--user", "ann", "--json"))
    assert made["key"].startswith(f"lt_{made['id']}_")
    listed = run("keys", "list", "--json")
    assert [key["id"] for key in said(listed)] == [made["id"]]
    assert made["key"].split("_", 2)[2] not in listed.stdout
    assert said(run("keys", "revoke", made["id"], "--json"))["revoked"]
    assert said(run("keys", "list", "--json")) == []
    for wrong in (("--scope", "all"), ("--user", " "), ()):
        assert isinstance(run("keys", "create", *wrong).exception, InvalidInputError)


@pytest.mark.parametrize("blank", ["", " ", "\u200b"])
def test_a_blank_user_has_no_memory(run: Run, blank: str) -> None:
    for words in (("add", "Ann likes tea"), ("recall", "tea"), ("export",), ("stats",)):
        failed = run(*words, "--user", blank)
        assert isinstance(failed.exception, ConfigurationError), words
