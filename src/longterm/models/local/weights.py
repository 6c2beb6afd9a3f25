"""Find a model's file: the path the user gives, the cache, then each source in turn.

A known model's file is used only after its sha256 has been checked, also when it comes
from the cache: once in a process, and again if the file has changed. It appears in the
cache whole or not at all: it is fetched beside its place and renamed. Of several processes
one fetches and the others wait for it. A fetch that was killed goes on from where it was.
"""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from longterm.errors import LocalModelError
from longterm.models.local.catalogue import MODELS, KnownModel
from longterm.models.local.progress import announce, download_bar
from longterm.models.local.sources import Chunks, Hub, WeightSource

__all__ = ["DEFAULT_SOURCES", "find_model"]

DEFAULT_SOURCES: tuple[WeightSource, ...] = (Hub(), Chunks())

_MAGIC = b"GGUF"
#: What a source may need for a moment beside the file itself.
_SPARE_BYTES = 256 * 1024**2


def find_model(
    name_or_path: str | Path,
    *,
    cache: Path,
    sources: Sequence[WeightSource] = DEFAULT_SOURCES,
    known: Mapping[str, KnownModel] = MODELS,
) -> Path:
    """Return the path of a model's file, fetching it into *cache* first where need be."""
    model = known.get(str(name_or_path))
    if model is None:
        path = Path(name_or_path).expanduser()
        if not path.is_file():
            raise LocalModelError(
                f"{str(path)!r} is neither a file nor a model we know. Give the path of a .gguf "
                f"file or one of: {', '.join(sorted(known))}."
            )
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise LocalModelError(
                    f"{path} is not a GGUF file. Local models come as .gguf files."
                )
        return path
    try:
        if found := _cached(model, cache):
            return found
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{model.file}.lock"):
            # Another process may have fetched it while we waited for the lock.
            return _cached(model, cache) or _fetch(model, cache, sources)
    except OSError as exc:
        raise LocalModelError(
            f"Cannot keep {model.name} in {cache}: {exc}. Give another folder with cache=…"
        ) from exc


def _cached(model: KnownModel, cache: Path) -> Path | None:
    path = cache / model.file
    return path if _is_right(model, path) else None


def _fetch(model: KnownModel, cache: Path, sources: Sequence[WeightSource]) -> Path:
    folder = cache / f"{model.file}.partial"
    folder.mkdir(exist_ok=True)
    partial = folder / model.file
    have = partial.stat().st_size if partial.exists() else 0
    need = model.size - have + _SPARE_BYTES
    if (free := shutil.disk_usage(folder).free) < need:
        raise LocalModelError(
            f"{model.name} needs {need / 1e9:.1f} GB more in {folder}, which has "
            f"{free / 1e9:.1f} GB left. Free some space or give another folder with cache=…"
        )
    announce(model)
    failures = [f"the cache: no good file at {cache / model.file}"]
    for source in sources:
        try:
            with download_bar(model, source.name) as progress:
                source.fetch(model, partial, progress)
        except LocalModelError as exc:
            failures.append(f"{source.name}: {exc}")
            continue
        if _is_right(model, partial):
            found = partial.replace(cache / model.file)
            shutil.rmtree(folder, ignore_errors=True)
            return found
        partial.unlink(missing_ok=True)
        failures.append(f"{source.name}: it delivered a file whose sha256 is not the model's")
    tried = "".join(f"\n  - {failure}" for failure in failures)
    raise LocalModelError(
        f"Cannot get the model {model.name} ({model.size / 1e9:.2f} GB). Tried:{tried}\n"
        f"Get {model.file} of {model.hub_repo} on a machine that can, and give its path "
        "instead of the name, or put it into the cache."
    )


def _is_right(model: KnownModel, path: Path) -> bool:
    if not path.is_file():
        return False
    stat = path.stat()
    return stat.st_size == model.size and _sha256(path, stat.st_mtime_ns) == model.sha256


@lru_cache(maxsize=16)
def _sha256(path: Path, mtime_ns: int) -> str:  # noqa: ARG001 (a changed file is another key)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
