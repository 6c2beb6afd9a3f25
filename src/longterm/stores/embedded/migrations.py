"""The schema of the file and its way forward.

`PRAGMA user_version` counts the scripts that were applied; each is applied once, in one
transaction with its number, under the write lock: of many processes that open a new file one
does the work. A file of another program or of a newer longterm is refused before anything in
it is touched.
"""

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files

from longterm.errors import StoreError
from longterm.stores.rows import checksum_of_bytes

__all__ = [
    "APPLICATION_ID",
    "add_functions",
    "is_current",
    "is_ours",
    "migrate",
    "migration_scripts",
    "transaction",
]

#: Stands in the header of every file of ours: "LTRM".
APPLICATION_ID = 0x4C54524D


def migration_scripts() -> list[str]:
    """Read the SQL of every migration, oldest first."""
    folder = files("longterm.stores.embedded").joinpath("schema")
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    return [file.read_text("utf-8") for file in found if file.name.endswith(".sql")]


def add_functions(connection: sqlite3.Connection) -> None:
    """Give SQL the functions of ours that migrations and checks call."""
    connection.create_function("longterm_checksum", 4, checksum_of_bytes, deterministic=True)


def is_ours(connection: sqlite3.Connection, path: str, *, known: int) -> bool:
    """Whether the file holds a schema of ours; a file that is neither ours nor empty is refused.

    Call it inside a transaction: between two readings another process may create the schema.
    """
    application, version = _script_number(connection, "application_id"), _version(connection)
    if application == APPLICATION_ID:
        if version > known:
            raise StoreError(
                f"{path} was written by a newer longterm (schema {version}, this one knows "
                f"{known}). Nothing was changed; upgrade longterm to open it."
            )
        return True
    if application or version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreError(
            f"{path} is the SQLite file of another program. Nothing was changed; "
            "choose another path."
        )
    return False


def migrate(connection: sqlite3.Connection, path: str, migrations: Sequence[str]) -> None:
    """Bring the file to the newest schema."""
    if is_current(connection, path, known=len(migrations)):
        return
    add_functions(connection)
    with transaction(connection, "BEGIN IMMEDIATE"):
        is_ours(connection, path, known=len(migrations))
        for script in migrations[_version(connection) :]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


def is_current(connection: sqlite3.Connection, path: str, *, known: int) -> bool:
    """Whether the file holds our newest schema; a file that is not ours is refused."""
    with transaction(connection, "BEGIN"):
        return is_ours(connection, path, known=known) and _version(connection) == known


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Generator[None]:
    """Commit what is done inside, or none of it."""
    try:
        # Inside: a Ctrl-C that came while we waited for the lock is raised once we have it.
        connection.execute(begin)
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back by itself.
        if connection.in_transaction:
            with suppress(Exception):  # SQLCipher's errors are none of sqlite3's
                connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """One statement after the other; `executescript` would end our transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _version(connection: sqlite3.Connection) -> int:
    return _script_number(connection, "user_version")


def _script_number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
