"""Dates that hang on the day they are said on, held to it. Pure.

"Ann flies to Porto tomorrow" is true for a day. Asked for absolute dates, a large model writes
them; a small one keeps the words as they were spoken. Here such words stay, and gain the day they
mean: "tomorrow (2026-11-27)". Where two days could be meant, they gain the day on which they were
said. What has a date beside it, stands in quotation marks, or was said on several days that are
not to be told apart, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain

from longterm.memory.when import Expression, Sense, Span, expressions
from longterm.text.scripts import main_script

__all__ = ["Spoken", "anchored"]

#: How near a date stands that says the same as the words.
_BESIDE = 30
_SENTENCE_END = re.compile(r"[.!?;\n。！？；]\s|[\n。！？；]")
_QUOTED = re.compile(
    r"(?<!\w)'[^'\n]*'(?!\w)|‘[^’\n]*’(?!\w)|https?://\S+|\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』|`[^`]*`"
)
#: What makes of the words a time after or before another: "the next day", "Ann's last year".
_OF_ANOTHER = re.compile(
    r"(?:\b(?:the|every|each|any|a|an|my|your|his|her|its|our|their)|\w['’]s?)\s+\Z", re.IGNORECASE
)
_OF_THIS_DAY = re.compile(r"(?:the\s+)?day\s+(?:after|before)\b", re.IGNORECASE)
#: What joins a word to a further one: an address, the name of a file.
_JOINT = "/@._=&#~-"
#: Names and words that begin like a day.
_NO_DAY = re.compile(
    r"明日[香奈菜葉叶方]|今日[头頭]条|今日子|(?<=[日每毎隔])本[周週月]|来年度|前年", re.IGNORECASE
)
#: A capital letter inside of a sentence, or a title: "the song Yesterday".
_NAME = re.compile(r"(?<=[\w,:] )[A-Z]\w*|\A[A-Z]\w*\Z")
#: Where words stay as they are.
_KEPT = (_QUOTED, _NO_DAY, _NAME)
_OWNER = re.compile(r"['’]s\b")
_SAID = {"han": "说于", "kana": "発言日"}
_DAY, _MONTH = timedelta(days=1), timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said in one message, and when."""

    text: str
    time: datetime


def anchored(text: str, spoken: Sequence[Spoken], before: str = "") -> str:
    """Return *text*, taken from what was *spoken*, with its days beside the words for them.

    Words that stood in the memory *before* stay as they are, unless they were spoken again.
    """
    moments = {one.time.date(): one.time for one in reversed(spoken)}
    meanings = {
        day: {found.start: found for found in expressions(text, time)}
        for day, time in moments.items()
    }
    standing = [
        (one.start(), one.end()) for one in chain.from_iterable(p.finditer(text) for p in _KEPT)
    ]
    written, begin = "", 0
    for start in sorted({start for found in meanings.values() for start in found}):
        words = {text[start : one[start].end].lower() for one in meanings.values() if start in one}
        said_on = {
            one.time.date() for one in spoken if any(word in one.text.lower() for word in words)
        }
        if not said_on and not any(word in before.lower() for word in words):
            said_on = {*moments}
        meant = [meanings[day].get(start) for day in said_on]
        found = meant[0] if len(meant) == 1 else None
        if found is None or any(one <= start < end for one, end in standing):
            continue
        if not _hangs_on_a_day(found, text):
            continue
        owner = _OWNER.match(text, found.end)
        end = owner.end() if owner else found.end
        written += text[begin:end] + _note(found, said_on.pop(), text)
        begin = end
    return written + text[begin:]


def _hangs_on_a_day(found: Expression, text: str) -> bool:
    """Whether the words mean a day of the speaker's, and no date beside them says which."""
    another = _OF_ANOTHER.search(text[: found.start])
    if found.sense is Sense.PLAIN or (another and not _OF_THIS_DAY.match(text, found.start)):
        return False
    neighbours = text[: found.start][-1:], text[found.end :][:1]
    beyond = text[: found.start][-2:-1], text[found.end :][1:2]
    if any(
        one and one in _JOINT and other.isalnum()
        for one, other in zip(neighbours, beyond, strict=True)
    ):
        return False
    head = _SENTENCE_END.split(text[max(0, found.start - _BESIDE) : found.start])[-1]
    tail = _SENTENCE_END.split(text[found.end : found.end + _BESIDE])[0]
    now = found.span.start
    return not any(
        one.sense is Sense.PLAIN and re.search(r"\d", part[one.start : one.end])
        for part in (head, tail)
        for one in expressions(part, now)
    )


def _note(meant: Expression, said_on: date, text: str) -> str:
    """Return what is written behind the words: the days they mean, or the day they were said on."""
    script = main_script(text)
    if meant.sense is Sense.LOOSE:
        note = f"{_SAID.get(script, 'said on')} {said_on}"
    else:
        note = _calendar(meant.span)
    return f"（{note}）" if script in _SAID else f" ({note})"


def _calendar(span: Span) -> str:
    """Write *span* by ISO 8601, as short as it can be: a day, a month, a year, or two days."""
    first, last = span.start.date(), (span.end - _DAY).date()
    after = span.end.date()
    if first == last:
        return str(first)
    if first.day == after.day == 1 and after - first <= _MONTH:
        return f"{first:%Y-%m}"
    if (first.month, first.day) == (1, 1) and after == first.replace(year=first.year + 1):
        return f"{first.year:04}"
    return f"{first}/{last}"
