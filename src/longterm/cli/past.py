"""``longterm history``, ``restore``, ``export``, ``import``, ``erase``: what was, and its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from longterm.cli.options import Embeddings, Json, Store, User, Yes
from longterm.cli.place import Place
from longterm.cli.showing import bar, one_line, print_json, print_line, print_table
from longterm.cli.stdin import STDIN, stdin_lines
from longterm.errors import ConfigurationError, UnknownMemoryError
from longterm.memory.revision import Revision, json_revision
from longterm.service.exchange import lines_in, written

__all__ = ["app"]

app = typer.Typer()

Id = Annotated[str, typer.Argument(help="The memory's id, as list shows it.")]


@app.command("history")
def history_command(
    id: Id,
    *,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Show what a memory was after each change, oldest first."""
    with Place(store, user, embeddings=embeddings).existing() as service:
        revisions = service.user(user).history(id)
    if not revisions:
        raise UnknownMemoryError(id)
    if json:
        print_json([json_revision(one) for one in revisions])
    else:
        rows = [["", "what", "who", "when", "content", "from", "used"]]
        rows += [_revision_row(one) for one in revisions]
        kept = [column for column in zip(*rows, strict=True) if any(column[1:])]
        print_table([*zip(*kept, strict=True)])


@app.command("restore")
def restore_command(
    id: Id,
    revision: Annotated[int, typer.Argument(help="The number of a revision, as history shows it.")],
    *,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Make a memory what it was after a revision, also one that was forgotten."""
    with Place(store, user, embeddings=embeddings).existing() as service:
        record = service.user(user).restore(id, revision)
    if json:
        print_json(record.as_json())
    else:
        print_line(f"restored {record.id}: {one_line(record.content)}")


@app.command("export")
def export_command(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write; else, or as -, standard output.")
    ] = None,
    *,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Write a user's memories, their revisions and sources, and turns as lines of JSON."""
    place = Place(store, user, embeddings=embeddings)
    named = None if str(file) == STDIN else file
    with place.existing() as service, written(named or sys.stdout) as opened:
        items = -1  # the first line is none
        for line in bar("exporting", service.user(user).lines(), None):
            opened.write(line)
            items += 1
    if named and json:
        print_json({"file": str(named), "bytes": named.stat().st_size, "items": items})
    elif named:
        print_line(f"wrote {named}")
    if not items:
        print_line(place.nothing, err=True)


@app.command("import")
def import_command(
    file: Annotated[
        Path, typer.Argument(help="What export wrote, or an export of Mem0; - for standard input.")
    ],
    *,
    bring_back_erased: Annotated[
        bool, typer.Option("--bring-back-erased", help="Also what was erased here.")
    ] = False,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Bring in an export; what is there stays as it is, so importing twice changes nothing."""
    piped = str(file) == STDIN
    source = stdin_lines() if piped else file
    with Place(store, user, embeddings=embeddings).opened() as service, lines_in(source) as lines:
        read = bar("importing", lines, None if piped else file.stat().st_size, len)
        done = service.user(user).import_(read, bring_back_erased=bring_back_erased)
    if json:
        print_json(done.counts)
    else:
        held = f" The guard kept back {done.held}." if done.held else ""
        erased = (
            f" {done.erased} were erased here and stay so: see --bring-back-erased."
            if done.erased
            else ""
        )
        print_line(f"{done.added} added, {done.kept} were there already.{held}{erased}")


@app.command("erase")
def erase_command(
    id: Annotated[str | None, typer.Argument(help="One memory; else everything.")] = None,
    *,
    yes: Yes = False,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Remove a memory, or everything of a user, with its history; nothing brings it back."""
    what = "every memory and turn" if id is None else f"memory {id}"
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigurationError(f"This erases {what} of {user} for good: say so with --yes.")
        typer.confirm(f"Erase {what} of {user} for good?", abort=True, err=True)
    with Place(store, user, embeddings=embeddings).existing() as service:
        report = service.user(user).erase(id)
        if id is not None and not report.removed and not service.user(user).history(id):
            raise UnknownMemoryError(id)
    if json:
        print_json({"removed": report.removed, "beyond": list(report.beyond)})
        return
    removed = (
        f"{count} {place if count != 1 else place.removesuffix('s')}"
        for place, count in report.removed.items()
    )
    print_line(f"removed {', '.join(removed) or 'nothing'}")
    print_line(f"Not reached: {'; '.join(report.beyond)}.", err=True)


def _revision_row(one: Revision) -> list[str]:
    content = "" if one.value is None else one_line(one.content)
    when, used = f"{one.time:%Y-%m-%d %H:%M}", one.run.account if one.run else ""
    return [str(one.number), one.action, one.actor, when, content, _origin(one), used]


def _origin(one: Revision) -> str:
    """Return who said what it came from, in which thread."""
    said = (
        f"{source.speaker or source.role or source.origin}"
        f"{f' in {source.thread_id}' if source.thread_id else ''}: {source.quote}"
        for source in one.sources
    )
    return "; ".join(map(one_line, said))
