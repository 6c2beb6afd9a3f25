"""The schema of the database and its way forward.

Scripts are numbered and lie in two folders: `core`, and `vectors`, which needs pgvector and so
may come later than the rest. The table `migrations` counts how many of each were applied; they
are applied in one transaction under an advisory lock, so that of many processes that start at
once one does the work. A schema of a newer longterm is refused before anything is touched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

from psycopg import Connection, errors as postgres_errors, sql

from longterm.errors import ConfigurationError, StoreError
from longterm.text.tokenizer import VERSION

__all__ = ["OUR_LOCKS", "Readiness", "prepare_schema"]

CORE, VECTORS = "core", "vectors"
#: The first of the two keys of every advisory lock of ours: "LTRM".
OUR_LOCKS = 0x4C54524D
_NO_PGVECTOR = (None, 0)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the database offers, once its schema is the newest."""

    #: The schema that holds pgvector; None: there is no pgvector, hence no vectors.
    vector_schema: str | None
    #: Number that the server knows pgvector's type by; 0 where there is none.
    halfvec: int
    #: How many scripts were applied.
    version: int
    #: The version of the tokenizer that made the text index.
    tokenizer: int


def prepare_schema(
    connection: Connection[Any], schema: str, *, with_vectors: bool, may_migrate: bool
) -> Readiness:
    """Bring *schema* to the newest version, or (not *may_migrate*) refuse an older one.

    *connection* is in autocommit mode. Nothing but reading happens where all is up to date, so
    a role that may create nothing can use a schema that another role made.
    """
    tracks = (CORE, VECTORS) if with_vectors else (CORE,)
    folder = files("longterm.stores.postgres").joinpath("schema")
    found = {
        track: sorted(folder.joinpath(track).iterdir(), key=lambda file: file.name)
        for track in tracks
    }
    scripts = {
        track: [script.read_text("utf-8") for script in these if script.name.endswith(".sql")]
        for track, these in found.items()
    }
    missing = _missing(_applied_scripts(connection, schema), scripts)
    pgvector = _find_pgvector(connection) if with_vectors else _NO_PGVECTOR
    if with_vectors and pgvector == _NO_PGVECTOR and not may_migrate:
        missing.pop(VECTORS, None)
    if missing and not may_migrate:
        raise ConfigurationError(
            f"The schema {schema!r} is missing or older than this longterm, and the store was "
            "opened with setup=False. Call store.setup() once with a role that may create tables."
        )
    if missing:
        with connection.transaction():
            pgvector = _migrate(connection, schema, scripts)
    state = sql.SQL("SELECT tokenizer FROM {}").format(sql.Identifier(schema, "state"))
    (tokenizer,) = connection.execute(state).fetchone() or (VERSION,)
    return Readiness(*pgvector, sum(map(len, scripts.values())), tokenizer)


def _migrate(
    connection: Connection[Any], schema: str, scripts: dict[str, list[str]]
) -> tuple[str | None, int]:
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (OUR_LOCKS, schema))
    name = sql.Identifier(schema)
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
    connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(name))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (track text PRIMARY KEY, applied integer NOT NULL)"
    )
    pgvector = _provide_pgvector(connection) if VECTORS in scripts else _NO_PGVECTOR
    vector_schema, _ = pgvector
    if vector_schema is not None:
        path = sql.SQL(", ").join([name, sql.Identifier(vector_schema)])
        connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(path))
    # Read again: while we waited for the lock another may have done it.
    for track, remaining in _missing(_applied_scripts(connection, schema), scripts).items():
        if track == VECTORS and vector_schema is None:
            continue
        for script in remaining:
            text = script.replace("@schema@", name.as_string(connection))
            connection.execute(text.replace("@tokenizer@", str(VERSION)).encode())
        connection.execute(
            "INSERT INTO migrations VALUES (%s, %s) "
            "ON CONFLICT (track) DO UPDATE SET applied = excluded.applied",
            (track, len(scripts[track])),
        )
    return pgvector


def _applied_scripts(connection: Connection[Any], schema: str) -> dict[str, int]:
    """Read how many scripts of each track were applied; nothing where there is no schema."""
    table = sql.Identifier(schema, "migrations").as_string(connection)
    (known,) = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() or (None,)
    if known is None:
        return {}
    rows = connection.execute(f"SELECT track, applied FROM {table}".encode())
    return dict(cast("Sequence[tuple[str, int]]", rows.fetchall()))


def _missing(applied: dict[str, int], scripts: dict[str, list[str]]) -> dict[str, list[str]]:
    for track, known in scripts.items():
        if applied.get(track, 0) > len(known):
            raise StoreError(
                "The database was written by a newer longterm (its schema has "
                f"{applied[track]} {track} migrations, this one knows {len(known)}). Nothing was "
                "changed; upgrade longterm to open it."
            )
    return {
        track: known[applied.get(track, 0) :]
        for track, known in scripts.items()
        if applied.get(track, 0) < len(known)
    }


def _provide_pgvector(connection: Connection[Any]) -> tuple[str | None, int]:
    """Install pgvector where the server has it and the role may; then find it."""
    found = _find_pgvector(connection)
    if found != _NO_PGVECTOR:
        return found
    try:
        with connection.transaction():
            connection.execute("CREATE EXTENSION vector SCHEMA public")
    except (postgres_errors.FeatureNotSupported, postgres_errors.UndefinedFile,
            postgres_errors.InsufficientPrivilege, postgres_errors.InvalidSchemaName):  # fmt: skip
        return _NO_PGVECTOR
    return _find_pgvector(connection)


def _find_pgvector(connection: Connection[Any]) -> tuple[str | None, int]:
    """Find the schema of pgvector and its type, if it is there and has halfvec."""
    found = connection.execute(
        "SELECT nspname, pg_type.oid FROM pg_type "
        "JOIN pg_namespace ON pg_namespace.oid = typnamespace "
        "JOIN pg_depend ON objid = pg_type.oid AND deptype = 'e' "
        "JOIN pg_extension ON pg_extension.oid = refobjid "
        "WHERE typname = 'halfvec' AND extname = 'vector'"
    ).fetchone()
    return _NO_PGVECTOR if found is None else (str(found[0]), int(found[1]))
