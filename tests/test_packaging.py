"""The package as users get it: what is in it, what it says of itself, and that it works bare."""

import importlib.metadata
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

import longterm

ROOT = Path(__file__).parents[1]


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(  # noqa: S603 - this Python and its tools
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT))
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return message_from_bytes(archive.read(name))


def test_the_package_index_would_take_it(dist: Path) -> None:
    assert "FAILED" not in run("-m", "twine", "check", "--strict", *map(str, dist.iterdir()))


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    run("-m", "check_wheel_contents", str(wheel))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {
        "longterm",
        f"longterm-{longterm.__version__}.dist-info",
    }
    assert "longterm/py.typed" in names


def test_everything_that_is_not_code_is_in_the_wheel(wheel: Path) -> None:
    source = ROOT / "src"
    files = [
        path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    assert {str(path.relative_to(source)) for path in files} <= packed


def test_the_wheel_works_without_its_checkout(wheel: Path, tmp_path: Path) -> None:
    run("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path), str(wheel))
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import longterm as l; "
    said = run("-c", program + "print(l.__file__, l.__version__)", cwd=tmp_path).split()
    assert said == [str(tmp_path / "longterm" / "__init__.py"), longterm.__version__]


def test_the_version_is_said_once(metadata: Message) -> None:
    assert metadata["Version"] == longterm.__version__ == importlib.metadata.version("longterm")
    assert f"version: {longterm.__version__}" in (ROOT / "CITATION.cff").read_text()


def test_links_in_the_description_lead_somewhere_from_the_index(metadata: Message) -> None:
    """A package index shows the description without the files beside it."""
    text: str = metadata.get_payload()  # pyright: ignore[reportAssignmentType] - one part
    relative = [line for line in text.splitlines() if "](docs/" in line or "](CHANGELOG" in line]
    assert relative == []


def test_the_project_has_addresses(metadata: Message) -> None:
    named = [str(value).split(",")[0] for value in metadata.get_all("Project-URL") or ()]
    assert {"Homepage", "Documentation", "Changelog", "Issues"} <= set(named)


#: Licences that ask something of those who only use a library.
COPYLEFT = ("GPL", "AGPL", "SSPL", "BUSL")
WEAK = ("LGPL", "MPL", "PSF")


def needed(package: str, seen: set[str]) -> set[str]:
    """Return what *package* needs at run time, with what that needs."""
    for requirement in importlib.metadata.requires(package) or ():
        name, _, rest = requirement.partition(";")
        base = name.split("[")[0].split(">")[0].split("<")[0].split("=")[0].split("!")[0]
        base = base.split("~")[0].split("(")[0].strip().lower()
        if "extra ==" in rest or base in seen:
            continue
        try:
            importlib.metadata.distribution(base)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or Python
        seen.add(base)
        needed(base, seen)
    return seen


def licence(package: str) -> Sequence[str]:
    about = importlib.metadata.metadata(package)
    classifiers = [one for one in about.get_all("Classifier") or () if one.startswith("License")]
    short = [about[one] for one in ("License-Expression", "License") if one in about]
    return [*classifiers, *(one for one in short if len(one) < len("a licence, not its text" * 4))]


def test_nothing_the_library_needs_is_under_a_strong_copyleft() -> None:
    packages = needed("longterm", set())
    assert {"langchain-core", "langgraph", "numpy", "pydantic"} <= packages
    strong = {
        package: said
        for package in packages
        for said in licence(package)
        if any(name in said for name in COPYLEFT) and not any(name in said for name in WEAK)
    }
    assert strong == {}
