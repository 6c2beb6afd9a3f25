"""What must survive when a prompt is rewritten: its placeholders, and that it can be filled.

Everything here is pure. A prompt that is written for ``str.format`` stays one: ``{name}`` is a
placeholder and ``{{`` a literal brace. A prompt with plain JSON in it is no such template, and
its braces are left alone; what looks like a placeholder in it is kept all the same.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from string import Formatter
from typing import Any

__all__ = ["complaint", "escaped", "fill", "healed", "is_template", "placeholders"]

_NAME = r"[^\W\d]\w*(?:\.\w+|\[\w+\])*"
_SPEC = r"%[^{}\n\"']*|[^{}\s\"']*"  # with spaces only that of a date: JSON has them, too
_FIELD = re.compile(rf"\{{{_NAME}(?:![rsa])?(?::(?:{_SPEC}))?\}}")
_DOUBLE = re.compile(rf"(?<!\{{)\{{\{{\s*{_NAME}\s*\}}\}}(?!\}})")
_TOKEN = re.compile(rf"\{{\{{|\}}\}}|{_FIELD.pattern}")


def placeholders(text: str) -> frozenset[str]:
    """Placeholders in *text*, braces and all: ``{"{name}", "{price:.2f}"}``."""
    return frozenset(found for found in _TOKEN.findall(text) if len(found) > len("{{"))


def _doubles(text: str) -> frozenset[str]:
    """``{{name}}`` in *text*: a literal for ``str.format``, a placeholder for mustache."""
    return frozenset(_DOUBLE.findall(text))


def is_template(text: str) -> bool:
    """Whether *text* can be filled with ``str.format`` and has something to fill or escape."""
    return ("{" in text or "}" in text) and _fields(text) == _names(placeholders(text))


def _fields(text: str) -> frozenset[str] | None:
    try:
        return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)
    except ValueError:
        return None


def _names(found: frozenset[str]) -> frozenset[str]:
    return frozenset(re.split(r"[!:}]", one[1:], maxsplit=1)[0] for one in found)


def complaint(old: str, new: str) -> str:
    """Say what is wrong with *new* in place of *old*, for a model to mend; "" if nothing is."""
    lost = (placeholders(old) | _doubles(old)) - (placeholders(new) | _doubles(new))
    invented = placeholders(new) - placeholders(old)
    if not placeholders(old):
        invented |= _doubles(new) - _doubles(old) if _doubles(old) else frozenset[str]()
    broken = is_template(old) and _fields(new) != _names(placeholders(new))
    faults: list[str] = []
    if lost:
        faults.append(f"It lost {_listed(lost)}, which must stay exactly as written.")
    if invented:
        faults.append(f"It has {_listed(invented)}, for which there is no value.")
    if broken and not faults:
        faults.append("Its braces do not match: a literal brace is written twice, {{ or }}.")
    return " ".join(faults)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def healed(old: str, new: str) -> str:
    """Return *new*, its literal braces escaped where *old* is a template and *new* is none."""
    if not is_template(old) or _fields(new) == _names(placeholders(new)):
        return new
    return escaped(new)


def escaped(text: str, names: Container[str] | None = None) -> str:
    """Return *text* with each lone brace doubled, except those of placeholders.

    With *names* only these are placeholders, and all else in braces is plain text.
    """
    opened: list[str] = []
    pieces: list[str] = []
    place = 0
    while place < len(text):
        piece = _piece(text, place, opened, names)
        place += len(piece)
        pieces.append(piece * 2 if piece in ("{", "}") else piece)
    return "".join(pieces)


def _piece(text: str, place: int, opened: list[str], names: Container[str] | None) -> str:
    """Return the next piece of *text*; *opened* holds the braces that wait to be closed."""
    field = _FIELD.match(text, place)
    if field and (names is None or field[0][1:-1] in names):
        return field[0]
    here = text[place]
    pair = text[place : place + 2]
    if here == "{":
        opened.append(pair if pair == "{{" else "{")
        return opened[-1]
    if here == "}":
        was = opened.pop() if opened else pair
        return pair if pair == "}}" and was != "{" else "}"
    return here


def fill(template: str, /, **values: Any) -> str:
    """Fill *template* as ``str.format`` does; a placeholder that has no value stays.

    Where it holds plain JSON, only plain names are filled.
    """
    if is_template(template):
        return _TOKEN.sub(lambda match: _filled_token(match[0], values), template)
    return re.sub(r"\{(\w+)\}", lambda match: str(values.get(match[1], match[0])), template)


def _filled_token(token: str, values: Mapping[str, Any]) -> str:
    try:
        return token.format(**values)
    except (LookupError, ValueError, TypeError, AttributeError):
        return token if len(token) > len("{{") else token[0]
