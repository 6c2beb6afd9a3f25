"""Words of others on a page that a model reads: no line of them passes for another's. Pure.

A *turn* begins where a line begins; every further line of it is set in. So a page has exactly
the turns that were put on it, whatever stands in their texts, and a name is a few words
that end no heading. `as_json` is for where a text stands on one line, in quotes.

Nor can a text end the tags that it stands between (`fenced`). A model reads a look-alike as the
thing itself, so a tag counts in every spelling: with a bracket or letters of another script, with
marks on them, with space or unseen letters between. Nor can it end the message it stands in:
engines of local models read the tokens of a chat template wherever they stand.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from longterm.text.tokenizer import words

__all__ = [
    "ENCODER",
    "as_json",
    "as_label",
    "fenced",
    "indented",
    "opening_pattern",
    "poses",
    "shortened",
    "spelled",
    "turn",
    "visible",
]

#: Controls, marks that turn the direction of writing, and letters that only a model sees.
_UNSEEN_LETTERS = (
    "\0-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff"
)
# Emoji and some scripts need joiners; between the letters of a fence they only hide it.
_UNSEEN = re.compile(rf"(?<=[!-~])[{_UNSEEN_LETTERS}\u200c\u200d]+|[{_UNSEEN_LETTERS}]+")
_BRACKETS = "<\u02c2\u1438\u2039\u2329\u27e8\u276c\u276e\u3008\ufe3f\ufe64\uff1c"
_SLASHES = "/\u2044\u2215\u29f8\u2571\uff0f"
#: Blocks of the Unicode standard with letters that look like the Latin ones: Greek, Cyrillic,
#: Armenian, Georgian, Cherokee, phonetic, enclosed, mathematical and full-width letters.
_LOOK_ALIKES = (
    "\xaa-\u02ff\u0370-\u058f\u10a0-\u10ff\u13a0-\u13ff\u1c80-\u1fff\u2070-\u218f\u2460-\u24ff"
    "\u2c00-\u2dff\ua640-\ua7ff\uab30-\uabbf\uff21-\uff5a\U0001d400-\U0001d7ff\U0001f100-\U0001f1ff"
)
_GAP = rf"[\s{_SLASHES}\u0300-\u036f\u200c\u200d\ufe0e\ufe0f{_UNSEEN_LETTERS}]*"
#: What begins a token by which a chat template begins or ends a message: those of Qwen, Llama,
#: Phi, DeepSeek, Gemma and Mistral. Tokenizers know them in this one spelling.
_CONTROL = re.compile(
    r"<(?=[|\uff5c][^|\uff5c<>\n]{1,40}[|\uff5c]>|(?:start|end)_of_turn>|/?s>|[be]os>|</?SYS>>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_[A-Z]+)\])"
)


def fenced(text: str, *tags: str) -> str:
    """Return *text* so that nothing in it can open or close one of *tags*, nor its message."""
    if "<" in text or "[" in text:
        text = _CONTROL.sub(lambda mark: "&lt;" if mark[0] == "<" else "&#91;", text)
    if text.isascii() and "<" not in text:  # of ASCII no other letter passes for a bracket
        return text
    return opening_pattern(*tags).sub("&lt;", text)


@lru_cache(maxsize=64)
def opening_pattern(*tags: str) -> re.Pattern[str]:
    """Compile what finds the bracket that opens or closes one of *tags*, in any spelling."""
    names = "|".join(spelled(tag, _GAP) for tag in tags)
    return re.compile(rf"[{_BRACKETS}](?={_GAP}(?:{names})(?![A-Za-z0-9_]))", re.IGNORECASE)


def spelled(word: str, gap: str = "") -> str:
    """Write a pattern of *word* in which a look-alike may stand for each letter."""
    return gap.join(rf"[{re.escape(letter)}{_LOOK_ALIKES}]" for letter in word)


def visible(text: str) -> str:
    """Return *text* without the letters that only a model can see."""
    if text.isprintable() and text.isascii():  # the search would take ten times as long
        return text
    return _UNSEEN.sub("", text)


#: Words that say who speaks.
_ROLES = frozenset(
    {"user", "assistant", "system", "tool", "developer", "human", "ai", "function", "fact"}
)
#: A word in which Latin letters of ASCII stand beside others.
_MIXED = re.compile(r"(?=\S*[A-Za-z])(?=\S*[^\x00-\x7f])\S+")
_LONGEST_LABEL = 80
#: What ends a heading, or a bracket in it, in the spellings of several scripts.
_PUNCTUATION = re.compile(
    '[:;|"`<>()\\[\\]{}\u02d0\u02f8\u0589\u05c3\u2236\u2237\u2329\u232a\u300a-\u3011\u3014\u3015'
    "\u3008\u3009\ua789\ufe13\ufe30\ufe55\ufe59-\ufe5e\ufe64\ufe65\uff08\uff09\uff1a-\uff1c\uff1e"
    "\uff3b\uff3d\uff5b\uff5d]"
)
#: Writes values on one line; what is no JSON as its text.
ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
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
        one in begun or (mixed and _spelling(one).fullmatch(mixed[0])) for one in _ROLES - {role}
    )


@lru_cache(maxsize=16)
def _spelling(role: str) -> re.Pattern[str]:
    """Compile what finds *role* in any spelling: for few names, and it takes milliseconds."""
    return re.compile(rf"{spelled(role)}\d*", re.IGNORECASE)


def as_json(value: Any, *tags: str) -> str:
    """Return *value* as JSON on one line, in which nothing opens or closes one of *tags*.

    Only the spelling differs: read as JSON, it is *value*.
    """
    encoded = ENCODER.encode(value).replace("<", r"\u003c")
    if encoded.isascii():
        return encoded
    escaped = _ESCAPED.sub(_escape, encoded)
    return opening_pattern(*tags).sub(_escape, escaped) if tags else escaped


def _escape(letter: re.Match[str]) -> str:
    return json.dumps(letter.group())[1:-1]


def shortened(text: str, limit: int) -> str:
    """Keep both ends of a text of more than *limit* characters, and say how much is left out."""
    if len(text) <= limit:
        return text
    half = limit // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n[… {left_out} characters left out …]\n{text[half + left_out :]}"
