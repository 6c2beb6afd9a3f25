"""Driving the command line as its users do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from longterm.cli.app import app

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LONGTERM_STORE", "longterm.db")

    def call(*words: object, input: str | bytes | None = None) -> Result:
        runner = CliRunner(env={"COLUMNS": "200"})
        return runner.invoke(app, [str(word) for word in words], input=input)

    return call


@pytest.fixture
def chat() -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": "I moved to Lyon last week"},
        {"role": "assistant", "content": "How do you like it there?"},
        {"role": "user", "content": "The bread is wonderful"},
    ]
