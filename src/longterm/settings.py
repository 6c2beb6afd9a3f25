"""What the environment says: the only module that reads it.

Everything below takes values as arguments; here they are filled in. For now that is where
files that can be fetched again are kept, and how many threads local models get.

    LONGTERM_CACHE      the folder itself
    XDG_CACHE_HOME      the folder for all programs' caches; ours is "longterm" in it
    LONGTERM_THREADS    a whole number from 1
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longterm.errors import ConfigurationError
from longterm.models.local.paths import default_cache

if TYPE_CHECKING:
    from longterm.models.embed import MiniLMEmbeddings
    from longterm.models.local import LocalChatModel
    from longterm.stores import EmbeddedStore

__all__ = ["cache_folder", "embedded_store", "local_chat_model", "local_embeddings", "threads"]


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for files that can be fetched again."""
    if own := environ.get("LONGTERM_CACHE"):
        return Path(own).expanduser()
    shared = environ.get("XDG_CACHE_HOME", "")
    # The XDG rules say that a relative path is to be ignored.
    return Path(shared) / "longterm" if Path(shared).is_absolute() else default_cache()


def threads(environ: Mapping[str, str] = os.environ) -> int | None:
    """Return how many threads local models get, or None where nobody said."""
    said = environ.get("LONGTERM_THREADS")
    if not said:
        return None
    if not said.isascii() or not said.isdigit() or int(said) < 1:
        raise ConfigurationError(f"LONGTERM_THREADS must be a whole number from 1, not {said!r}.")
    return int(said)


def local_chat_model(name_or_path: str | Path, **options: Any) -> "LocalChatModel":
    """Return a local chat model, set up as the environment says unless *options* say more."""
    from longterm.models.local import local_chat_model as make  # noqa: PLC0415 (slow to import)

    said: dict[str, Any] = {"cache": cache_folder(), "threads": threads()}
    return make(name_or_path, **said | options)


def local_embeddings(**options: Any) -> "MiniLMEmbeddings":
    """Return the embedded embedding model, set up as the environment says."""
    from longterm.models.embed import MiniLMEmbeddings  # noqa: PLC0415 (slow to import)

    said: dict[str, Any] = {"threads": threads()}
    return MiniLMEmbeddings(**said | options)


def embedded_store(path: str | Path = ":memory:", *, vectors: bool = True) -> "EmbeddedStore":
    """Open a store in a file that finds by words and, with *vectors*, by the embedded model."""
    from longterm.stores import EmbeddedStore  # noqa: PLC0415 (slow to import)

    if not vectors:
        return EmbeddedStore(path)
    embeddings = local_embeddings()
    return EmbeddedStore(path, index={"embed": embeddings, "dims": embeddings.dims})
