"""The commands, each in a file of its own; here they only get their options."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from longterm import settings
from longterm.cli import demo as demo_command, eval_recall as eval_recall_command
from longterm.evals.methods import Stores

__all__ = ["app"]

app = typer.Typer(
    help="Long-term memory for LLM agents.", no_args_is_help=True, pretty_exceptions_enable=False
)

evals = typer.Typer(help="Measure on public suites.", no_args_is_help=True)
app.add_typer(evals, name="eval")


class Language(StrEnum):
    """Languages the demo speaks."""

    zh = "zh"
    en = "en"


class SuiteName(StrEnum):
    """Suites that can be read."""

    locomo = "locomo"
    beam = "beam"


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


@evals.command("recall")
def eval_recall(  # noqa: PLR0917 - options, which typer passes by name
    suite: Annotated[SuiteName, typer.Option(help="Whose files they are.")],
    data: Annotated[Path, typer.Option(help="The suite's file or folder.")],
    store: Annotated[
        Path | None, typer.Option(help="Keep what is recorded in this file; else in memory.")
    ] = None,
    method: Annotated[
        list[str],
        typer.Option(help="longterm, bm25, cosine, an arm, arms or all; several with commas."),
    ] = ["longterm"],  # noqa: B006 - typer copies it
    k: Annotated[str, typer.Option(help="How many turns count.")] = "5,10,25,50",
    budget: Annotated[int, typer.Option(help="Tokens of the block.", min=0)] = 2_000,
    json: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    limit: Annotated[
        int | None, typer.Option(help="Ask so many questions of each conversation.", min=1)
    ] = None,
    conversations: Annotated[
        int | None, typer.Option(help="Take so many conversations.", min=1)
    ] = None,
    corrections: Annotated[
        Path | None, typer.Option(help="LoCoMo: a file of corrected citations, errors.json.")
    ] = None,
) -> None:
    """Record a suite's conversations, ask its questions, and tell how much was found."""
    read = eval_recall_command.read_suite(suite.value, data, corrections)
    eval_recall_command.run(
        read.first(conversations, limit),
        Stores.beside(settings.embedded_store(store or ":memory:")),
        eval_recall_command.Choice(method, eval_recall_command.whole_numbers(k), budget, json),
    )
