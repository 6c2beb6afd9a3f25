"""Weights by name: those of a file that ``longterm eval fit`` wrote."""

import json
from os import PathLike
from pathlib import Path

from longterm.errors import ConfigurationError
from longterm.recall.fusion import Weights

__all__ = ["weights_in"]


def weights_in(path: str | PathLike[str]) -> Weights:
    """Read the weights of a file; signals that it leaves out count as shipped.

    Raises `ConfigurationError` for a file that is not there or says something else.
    """
    try:
        said = json.loads(Path(path).expanduser().read_text("utf-8"))["weights"]
        return Weights(**{name: float(number) for name, number in said.items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} holds no weights ({type(error).__name__}). It looks like "
            '{"weights": {"text": 1.3, "vector": 7.3}}, as `longterm eval fit` writes it.'
        ) from error
