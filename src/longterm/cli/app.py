"""The commands, each in a file of its own; here they only get their options."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from longterm import settings
from longterm.cli import (
    demo as demo_command,
    eval_answers as eval_answers_command,
    eval_recall as eval_recall_command,
    recall as recall_command,
    record as record_command,
)
from longterm.cli.place import Place
from longterm.cli.showing import report_file
from longterm.evals.methods import Stores, methods, names_in
from longterm.evals.reading import read_suite

__all__ = ["app"]

app = typer.Typer(
    help="Long-term memory for LLM agents.", no_args_is_help=True, pretty_exceptions_enable=False
)

evals = typer.Typer(help="Measure on public suites.", no_args_is_help=True)
app.add_typer(evals, name="eval")

Store = Annotated[Path, typer.Option(help="The store's file.")]
User = Annotated[str, typer.Option(help="Whose turns and memories.")]
Namespace = Annotated[
    str, typer.Option(help="A namespace such as turns/ann, in place of the user's.")
]
Budget = Annotated[int, typer.Option(help="Tokens of the block.", min=0)]
DEFAULT_STORE = Path("longterm.db")


class Language(StrEnum):
    """Languages the demo speaks."""

    zh = "zh"
    en = "en"


class SuiteName(StrEnum):
    """Suites that can be read."""

    locomo = "locomo"
    beam = "beam"


SuiteOption = Annotated[SuiteName, typer.Option("--suite", help="Whose files they are.")]
Data = Annotated[Path, typer.Option(help="The suite's file or folder.")]
EvalStore = Annotated[
    Path | None, typer.Option(help="Keep what is recorded in this file; else in memory.")
]
Report = Annotated[Path | None, typer.Option(help="Write the report to this file.")]
Limit = Annotated[
    int | None, typer.Option(help="Ask so many questions of each conversation.", min=1)
]
Conversations = Annotated[int | None, typer.Option(help="Take so many conversations.", min=1)]


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


@app.command()
def record(
    files: Annotated[list[Path], typer.Argument(help="Chat files: JSON, JSONL, LoCoMo, BEAM.")],
    store: Store = DEFAULT_STORE,
    user: User = "me",
    namespace: Namespace = "",
    thread: Annotated[str, typer.Option(help="The thread; else the file's path.")] = "",
) -> None:
    """Keep the messages of chat files word for word; a message is stored once."""
    record_command.run(files, Place(store, user, namespace), thread)


@app.command()
def recall(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    *,
    store: Store = DEFAULT_STORE,
    user: User = "me",
    namespace: Namespace = "",
    budget: Budget = 2_000,
    limit: Annotated[int, typer.Option(help="How many items at most.", min=0)] = 20,
    now: Annotated[
        datetime | None, typer.Option(help='What "last week" is relative to; else today.')
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print items, scores and parts.")] = False,
) -> None:
    """Find what was said and learned that matters to a question."""
    place = Place(store, user, namespace)
    recall_command.run(question, place, limit=limit, budget=budget, now=now, as_json=json)


@app.command()
def worker(
    reflector: Annotated[str, typer.Argument(help="A memory manager, as package.module:name.")],
    *,
    db: Annotated[str, typer.Option(help="sqlite:///reflections.db or postgresql://….")],
    name: Annotated[str, typer.Option(help="The executors' name.")] = "default",
    max_workers: Annotated[int, typer.Option(help="Reflections at the same time.")] = 8,
) -> None:
    """Do the reflections that wait in a database, until told to stop."""
    from longterm.reflect.worker import run_worker  # noqa: PLC0415 - an extra of its own

    sys.path.insert(0, str(Path.cwd()))  # as for python -m
    run_worker(reflector, db, name=name, max_workers=max_workers)


@evals.command("recall")
def eval_recall(
    *,
    suite: SuiteOption,
    data: Data,
    store: EvalStore = None,
    method: Annotated[
        list[str],
        typer.Option(help="longterm, bm25, cosine, a signal, signals or all; several with commas."),
    ] = ["longterm"],  # noqa: B006 - typer copies it
    k: Annotated[str, typer.Option(help="How many turns count.")] = "5,10,25,50",
    budget: Budget = 2_000,
    json: Report = None,
    limit: Limit = None,
    conversations: Conversations = None,
    corrections: Annotated[
        Path | None, typer.Option(help="LoCoMo: a file of corrected citations, errors.json.")
    ] = None,
) -> None:
    """Record a suite's conversations, ask its questions, and tell how much was found."""
    choice = eval_recall_command.Choice(
        names_in(method), eval_recall_command.whole_numbers(k), budget, report_file(json)
    )
    read = read_suite(suite.value, data, corrections).first(conversations, limit)
    with settings.embedded_store(store or ":memory:") as ours:
        eval_recall_command.run(read, Stores.beside(ours), choice)


@evals.command("answers")
def eval_answers(
    *,
    suite: SuiteOption,
    data: Data,
    model: Annotated[str, typer.Option(help="Who answers, such as openai:gpt-5.")],
    judge: Annotated[str, typer.Option(help="Who judges; else the model itself.")] = "",
    store: EvalStore = None,
    budget: Budget = 2_000,
    json: Report = None,
    limit: Limit = None,
    conversations: Conversations = None,
) -> None:
    """Have a model answer a suite's questions from memory, and another judge the answers."""
    path = report_file(json)
    read = read_suite(suite.value, data).first(conversations, limit)
    models = eval_answers_command.Models(model, judge or model)
    with settings.embedded_store(store or ":memory:") as ours:
        (method,) = methods(["longterm"], Stores.beside(ours), limit=50, budget=budget)
        eval_answers_command.run(read, method, models, path)
