"""Reading JSON files, with errors that say which file and what was expected there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from longterm.errors import InvalidInputError

__all__ = ["dicts_in", "file_text", "json_file", "natural", "parsed_json", "plain_text"]


def json_file(path: Path) -> Any:
    """Return what the file holds."""
    return parsed_json(file_text(path), str(path))


def parsed_json(text: str, where: str) -> Any:
    """Return what *text*, which stands *where* an error says, holds."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"{where} is not JSON: {error}.") from error
    except RecursionError as error:
        raise InvalidInputError(f"{where} is nested too deeply.") from error


def file_text(path: Path) -> str:
    """Return the words of the file."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} is not text in UTF-8.") from error


def dicts_in(data: Any, key: str) -> Iterator[dict[str, Any]]:
    """Yield the objects that have *key*, however deep in *data* they lie."""
    match data:
        case dict() if key in data:
            yield cast("dict[str, Any]", data)
        case dict():
            yield from dicts_in(list(cast("dict[str, Any]", data).values()), key)
        case list():
            for inner in cast("list[Any]", data):
                yield from dicts_in(inner, key)
        case _:
            return


def natural(name: str) -> tuple[int, str]:
    """Sort *name* by the number it is or ends with, then as text."""
    digits = name[len(name.rstrip("0123456789")) :]
    return int(digits or 0), name


def plain_text(value: Any) -> str:
    """Return words and numbers as text, anything else as ""."""
    return str(value).strip() if isinstance(value, str | int | float) else ""
