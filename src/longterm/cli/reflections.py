"""``longterm reflections list``, ``retry``: what is learned in the background of a database."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from langchain_core.runnables import RunnablePassthrough

from longterm import settings
from longterm.cli.options import Json
from longterm.cli.showing import one_line, print_json, print_line, print_table
from longterm.errors import ConfigurationError, InvalidInputError
from longterm.reflect import ReflectionExecutor, reflection_names
from longterm.reflect.executor import LocalReflectionExecutor

__all__ = ["app"]

app = typer.Typer(
    help="What is learned in the background: list it, and begin again what was given up.",
    no_args_is_help=True,
)

Database = Annotated[
    str | None,
    typer.Option(
        "--db",
        help="sqlite:///reflections.db or postgresql://…; else LONGTERM_REFLECT, as for a server.",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        help="The executors' name: longterm is a server's (longterm-2 for users below one scope, "
        "longterm-3 below two), default a worker's. All, where none is given."
    ),
]


@contextmanager
def _reflections(db: str | None, name: str | None) -> Generator[list[LocalReflectionExecutor]]:
    """Open the jobs of a database, to look at and to submit, not to work on."""
    where = db or settings.setting("reflect")
    if not where:
        raise ConfigurationError(
            "Which database? Pass --db, or set LONGTERM_REFLECT. Without one a server keeps what "
            "it learns in the background in memory: see its console, or GET /v1/reflections."
        )
    file = Path(where.removeprefix("sqlite:///").partition("?")[0])
    if db and db.startswith("sqlite:///") and not file.exists():  # it would be made, and be empty
        raise ConfigurationError(
            f"There is no file {file}: no server and no worker has begun one. "
            "Pass the database that they have with --db."
        )
    # The workers have the reflector; here nothing is reflected.
    names = reflection_names(where) if name is None else [name]
    with ExitStack() as stack:
        executors: list[LocalReflectionExecutor] = []
        for one in names:
            executor = ReflectionExecutor(
                RunnablePassthrough(), durable=where, name=one, max_workers=0
            )
            stack.callback(executor.shutdown)
            executors.append(executor)
        yield executors


@app.command("list")
def list_reflections_command(*, db: Database = None, name: Name = None, json: Json = False) -> None:
    """Show what runs, what waits, and what was given up and why."""
    with _reflections(db, name) as executors:
        queue = [job for one in executors for job in one.queue()]
        failed = [failure for one in executors for failure in one.failed()]
    if json:
        print_json(
            {
                "queue": [one.as_json() for one in queue],
                "failed": [one.as_json() for one in failed],
            }
        )
        return
    if not queue and not failed:
        of = "" if name is None else f" of {name}"
        print_line(f"Nothing{of} waits, and nothing was given up.", err=True)
        return
    waiting = [
        [one.id, "runs" if one.running else "waits", "/".join(one.namespace), ""] for one in queue
    ]
    given_up = [
        [one.id, "given up", "/".join(one.namespace), one_line(one.error)] for one in failed
    ]
    print_table([["id", "state", "of", "error"], *waiting, *given_up])


@app.command("retry")
def retry_reflection_command(
    id: Annotated[
        str | None, typer.Argument(help="Its id, as reflections list shows it; else all.")
    ] = None,
    *,
    db: Database = None,
    name: Name = None,
    json: Json = False,
) -> None:
    """Have a worker begin again what was given up: one, or all."""
    with _reflections(db, name) as executors:
        given_up = {failure.id: one for one in executors for failure in one.failed()}
        if id is not None and id not in given_up:
            raise InvalidInputError(
                f"No reflection {id} was given up. Look it up with: longterm reflections list"
            )
        again = [*given_up] if id is None else [id]
        for one in again:
            given_up[one].retry(one)
    if json:
        print_json({"retried": again})
    else:
        print_line(f"{len(again)} begin again when a server or worker is at them.")
