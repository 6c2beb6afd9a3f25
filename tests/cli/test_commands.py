"""Every command is documented, and an error of ours is a sentence."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from longterm.cli.app import app

PAGE = (Path(__file__).parent.parent.parent / "docs" / "cli.md").read_text("utf-8")


def commands(command: Any, name: str = "longterm") -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for part, one in inner.items():
        yield from commands(one, f"{name} {part}")


SHARED = PAGE.partition("## Options\n")[2].partition("\n## ")[0]
COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_and_their_options_are_documented(name: str) -> None:
    section = PAGE.partition(f"## {name}\n")[2].partition("\n## ")[0]
    assert section, f"docs/cli.md has no section {name}"
    options = [one for parameter in COMMANDS[name].params for one in parameter.opts]
    for option in options:
        assert not option.startswith("--") or f"`{option}`" in section + SHARED


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does(name: str) -> None:
    assert COMMANDS[name].help


def test_an_error_is_a_sentence_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))  # else the store of who runs the tests
    code = "from longterm.cli import main; main()"
    words = [sys.executable, "-c", code, "recall", "Lyon"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)  # noqa: S603 - ours

    assert done.returncode == 1
    assert done.stderr.startswith("longterm: There is no store at ")


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (["recall", "Lyon", "--json"], 1, "ConfigurationError"),
        (["list", "--json", "--nothing"], 2, "NoSuchOption"),
        (["add", "tea", "--user", "", "--json"], 1, "ConfigurationError"),
        (["erase", "--json"], 1, "ConfigurationError"),
    ],
)
def test_an_error_for_a_program_is_json_on_standard_error(
    tmp_path: Path, words: list[str], code: int, kind: str
) -> None:
    program = [sys.executable, "-m", "longterm", *words, "--store", "memory.db"]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, check=False)  # noqa: S603 - ours

    assert (done.returncode, done.stdout) == (code, "")
    error = json.loads(done.stderr)["error"]
    assert error["type"] == kind
    assert error["message"]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_warning_is_a_line_of_its_own_as_an_error_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    monkeypatch.setenv("LONGTERM_EMBEDINGS", "none")
    program = [sys.executable, "-m", "longterm", "add", "tea", "--store", "memory.db", *more]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, check=False)  # noqa: S603 - ours

    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    says = json.loads(line)["warning"]["message"] if more else line.removeprefix("longterm: ")
    assert says.endswith("did you mean LONGTERM_EMBEDDINGS?")


def test_a_worker_finds_the_modules_of_the_folder_it_starts_in(tmp_path: Path) -> None:
    program = "from langchain_core.runnables import RunnableLambda\nmanager = RunnableLambda(str)"
    (tmp_path / "my_agent.py").write_text(program)
    words = [sys.executable, "-P", "-c", "from longterm.cli import main; main()", "worker"]
    words += ["my_agent:manager", "--db", "reflections.db"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)  # noqa: S603 - ours
    assert "Reflections cannot be kept in 'reflections.db'" in done.stderr, done.stderr
    assert "Reflecting:" not in done.stderr  # it has not begun
    assert "Traceback" not in done.stderr


def test_a_broken_package_is_named_beside_the_extra_it_belongs_to(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("from json import no_such_name\n")
    words = [sys.executable, "-m", "longterm", "doctor"]  # from its folder, where typer is found
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, check=False)  # noqa: S603 - ours
    assert done.returncode == 1
    assert "pip install \"longterm[cli]\" (cannot import name 'no_such_name'" in done.stderr
