"""The commands of ``longterm``; each group of them has a file of its own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from longterm.cli import (
    conversations,
    demo as demo_command,
    evaluation,
    memories,
    past,
    quarantine,
    reflections,
    serving,
    upkeep,
)
from longterm.cli.doctor import version
from longterm.cli.showing import print_json, print_line
from longterm.errors import LocalModelError

__all__ = ["app"]

app = typer.Typer(
    help="Long-term memory for LLM agents.", no_args_is_help=True, pretty_exceptions_enable=False
)
for group in (conversations, memories, past, serving, upkeep):
    app.add_typer(group.app)
app.add_typer(evaluation.app, name="eval")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(reflections.app, name="reflections")


class Language(StrEnum):
    """Languages the demo speaks."""

    zh = "zh"
    en = "en"


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        print_line(f"longterm {version('longterm')}")
        raise typer.Exit


@app.callback()
def longterm(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Long-term memory for LLM agents."""


@app.command("demo")
def demo(
    model: Annotated[str, typer.Option(help="Any model, such as openai:gpt-5.")] = (
        "local:qwen2.5-coder-1.5b"
    ),
    lang: Annotated[Language, typer.Option(help="The language of the conversations.")] = (
        Language.zh
    ),
    *,
    scripted: Annotated[
        bool, typer.Option("--scripted", help="Without a model: one that follows a script.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the answer and the memories as JSON.")
    ] = False,
) -> None:
    """Watch a model learn from two conversations and answer from memory in a third."""
    played = demo_command.scripted_model(lang.value) if scripted else model
    try:
        shown = demo_command.run_demo(played, lang.value, Console(stderr=json))
    except LocalModelError as error:
        raise LocalModelError(
            f"{error}\nWithout a model, `longterm demo --scripted` plays the same with a script."
        ) from error
    if json:
        print_json(shown)
