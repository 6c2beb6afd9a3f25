"""``longterm add``, ``list``, ``show``, ``search``, ``edit``, ``forget``: memories by hand."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from longterm.cli.options import Embeddings, Json, Limit, Store, User
from longterm.cli.place import Place
from longterm.cli.showing import one_line, print_json, print_line, print_table
from longterm.cli.stdin import argument
from longterm.errors import InvalidInputError, UnknownMemoryError
from longterm.service import MemoryRecord

__all__ = ["app"]

app = typer.Typer()

Id = Annotated[str, typer.Argument(help="The memory's id, as list shows it.")]
Content = Annotated[
    str, typer.Argument(help="The memory: a sentence, a JSON object, or - for standard input.")
]
Kind = Annotated[str | None, typer.Option(help="The name of its schema.")]


@app.command("add")
def add_command(
    content: Content,
    *,
    kind: Kind = None,
    id: Annotated[str | None, typer.Option("--id", help="Its id; else a new one.")] = None,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Store a memory by hand."""
    said = _content_argument(content)
    with Place(store, user, embeddings=embeddings).opened() as service:
        record = service.user(user).add(said, kind=kind, id=id)
    _show(record, "added", as_json=json)


@app.command("list")
def list_command(
    *,
    kind: Kind = None,
    limit: Limit = 100,
    offset: Annotated[int, typer.Option(help="Leave out so many first.", min=0)] = 0,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Show a user's memories, those written last first."""
    place = Place(store, user, embeddings=embeddings)
    with place.existing() as service:
        records = service.user(user).list(limit=limit, offset=offset, kind=kind)
    _show_all(records, place.nothing, as_json=json)


@app.command("show")
def show_command(
    id: Id,
    *,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Show one memory."""
    with Place(store, user, embeddings=embeddings).existing() as service:
        record = service.user(user).get(id)
    if record is None:
        raise UnknownMemoryError(id)
    if json:
        print_json(record.as_json())
    else:
        print_table(
            [["", ""], *([name, one_line(value)] for name, value in record.as_json().items())]
        )


@app.command("search")
def search_command(
    query: Annotated[str, typer.Argument(help="What to look for, or - for standard input.")],
    *,
    kind: Kind = None,
    limit: Limit = 10,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Find memories, best first."""
    place, query = Place(store, user, embeddings=embeddings), argument(query)
    with place.existing() as service:
        only = None if kind is None else {"kind": kind}
        records = service.user(user).search(query, filter=only, limit=limit)
    _show_all(records, place.nothing, as_json=json)


@app.command("edit")
def edit_command(
    id: Id,
    content: Content,
    *,
    expected_revision: Annotated[
        int | None, typer.Option(help="Refuse where this is not its latest revision.")
    ] = None,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Put another content in the place of a memory's own."""
    said = _content_argument(content)
    with Place(store, user, embeddings=embeddings).existing() as service:
        record = service.user(user).edit(id, said, expected_revision=expected_revision)
    _show(record, "edited", as_json=json)


@app.command("forget")
def forget_command(
    id: Id,
    *,
    store: Store = None,
    user: User = "me",
    embeddings: Embeddings = "auto",
    json: Json = False,
) -> None:
    """Delete a memory; its history stays, and restore brings it back."""
    with Place(store, user, embeddings=embeddings).existing() as service:
        service.user(user).forget(id)
    if json:
        print_json({"id": id, "action": "deleted"})
    else:
        print_line(f"forgot {id}")


def _content_argument(given: str) -> Any:
    """Read an object where *given* is one; anything else is the memory's text."""
    text = argument(given)
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json_module.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"The content begins like JSON and is not: {error}.") from error


def _show(record: MemoryRecord, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json(record.as_json())
    else:
        print_line(f"{done} {record.id}")


def _show_all(records: list[MemoryRecord], nothing: str, *, as_json: bool) -> None:
    if as_json:
        print_json([record.as_json() for record in records])
    elif records:
        rows = [
            [
                record.id,
                record.kind or "",
                one_line(record.content),
                f"{record.updated_at:%Y-%m-%d}",
            ]
            for record in records
        ]
        print_table([["id", "kind", "content", "changed"], *rows])
    else:
        print_line(nothing, err=True)
