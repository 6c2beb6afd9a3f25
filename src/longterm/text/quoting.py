"""Words of others on a page that a model reads: no line of them passes for another's. Pure.

A *turn* begins where a line begins; every further line of it is set in. So a page has exactly
the turns that were put on it, whatever stands in their texts, and a name is a few words
that end no heading. `as_json` is for where a text stands on one line, in quotes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from longterm.text.fences import opening_pattern, spelled, visible
from longterm.text.tokenizer import words

__all__ = ["as_json", "as_label", "indented", "poses", "turn"]

#: Words that say who speaks.
_ROLES = frozenset(
    {"user", "assistant", "system", "tool", "developer", "human", "ai", "function", "fact"}
)
_SPELLINGS = {role: re.compile(rf"{spelled(role)}\d*", re.IGNORECASE) for role in _ROLES}
#: A word in which Latin letters of ASCII stand beside others.
_MIXED = re.compile(r"(?=\S*[A-Za-z])(?=\S*[^\x00-\x7f])\S+")
_LONGEST_LABEL = 80
#: What ends a heading, or a bracket in it, in the spellings of several scripts.
_PUNCTUATION = re.compile(
    '[:;|"`<>()\\[\\]{}\u02d0\u02f8\u0589\u05c3\u2236\u2237\u2329\u232a\u300a-\u3011\u3014\u3015'
    "\u3008\u3009\ua789\ufe13\ufe30\ufe55\ufe59-\ufe5e\ufe64\ufe65\uff08\uff09\uff1a-\uff1c\uff1e"
    "\uff3b\uff3d\uff5b\uff5d]"
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
#: What JSON lets stand as it is though it ends a line or is not to be seen.
_ESCAPED = re.compile(
    "[\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
)


def turn(heading: str, text: str) -> str:
    """Return what was said under *heading*, which says who spoke: ``user (Ann): Hello``."""
    return f"{heading}: {indented(text)}"


def indented(text: str, by: str = "    ") -> str:
    """Set every line of *text* but the first in by *by*, whatever ends a line in it."""
    return f"\n{by}".join(visible(text).splitlines())


def as_label(name: str) -> str:
    """Return *name* as a few words on one line that cannot end the heading they stand in."""
    return " ".join(_PUNCTUATION.sub(" ", visible(name)).split())[:_LONGEST_LABEL].rstrip()


def poses(label: str, role: str) -> bool:
    """Whether *label*, a name, begins like another role than *role*, its owner's.

    So do "the user", "user2" and "u-ser", and a word of several scripts that looks like a role;
    one that is all of another script is a word of that script.
    """
    bare = re.sub(r"\Athe\s+", "", label, flags=re.IGNORECASE)
    plain = words(bare)
    begun = {word.rstrip("0123456789") for word in [*plain[:1], "".join(plain)]}
    mixed = _MIXED.match(bare)
    return any(
        one in begun or (mixed and _SPELLINGS[one].fullmatch(mixed[0])) for one in _ROLES - {role}
    )


def as_json(value: Any, *tags: str) -> str:
    """Return *value* as JSON on one line, in which nothing opens or closes one of *tags*.

    Only the spelling differs: read as JSON, it is *value*.
    """
    encoded = _ENCODER.encode(value).replace("<", r"\u003c")
    if encoded.isascii():
        return encoded
    escaped = _ESCAPED.sub(_escape, encoded)
    return opening_pattern(*tags).sub(_escape, escaped) if tags else escaped


def _escape(letter: re.Match[str]) -> str:
    return json.dumps(letter.group())[1:-1]
