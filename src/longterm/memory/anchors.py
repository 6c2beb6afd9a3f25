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

from longterm.memory.when import Expression, Sense, Span, expressions
from longterm.text.scripts import main_script

__all__ = ["Spoken", "anchored"]

#: How near a date stands that says the same as the words.
_BESIDE = 30
_SENTENCE_END = re.compile(r"[.!?;\n。！？；]\s|[\n。！？；]")
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』|`[^`]*`")
#: What makes of the words a time after or before another: "the next day".
_OF_ANOTHER = re.compile(r"\b(?:the|every|each|any|a|an)\s+\Z", re.IGNORECASE)
#: Names and words that begin like a day.
_NO_DAY = re.compile(
    r"明日[香奈菜葉叶方]|今日[头頭]条|(?<=[日每毎隔])本[周週月]|来年度|前年", re.IGNORECASE
)
#: A capital letter inside of a sentence, or a title: "the song Yesterday".
_NAME = re.compile(r"(?<=[\w,:] )[A-Z]\w*|\A[A-Z]\w*\Z")
_OWNER = re.compile(r"['’]s\b")
_SAID = {"han": "说于", "kana": "発言日"}
_DAY, _MONTH = timedelta(days=1), timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said in one message, and when."""

    text: str
    time: datetime


def anchored(text: str, spoken: Sequence[Spoken]) -> str:
    """Return *text*, taken from what was *spoken*, with its days beside the words for them."""
    days = {one.time.date() for one in spoken}
    if not days:
        return text
    written = ""
    begin = 0
    for found in expressions(text, spoken[0].time):
        said_on = {one.time.date() for one in spoken if _words(found, text) in one.text.lower()}
        said_on = said_on or days
        if len(said_on) > 1 or not _hangs_on_a_day(found, text):
            continue
        time = next(one.time for one in spoken if one.time.date() in said_on)
        (meant,) = [one for one in expressions(text, time) if one.start == found.start]
        owner = _OWNER.match(text, found.end)
        end = owner.end() if owner else found.end
        written += text[begin:end] + _note(meant, time.date(), text)
        begin = end
    return written + text[begin:]


def _words(found: Expression, text: str) -> str:
    return text[found.start : found.end].lower()


def _hangs_on_a_day(found: Expression, text: str) -> bool:
    if found.sense is Sense.PLAIN or _OF_ANOTHER.search(text[: found.start]):
        return False
    others = (*_QUOTED.finditer(text), *_NO_DAY.finditer(text), *_NAME.finditer(text))
    if any(one.start() <= found.start < one.end() for one in others):
        return False
    before = _SENTENCE_END.split(text[max(0, found.start - _BESIDE) : found.start])[-1]
    after = _SENTENCE_END.split(text[found.end : found.end + _BESIDE])[0]
    now = found.span.start
    return not any(
        one.sense is Sense.PLAIN and re.search(r"\d", part[one.start : one.end])
        for part in (before, after)
        for one in expressions(part, now)
    )


def _note(meant: Expression, said_on: date, text: str) -> str:
    """Return what is written behind the words: the days they mean, or the day they were said on."""
    script = main_script(text)
    if meant.sense is Sense.LOOSE:
        note = f"{_SAID.get(script, 'said on')} {said_on}"
    else:
        note = _days(meant.span)
    return f"（{note}）" if script in _SAID else f" ({note})"


def _days(span: Span) -> str:
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
