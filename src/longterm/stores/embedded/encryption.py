"""Encryption at rest: SQLCipher in place of the SQLite of the standard library."""

import sqlite3
from typing import Any

from longterm.errors import ConfigurationError, MissingExtraError

__all__ = ["Cipher"]

_RAW = 32


class Cipher:
    """Opens encrypted files with one key: a passphrase, or 32 bytes that are the key itself.

    A passphrase is stretched at every connection, which takes about a tenth of a second each.
    """

    def __init__(self, key: str | bytes) -> None:
        if not key or (isinstance(key, bytes) and len(key) != _RAW):
            raise ConfigurationError(
                f"An encryption_key is a passphrase that is not empty, or {_RAW} bytes."
            )
        try:
            from sqlcipher3 import dbapi2
        except ImportError as exc:
            raise MissingExtraError("EmbeddedStore(encryption_key=…)", "encrypted") from exc
        self._driver: Any = dbapi2
        said = f"x'{key.hex()}'" if isinstance(key, bytes) else key
        self._key = "PRAGMA key = '{}'".format(said.replace("'", "''"))

    @property
    def errors(self) -> type[Exception]:
        """The base of SQLCipher's errors, which are none of sqlite3's."""
        return self._driver.Error

    def connect(self, path: str, **options: Any) -> sqlite3.Connection:
        """Open a file; its first statement fails where the key is not the file's."""
        connection = self._driver.connect(path, **options)
        connection.execute("PRAGMA cipher_log_level = NONE")  # it would write to stderr
        connection.execute(self._key)
        return connection
