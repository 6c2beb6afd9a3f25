"""The commands, each in a file of its own; here they only get their options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from longterm.cli import demo as demo_command

__all__ = ["app"]

app = typer.Typer(
    help="Long-term memory for LLM agents.", no_args_is_help=True, pretty_exceptions_enable=False
)


class Language(StrEnum):
    """Languages the demo speaks."""

    zh = "zh"
    en = "en"


@app.callback()
def longterm() -> None:
    """Long-term memory for LLM agents."""


@app.command()
def demo(
    model: Annotated[str, typer.Option(help="Any model, such as openai:gpt-5.")] = (
        "local:qwen2.5-coder-1.5b"
    ),
    lang: Annotated[Language, typer.Option(help="The language of the conversations.")] = (
        Language.zh
    ),
) -> None:
    """Watch a model learn from two conversations and answer from memory in a third."""
    demo_command.run(model, lang.value)
