"""Reading a suite by its name."""

from pathlib import Path

from longterm.errors import ConfigurationError
from longterm.evals.beam import read_beam
from longterm.evals.locomo import read_corrections, read_locomo
from longterm.evals.suites import Suite

__all__ = ["read_suite"]


def read_suite(name: str, data: Path, corrections: Path | None = None) -> Suite:
    """Read "locomo" or "beam" from *data*, a file or a folder."""
    if not data.exists():
        raise ConfigurationError(f"There is nothing at {data}. Fetch the suite's files first.")
    if name == "beam":
        return read_beam(data)
    return read_locomo(data, read_corrections(corrections) if corrections else None)
