"""Reading a suite by its name."""

from pathlib import Path

from longterm.errors import ConfigurationError
from longterm.evals.beam import read_beam
from longterm.evals.languages import Part, read_languages
from longterm.evals.locomo import read_corrections, read_locomo
from longterm.evals.suites import Suite

__all__ = ["read_suite"]


def read_suite(
    name: str, data: Path | None, corrections: Path | None = None, part: Part = "all"
) -> Suite:
    """Read "locomo", "beam" or "languages" from *data*, a file or a folder.

    Only "languages" comes with longterm and needs no data; *part* chooses among its questions.
    """
    if data is not None and not data.exists():
        raise ConfigurationError(f"There is nothing at {data}. Fetch the suite's files first.")
    if name == "languages":
        return read_languages(data, part)
    if data is None:
        raise ConfigurationError(f"Fetch the files of {name} and say where they are, with --data.")
    if name == "beam":
        return read_beam(data)
    return read_locomo(data, read_corrections(corrections) if corrections else None)
