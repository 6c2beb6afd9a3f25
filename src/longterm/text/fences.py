"""Text of others inside a prompt: it cannot end the tags that it stands between. Pure.

A model reads a look-alike as the thing itself, so a tag counts in every spelling: with a
bracket or letters of another script, with marks on them, with space or unseen letters between.
Nor can it end the message it stands in: engines of local models read the tokens of a chat
template wherever they stand.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["fenced", "opening_pattern", "spelled", "visible"]

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
