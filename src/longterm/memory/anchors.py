"""Dates that hang on the day they are said on, held to it. Pure.

"Ann flies to Porto tomorrow" is true for a day. Asked for absolute dates, a large model writes
them; a small one keeps the words as they were spoken. Here such words stay, and gain the day they
mean: "tomorrow (2026-11-27)". Where two days could be meant, they gain the day on which they were
said. What has a date beside it, stands in quotation marks, or was said on several days that are
not to be distinguished, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from longterm.memory.when import Expression, Sense, Span, expressions
from longterm.text.tokenizer import main_script

__all__ = ["Spoken", "anchored"]

#: How near a date stands that says the same as the words; what else hangs on them is as near.
_BESIDE = 30
_SENTENCE_END = re.compile(r"[.!?;\n。！？；]\s|[\n。！？；]")
#: Where words stay as they are: quotations, addresses, code, names, and words that begin like a
#: day or are no day's: "the song Yesterday", "a better tomorrow".
_KEPT = (
    re.compile(
        r"(?<!\w)'[^'\n]*'(?!\w)|‘[^’\n]*’(?!\w)|\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»"
        r"|「[^」]*」|『[^』]*』|《[^》]*》|〈[^〉]*〉|`[^`]*`"
    ),
    re.compile(r"\b[a-z][a-z\d+.-]{0,20}://\S+|\bwww\.\S+|[^\s@]{1,64}@\S+", re.IGNORECASE),
    re.compile(
        r"明日[香奈菜葉叶方]|今日[头頭]条|今日子|(?<=[日每毎隔])本[周週月]|来年度|前年"
        r"|\bUSA today\b|\b(?:better|brighter|no|born|like|past) (?:today|tomorrow|yesterday)\b"
        r"|\bhere today,? gone tomorrow\b|\b(?:yesterday|today)['’]s (?:news|world|youth)\b",
        re.IGNORECASE,
    ),
    re.compile(r"(?<=[\w,:] )[A-Z]\w*|\A[A-Z]\w*\Z"),
)
#: What makes of the words a time after or before another: "the next day", "Ann's own last year".
_OF_ANOTHER = re.compile(
    r"(?:\b(?:the|every|each|any|a|an|my|your|his|her|its|our|their|whose|no)|\w['’]s?)\s+"
    r"(?:(?:own|very|entire|whole|first|final|and)\s+){0,3}\Z",
    re.IGNORECASE,
)
_OF_THIS_DAY = re.compile(r"(?:the\s+)?day\s+(?:after|before)\b", re.IGNORECASE)
#: Days that come again: what is said of them is so every week.
_HABIT = re.compile(
    r"\b(?:every|each|always|usually|often|never|sometimes|weekly|regularly|normally|typically"
    r"|generally|mostly|whenever|twice|(?:morning|afternoon|evening|night|(?:mon|tues|wednes"
    r"|thurs|fri|satur|sun)day)s)\b|[每毎隔常总總都]|通常|一般|いつも|普段|よく|たいてい",
    re.IGNORECASE,
)
#: What joins a word to a further one: an address, the name of a file.
_JOINT = "/@._=&#~-"
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

    Words that stand in the memory *before* without a day stay as they are: when those were said,
    no message of now can say.
    """
    moments = {one.time.date(): one.time for one in reversed(spoken)}
    meanings = {
        day: {found.start: found for found in expressions(text, time)}
        for day, time in moments.items()
    }
    places = {(one.start, one.end) for found in meanings.values() for one in found.values()}
    if not places:
        return text
    said = [(one.time.date(), one.text.lower()) for one in spoken]
    said_on = {
        words: {day for day, message in said if words in message}
        for words in {text[start:end].lower() for start, end in places}
    }
    old = expressions(before, spoken[0].time)
    stood = {before[one.start : one.end].lower() for one in old}
    undated = {before[one.start : one.end].lower() for one in old if _hangs_on_a_day(one, before)}
    kept = {
        place for pattern in _KEPT for one in pattern.finditer(text) for place in range(*one.span())
    }
    script = main_script(text)
    written, begin = "", 0
    for start in sorted({start for start, _ in places}):
        words = {text[start : one[start].end].lower() for one in meanings.values() if start in one}
        if start in kept or words & undated:
            continue
        days = {day for one in words for day in said_on[one]}
        if not days and not words & stood:
            days = {*moments}
        meant = [meanings[day].get(start) for day in days]
        found = meant[0] if len(meant) == 1 else None
        if found is None or not _hangs_on_a_day(found, text):
            continue
        owner = _OWNER.match(text, found.end)
        end = owner.end() if owner else found.end
        written += text[begin:end] + _note(found, days.pop(), script)
        begin = end
    return written + text[begin:]


def _hangs_on_a_day(found: Expression, text: str) -> bool:
    """Whether the words mean a day of the speaker's, and no date beside them says which."""
    before = text[max(0, found.start - _BESIDE) : found.start]
    after = text[found.end : found.end + _BESIDE]
    another = _OF_ANOTHER.search(before)
    if found.sense is Sense.PLAIN or (another and not _OF_THIS_DAY.match(text, found.start)):
        return False
    if any(
        one and one in _JOINT and other.isalnum()
        for one, other in ((before[-1:], before[-2:-1]), (after[:1], after[1:2]))
    ):
        return False
    head, tail = _SENTENCE_END.split(before)[-1], _SENTENCE_END.split(after)[0]
    if found.sense is Sense.LOOSE and any(map(_HABIT.search, (head, tail))):
        return False
    now = found.span.start
    return not any(
        one.sense is Sense.PLAIN and re.search(r"\d", part[one.start : one.end])
        for part in (head, tail)
        for one in expressions(part, now)
    )


def _note(meant: Expression, said_on: date, script: str) -> str:
    """Return what is written behind the words: the days they mean, or the day they were said on."""
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
