"""``longterm quarantine list``, ``release``, ``drop``: what the guard keeps back."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer

from longterm.cli.options import Json, Store, User
from longterm.cli.place import Place
from longterm.cli.showing import one_line, print_json, print_line, print_table
from longterm.errors import InvalidInputError, UnknownMemoryError

__all__ = ["app"]

app = typer.Typer(help="What the guard keeps back: list, release, drop.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Its id, as quarantine list shows it.")]


@contextmanager
def _id_of_held(id: str) -> Generator[None]:
    """Say where ids are from."""
    try:
        yield
    except UnknownMemoryError as error:
        raise InvalidInputError(
            f"Nothing in quarantine has the id {id}. Look it up with: longterm quarantine list"
        ) from error


@app.command("list")
def list_held_command(*, store: Store = None, user: User = "me", json: Json = False) -> None:
    """Show what is kept back of a user, oldest first, and why."""
    with Place(store, user, embeddings="none").existing() as service:
        held = service.user(user).quarantined()
    if json:
        print_json([{"id": one.id, **one.record} for one in held])
    elif not held:
        print_line("Nothing is in quarantine.")
    else:
        rows = [
            [
                one.id,
                f"{one.time:%Y-%m-%d %H:%M}",
                one.origin,
                ", ".join(one.found),
                one_line(one.content),
            ]
            for one in held
        ]
        print_table([["id", "when", "from", "found", "content"], *rows])


@app.command("release")
def release_command(id: Id, *, store: Store = None, user: User = "me", json: Json = False) -> None:
    """Write what is kept back where it was to be."""
    with Place(store, user).existing() as service, _id_of_held(id):
        service.user(user).release(id)
    print_json({"released": id}) if json else print_line(f"released {id}")


@app.command("drop")
def drop_command(id: Id, *, store: Store = None, user: User = "me", json: Json = False) -> None:
    """Remove what is kept back for good."""
    with Place(store, user, embeddings="none").existing() as service, _id_of_held(id):
        service.user(user).drop(id)
    print_json({"dropped": id}) if json else print_line(f"dropped {id}")
