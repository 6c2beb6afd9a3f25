"""``longterm eval``: measure on suites of conversations and questions."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from longterm import settings
from longterm.cli import (
    eval_answers as eval_answers_command,
    eval_fit as eval_fit_command,
    eval_recall as eval_recall_command,
)
from longterm.cli.options import Budget, Json
from longterm.cli.showing import output, print_json, report_file
from longterm.evals.methods import Stores, methods, names_in
from longterm.evals.reading import read_suite
from longterm.stores.base import CapableStore

__all__ = ["app"]

app = typer.Typer(help="Measure on public suites.", no_args_is_help=True)


class SuiteName(StrEnum):
    """Suites that can be read."""

    locomo = "locomo"
    beam = "beam"
    languages = "languages"


class PartName(StrEnum):
    """Which questions of "languages" are asked."""

    all = "all"
    development = "development"
    held_back = "held-back"


SuiteOption = Annotated[SuiteName, typer.Option("--suite", help="Whose files they are.")]
Data = Annotated[
    Path | None,
    typer.Option(help="The suite's file or folder; only languages comes with longterm."),
]
EvalStore = Annotated[
    str | None,
    typer.Option(help="Keep what is recorded in this file or PostgreSQL URL; else in memory."),
]
Report = Annotated[Path | None, typer.Option(help="Write the report to this file.")]
Limit = Annotated[
    int | None, typer.Option(help="Ask so many questions of each conversation.", min=1)
]
Conversations = Annotated[int | None, typer.Option(help="Take so many conversations.", min=1)]
Corrections = Annotated[
    Path | None, typer.Option(help="LoCoMo: a file of corrected citations, errors.json.")
]
Part = Annotated[PartName, typer.Option(help="Languages: these questions.")]


def _opened(store: str | None) -> CapableStore:
    """Open a store to measure in, with our embeddings unless the settings name others."""
    embeddings = settings.setting("embeddings") or "local"
    return settings.open_store(store or ":memory:", embeddings=embeddings)


@app.command("recall")
def eval_recall(
    *,
    suite: SuiteOption,
    data: Data = None,
    store: EvalStore = None,
    method: Annotated[
        list[str],
        typer.Option(
            help="longterm, facts, bm25, cosine, store, a signal, signals, all; with commas."
        ),
    ] = ["longterm"],  # noqa: B006 - typer copies it
    k: Annotated[str, typer.Option(help="How many turns count.")] = "5,10,25,50",
    budget: Budget = 2_000,
    report: Report = None,
    json: Json = False,
    limit: Limit = None,
    conversations: Conversations = None,
    corrections: Corrections = None,
    part: Part = PartName.all,
) -> None:
    """Record a suite's conversations, ask its questions, and tell how much was found."""
    choice = eval_recall_command.Choice(
        names_in(method), eval_recall_command.whole_numbers(k), budget, report_file(report)
    )
    read = read_suite(suite.value, data, corrections, part.value).first(conversations, limit)
    with _opened(store) as ours:
        measured = eval_recall_command.run_recall(
            read, Stores.beside(ours), choice, output(quiet=json)
        )
    if json:
        print_json(measured)


@app.command("fit")
def eval_fit(
    *,
    suite: SuiteOption,
    data: Data = None,
    store: EvalStore = None,
    weights: Annotated[
        Path | None, typer.Option(help="Write the weights to this file, for create_recall.")
    ] = None,
    json: Json = False,
    limit: Limit = None,
    conversations: Conversations = None,
    corrections: Corrections = None,
    part: Part = PartName.all,
) -> None:
    """Fit the weights of recall's signals to a suite's questions, and tell whether that helps."""
    path = report_file(weights)
    read = read_suite(suite.value, data, corrections, part.value).first(conversations, limit)
    with _opened(store) as ours:
        fit = eval_fit_command.run_fit(read, ours, path, output(quiet=json))
    if json:
        print_json(fit)


@app.command("answers")
def eval_answers(
    *,
    suite: SuiteOption,
    data: Data = None,
    model: Annotated[str, typer.Option(help="Who answers, such as openai:gpt-5.")],
    judge: Annotated[str, typer.Option(help="Who judges; else the model itself.")] = "",
    store: EvalStore = None,
    budget: Budget = 2_000,
    report: Report = None,
    json: Json = False,
    limit: Limit = None,
    conversations: Conversations = None,
) -> None:
    """Have a model answer a suite's questions from memory, and another judge the answers."""
    path = report_file(report)
    read = read_suite(suite.value, data).first(conversations, limit)
    models = eval_answers_command.Models(model, judge or model)
    with _opened(store) as ours:
        (method,) = methods(["longterm"], Stores.beside(ours), limit=50, budget=budget)
        measured = eval_answers_command.run_answers(read, method, models, path, output(quiet=json))
    if json:
        print_json(measured)
