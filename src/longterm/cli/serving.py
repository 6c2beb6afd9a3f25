"""``longterm serve``, ``mcp``, ``worker``, ``keys``: what runs until it is stopped."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from longterm import settings
from longterm.cli.doctor import version
from longterm.cli.options import Embeddings, Json, Model, Store
from longterm.cli.place import Place
from longterm.cli.showing import print_json, print_line, print_table
from longterm.errors import ConfigurationError, InvalidInputError, MissingExtraError
from longterm.service.keys import scopes_in

__all__ = ["app"]

app = typer.Typer()
keys = typer.Typer(help="Keys for a server: who may ask it.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.command("serve")
def serve_command(
    *,
    store: Store = None,
    model: Model = None,
    embeddings: Embeddings = "auto",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.", min=0, max=65_535)] = 8787,
    workers: Annotated[int, typer.Option(help="Processes that answer.", min=1)] = 1,
    rate_limit: Annotated[
        str, typer.Option(help="Requests of one key, such as 100/minute.")
    ] = "6000/minute",
    max_body: Annotated[
        int, typer.Option(help="Bytes of a request; an import may have 16 times as many.", min=1)
    ] = 4 * 2**20,
    name: Annotated[
        list[str], typer.Option(help="A host name the server is reached by; can be repeated.")
    ] = [],  # noqa: B006 - typer copies it
    jwks_url: Annotated[str, typer.Option(help="Accept tokens signed by these keys.")] = "",
    jwt_issuer: Annotated[str, typer.Option(help="Who must have issued a token.")] = "",
    jwt_audience: Annotated[str, typer.Option(help="Whom a token must be for.")] = "",
    jwt_user_claim: Annotated[str, typer.Option(help="Which claim holds the user's id.")] = "sub",
    json: Annotated[bool, typer.Option("--json", help="Print its address as JSON.")] = False,
) -> None:
    """Serve REST, MCP, LangGraph's and Anthropic's store APIs and the console."""
    try:
        from longterm.server.options import ServerOptions, TokenOptions
        from longterm.server.process import run_server
    except ImportError as error:
        raise MissingExtraError("The server", "server") from error
    if not all(map(find_spec, ("fastapi", "mcp"))):  # its workers import them, this process not
        raise MissingExtraError("The server", "server")
    if jwks_url and not (jwt_issuer and jwt_audience):
        raise ConfigurationError("--jwks-url needs --jwt-issuer and --jwt-audience.")
    tokens = TokenOptions(
        jwks_url=jwks_url, issuer=jwt_issuer, audience=jwt_audience, user_claim=jwt_user_claim
    )
    run_server(
        ServerOptions(
            store=Place(store).where,
            model=model,
            embeddings=embeddings,
            host=host,
            port=port,
            workers=workers,
            rate_limit=rate_limit,
            max_body=max_body,
            hosts=tuple(name),
            tokens=tokens if jwks_url else None,
        ),
        as_json=json,
    )


@app.command("mcp")
def mcp_command(
    *,
    store: Store = None,
    user: Annotated[str, typer.Option(help="Whose memory the agent has.")] = "me",
    model: Model = None,
    embeddings: Embeddings = "auto",
) -> None:
    """Serve MCP over standard input and output, for an agent on this machine."""
    try:
        from longterm.server.mcp import memory_server
    except ImportError as error:
        raise MissingExtraError("MCP", "server") from error
    with Place(store, user, embeddings=embeddings).opened(model) as service:
        service.user(user)  # one that is no id is refused before an agent asks
        memory_server(lambda: service, version=version("longterm"), user=user).run()


@app.command("worker")
def worker_command(
    reflector: Annotated[str, typer.Argument(help="A memory manager, as package.module:name.")],
    *,
    db: Annotated[str, typer.Option(help="sqlite:///reflections.db or postgresql://….")],
    name: Annotated[str, typer.Option(help="The executors' name.")] = "default",
    max_workers: Annotated[int, typer.Option(help="Reflections at the same time.")] = 8,
    store: Annotated[
        str | None,
        typer.Option(help="Where memories go, a path or postgresql://…, if the manager has none."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print as JSON that the worker has begun.")
    ] = False,
) -> None:
    """Do the reflections that wait in a database, until it is stopped."""
    from longterm.reflect.worker import run_worker

    sys.path.insert(0, str(Path.cwd()))  # as for python -m

    def started(begun: str) -> None:
        if json:
            print_json({"worker": name, "max_workers": max_workers, "says": begun})
        else:
            print_line(begun, err=True)

    memories = None if store is None else settings.open_store(store)
    run_worker(reflector, db, started=started, name=name, max_workers=max_workers, store=memories)


@keys.command("create")
def keys_create_command(
    *,
    user: Annotated[str | None, typer.Option(help="Whose memory it reaches.")] = None,
    scope: Annotated[
        str, typer.Option(help="What it may: read, write, admin, with commas. admin: every user.")
    ] = "read,write",
    name: Annotated[str, typer.Option(help="What you will know it by.")] = "",
    store: Store = None,
    json: Json = False,
) -> None:
    """Make a key; it is shown this once."""
    with Place(store, embeddings="none").opened() as service:
        key, text = service.keys.create(user=user, scopes=scopes_in(scope), name=name)
    if json:
        print_json(key.as_json() | {"key": text})
    else:
        print_line(text)
        print_line("Keep it: it is not shown again.", err=True)


@keys.command("list")
def keys_list_command(*, store: Store = None, json: Json = False) -> None:
    """List the keys, without their secrets."""
    with Place(store, embeddings="none").existing() as service:
        found = service.keys.list()
    if json:
        print_json([key.as_json() for key in found])
    elif not found:
        print_line("No keys. Make one: longterm keys create --user NAME", err=True)
    else:
        rows = [
            [key.id, key.user or "(every user)", ",".join(key.scopes), key.created_at, key.name]
            for key in found
        ]
        print_table([["id", "user", "scopes", "since", "name"], *rows])


@keys.command("revoke")
def keys_revoke_command(
    id: Annotated[str, typer.Argument(help="The key's id, as list shows it.")],
    *,
    store: Store = None,
    json: Json = False,
) -> None:
    """End a key at once."""
    with Place(store, embeddings="none").existing() as service:
        if not service.keys.revoke(id):
            raise InvalidInputError(f"There is no key {id}. Look it up with: longterm keys list")
    if json:
        print_json({"id": id, "revoked": True})
    else:
        print_line(f"revoked {id}")
