"""``longterm users``, ``stats``, ``check``, ``backup``, ``doctor``: looking after a store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Protocol, runtime_checkable

import typer

from longterm.cli.doctor import findings
from longterm.cli.options import Embeddings, Json, Model, Store, User
from longterm.cli.place import Place
from longterm.cli.showing import advancing, print_json, print_line, print_table
from longterm.cli.stdin import STDIN
from longterm.errors import ConfigurationError
from longterm.stores import EmbeddedStore

__all__ = ["app"]

app = typer.Typer()


@runtime_checkable
class _Kept(Protocol):
    """A store that can be looked after from here: a file, or PostgreSQL."""

    def stats(self) -> Any: ...
    def check(self) -> list[str]: ...


@app.command("users")
def users_command(
    *, store: Store = None, embeddings: Embeddings = "auto", json: Json = False
) -> None:
    """List the users something is kept of."""
    with Place(store, embeddings=embeddings).existing() as service:
        found = service.users()
    if json:
        print_json(found)
    else:
        print_line("\n".join(found) if found else "No users.", err=not found)


@app.command("stats")
def stats_command(
    *, store: Store = None, user: User = "me", embeddings: Embeddings = "auto", json: Json = False
) -> None:
    """Count what is kept of a user, and how large the store is."""
    with Place(store, user, embeddings=embeddings).existing() as service:
        counted = service.user(user).stats().as_json()
        whole = service.store
        file = asdict(whole.stats()) if isinstance(whole, _Kept) else {}
    if json:
        print_json(counted | {"store": file})
    else:
        print_table([["user", user], *_figures(counted)])
        print_table([["store", ""], *_figures(file)])


def _figures(counted: dict[str, Any]) -> list[list[str]]:
    """Return a row for each figure: its name, its value ("not known" for none), its unit."""
    units = {"size": "bytes", "cost": "US dollars"}
    rows: list[list[str]] = []
    for name, value in counted.items():
        match value:
            case None:
                shown = "not known"
            case int():
                shown = f"{value:,}"
            case _:
                shown = str(value)
        rows.append([name.replace("_", " "), shown, units.get(name, "")])
    return rows


@app.command("check")
def check_command(*, store: Store = None, json: Json = False) -> None:
    """Look for damage in a store; exit code 1 where there is some."""
    place = Place(store, embeddings="none")
    with place.existing() as service:
        if not isinstance(service.store, _Kept):
            raise ConfigurationError(f"{place.shown} cannot be checked from here.")
        with advancing("checking"):
            wrong = service.store.check()
    if json:
        print_json({"sound": not wrong, "damage": wrong})
    else:
        print_line("\n".join(wrong) if wrong else f"{place.shown} is sound.")
    if wrong:
        raise typer.Exit(1)


@app.command("backup")
def backup_command(
    file: Annotated[Path, typer.Argument(help="The copy, a file that does not exist yet.")],
    *,
    store: Store = None,
    json: Json = False,
) -> None:
    """Copy a store to a file, while others read and write."""
    if str(file) == STDIN:
        raise ConfigurationError("A store is copied to a file, not to standard output: name one.")
    place = Place(store, embeddings="none")
    with place.existing() as service:
        if not isinstance(service.store, EmbeddedStore):
            raise ConfigurationError(
                f"{place.shown} is backed up with its own tools, such as pg_dump."
            )
        with advancing("copying") as advance:
            service.store.backup(file, advance)
    if json:
        print_json({"backup": str(file), "bytes": file.stat().st_size})
    else:
        print_line(f"copied {place.shown} to {file}")


@app.command("doctor")
def doctor_command(*, store: Store = None, model: Model = None, json: Json = False) -> None:
    """Say what works here, what does not, and what to do; exit code 1 where something must be."""
    found = [*findings(Place(store), model)]
    if json:
        print_json([asdict(one) for one in found])
    else:
        rows = [[one.what, "ok" if one.works else "no", one.says] for one in found]
        print_table([["", "", ""], *rows])
    if any(one.serious and not one.works for one in found):
        raise typer.Exit(1)
