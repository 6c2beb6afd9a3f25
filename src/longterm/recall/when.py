"""Date expressions → spans of time, by rules, relative to a given now. Pure, no model, no clock.

English, Chinese and Japanese: "yesterday", "last Friday", "in May 2023", "3 weeks ago",
"上周三", "去年5月", "先月", "3日前". A month or day without a year is the latest one that has
begun by *now*. What is not understood is left out; nothing here raises.
"""

import re
from calendar import isleap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

__all__ = ["Span", "spans"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time; *end* is not part of it."""

    start: datetime
    end: datetime

    def distance(self, moment: datetime) -> timedelta:
        """How far *moment* lies outside: negative before, zero inside, positive after."""
        if moment < self.start:
            return moment - self.start
        return max(moment - self.end, timedelta(0))


_LEAP_DAY = (2, 29)

_Rule = Callable[["re.Match[str]", datetime], Span | None]


def spans(text: str, now: datetime) -> list[Span]:
    """Spans that *text* speaks of, in its order; dates are in the time zone of *now*."""
    found = sorted(_found(text, now), key=lambda pair: pair[0])
    return list(dict.fromkeys(span for _, span in found))


def _found(text: str, now: datetime) -> Iterator[tuple[int, Span]]:
    """Yield position and span; what an earlier, more exact rule has read is read no more."""
    for pattern, rule in _RULES:
        matches = list(pattern.finditer(text))
        for match in matches:
            span = _safely(rule, match, now)
            if span is not None:
                yield match.start(), span
        for match in matches:
            text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]


def _safely(rule: _Rule, match: "re.Match[str]", now: datetime) -> Span | None:
    try:
        return rule(match, now)
    except (ValueError, OverflowError):  # 30 February, the year 0, a thousand years ago
        return None


# --- building blocks --------------------------------------------------------------------------


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), moment.tzinfo)


def _days(start: datetime, count: int = 1) -> Span:
    return Span(start, start + timedelta(days=count))


def _day(now: datetime, offset: int) -> Span:
    return _days(_midnight(now) + timedelta(days=offset))


def _week(now: datetime, offset: int) -> Span:
    monday = _midnight(now) - timedelta(days=now.weekday())
    return _days(monday + timedelta(weeks=offset), 7)


def _weekend(now: datetime, offset: int) -> Span:
    return _days(_week(now, offset).start + timedelta(days=5), 2)


def _month(now: datetime, offset: int) -> Span:
    return Span(_first(now, offset), _first(now, offset + 1))


def _first(now: datetime, offset: int) -> datetime:
    months = now.year * 12 + now.month - 1 + offset
    return _midnight(now).replace(year=months // 12, month=months % 12 + 1, day=1)


def _year(now: datetime, offset: int) -> Span:
    start = _first(now, 1 - now.month).replace(year=now.year + offset)
    return Span(start, start.replace(year=start.year + 1))


def _of_unit(unit: str, now: datetime, offset: int) -> Span:
    return {"day": _day, "week": _week, "weekend": _weekend, "month": _month, "year": _year}[unit](
        now, offset
    )


def _date(now: datetime, year: int | None, month: int, day: int | None) -> Span:
    """Return the day, or the whole month; without a year the latest that has begun."""
    year = year or _latest_year(now, month, day or 1)
    start = _midnight(now).replace(year=year, month=month, day=day or 1)
    return _days(start) if day else _month(start, 0)


def _latest_year(now: datetime, month: int, day: int) -> int:
    """Find the year in which that day came last; 29 February does not come every year."""
    last = now.year - ((month, day) > (now.month, now.day))
    years = range(last, last - 8, -1)
    return next(filter(isleap, years), last) if (month, day) == _LEAP_DAY else last


def _weekday(now: datetime, weekday: int, week: int | None) -> Span:
    """Return that day of the week *week* (0: this one); without one, the latest before today."""
    if week is not None:
        return _days(_week(now, week).start + timedelta(days=weekday))
    return _day(now, -((now.weekday() - weekday - 1) % 7 + 1))


def _ago(unit: str, now: datetime, count: int) -> Span:
    """Return what "3 weeks ago" may mean: the coarser the unit, the wider."""
    match unit:
        case "day":
            return _day(now, -count)
        case "week":
            return _days(_day(now, -7 * count).start - timedelta(days=3), 7)
        case _:
            return _of_unit(unit, now, -count)


def _latest(unit: str, now: datetime, count: int) -> Span:
    """Return the last *count* days, weeks, months or years up to now."""
    days = {"day": 1, "week": 7, "month": 31, "year": 366}[unit] * count
    return Span(_day(now, -days).start, _day(now, 0).end)


# --- English ----------------------------------------------------------------------------------

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "couple of": 2,
    "a couple of": 2, "few": 3, "a few": 3, "several": 4,
}  # fmt: skip
_OFFSETS = {"last": -1, "past": -1, "previous": -1, "this": 0, "next": 1, "coming": 1}

_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = (
    r"(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?"
    r"|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
_LONG_WEEKDAY = rf"(?P<weekday>{'|'.join(_WEEKDAYS)})"
_SEASON = rf"(?P<season>{'|'.join(_SEASONS)})"
#: Names that are nothing but a month, unlike "may" and "march".
_CLEAR_MONTH = rf"(?P<month>{'|'.join(name for name in _MONTHS if name not in ('may', 'march'))})"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_COUNT = rf"(?P<count>\d{{1,4}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_UNIT = r"(?P<unit>day|week|month|year)s?"
_OFFSET = r"(?P<offset>last|past|previous|this|next|coming)"


def _index(names: Sequence[str], name: str) -> int:
    return next(at for at, full in enumerate(names) if full.startswith(name.lower()[:3]))


def _count(word: str) -> int:
    return int(word) if word.isdigit() else _NUMBERS[" ".join(word.lower().split())]


def _calendar(match: "re.Match[str]", now: datetime) -> Span | None:
    """Read a date of numbers and month names, whichever parts there are."""
    parts = match.groupdict()
    name = parts["month"]
    month = int(name) if name.isdigit() else _index(_MONTHS, name) + 1
    year, day = parts.get("year"), parts.get("day")
    return _date(now, int(year) if year else None, month, int(day) if day else None)


def _named_year(match: "re.Match[str]", now: datetime) -> Span | None:
    return _year(now.replace(year=int(match["year"]), month=1, day=1), 0)


def _counted(match: "re.Match[str]", now: datetime) -> Span | None:
    return _ago(match["unit"].lower(), now, _count(match["count"]))


def _counted_up_to_now(match: "re.Match[str]", now: datetime) -> Span | None:
    return _latest(match["unit"].lower(), now, _count(match["count"]))


def _offset_unit(match: "re.Match[str]", now: datetime) -> Span | None:
    return _of_unit(match["unit"].lower(), now, _OFFSETS[match["offset"].lower()])


def _offset_weekday(match: "re.Match[str]", now: datetime) -> Span | None:
    weekday, offset = _index(_WEEKDAYS, match["weekday"]), _OFFSETS[match["offset"].lower()]
    return _weekday(now, weekday, offset if offset >= 0 else None)


def _offset_month(match: "re.Match[str]", now: datetime) -> Span | None:
    offset = _OFFSETS[match["offset"].lower()]
    month = _index(_MONTHS, match["month"]) + 1
    if offset == 0:
        return _date(now, now.year, month, None)
    return _past(now, month) if offset < 0 else _coming(now, month)


def _past(now: datetime, month: int) -> Span:
    return _date(now, now.year - (month >= now.month), month, None)


def _coming(now: datetime, month: int) -> Span:
    return _date(now, now.year + (month <= now.month), month, None)


def _season(match: "re.Match[str]", now: datetime) -> Span | None:
    """Three months; the one of the year given, or the latest that has begun."""
    first = _SEASONS[match["season"].lower()]
    year = match["year"]
    start = _date(now, int(year) if year else None, first, None).start
    return Span(start, _first(start, 3))


def _bare_weekday(match: "re.Match[str]", now: datetime) -> Span | None:
    return _weekday(now, _index(_WEEKDAYS, match["weekday"]), None)


# --- Chinese and Japanese ---------------------------------------------------------------------

_DIGITS = {character: at for at, character in enumerate("〇一二三四五六七八九十")} | {"两": 2}
_CJK_COUNT = r"(?P<count>\d{1,4}|[一二两三四五六七八九十]{1,3}|几|数)"
_CJK_DAY = r"(?P<weekday>[一二三四五六日天月火水木金土])"
_CJK_WEEKDAYS = {name: at for at, name in enumerate("月火水木金土日")} | {
    name: at for at, name in enumerate("一二三四五六天")
}
_CJK_DAYS = {
    "大前天": -3, "前天": -2, "昨天": -1, "昨晚": -1, "今天": 0, "今晚": 0, "今早": 0,
    "明天": 1, "后天": 2, "大后天": 3,
    "一昨日": -2, "おととい": -2, "昨日": -1, "昨夜": -1, "きのう": -1,
    "今日": 0, "きょう": 0, "今朝": 0, "明日": 1, "あした": 1, "明後日": 2,
}  # fmt: skip
_CJK_WEEKS = {
    "上上个": -2, "上上": -2, "上一个": -1, "上一": -1, "上个": -1, "上": -1,
    "这个": 0, "这": 0, "本": 0,
    "下个": 1, "下": 1, "下一个": 1, "下一": 1, "下下个": 2, "下下": 2,
    "先々": -2, "先": -1, "今": 0, "来": 1, "再来": 2,
}  # fmt: skip
_CJK_YEARS = {
    "前年": -2, "去年": -1, "昨年": -1, "一昨年": -2, "おととし": -2, "今年": 0, "明年": 1,
    "来年": 1, "再来年": 2,
}  # fmt: skip
_CJK_UNITS = {
    "天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week", "週": "week",
    "月": "month", "年": "year",
}  # fmt: skip
_CJK_OFFSET = rf"(?P<offset>{'|'.join(sorted(_CJK_WEEKS, key=len, reverse=True))})"
_CJK_AGO = (
    rf"{_CJK_COUNT}\s*(?:(?P<unit>天|日|年)|(?:个|個)?(?P<week>周|星期|礼拜|週)間?"
    rf"|(?:个|個|か|ヶ|カ|ケ)(?P<month>月))(?:以)?前"
)
_CJK_LATEST = (
    rf"(?:最近|过去|这|近|ここ)\s*{_CJK_COUNT}\s*(?:(?P<unit>天|日|年)"
    rf"|(?:个|個)?(?P<week>周|星期|礼拜|週)間?|(?:个|個|か|ヶ|カ|ケ)(?P<month>月))"
)


def _cjk_number(word: str) -> int:
    """Read digits or the numerals up to 99; "some" is three."""
    if word.isdigit():
        return int(word)
    if word in ("几", "数"):
        return _NUMBERS["few"]
    tens, ten, ones = word.rpartition("十")
    return (_DIGITS[tens] if tens else 1) * 10 * bool(ten) + (_DIGITS[ones] if ones else 0)


def _cjk_unit(match: "re.Match[str]") -> tuple[str, int]:
    unit = match["unit"] or match["week"] or match["month"]
    return _CJK_UNITS[unit], _cjk_number(match["count"])


def _cjk_ago(match: "re.Match[str]", now: datetime) -> Span | None:
    unit, count = _cjk_unit(match)
    return _ago(unit, now, count)


def _cjk_latest(match: "re.Match[str]", now: datetime) -> Span | None:
    unit, count = _cjk_unit(match)
    return _latest(unit, now, count)


def _cjk_day(match: "re.Match[str]", now: datetime) -> Span | None:
    return _day(now, _CJK_DAYS[match[0]])


def _cjk_week(match: "re.Match[str]", now: datetime) -> Span | None:
    return _week(now, _CJK_WEEKS[match["offset"]])


def _cjk_weekend(match: "re.Match[str]", now: datetime) -> Span | None:
    return _weekend(now, _CJK_WEEKS[match["offset"]])


def _cjk_weekday(match: "re.Match[str]", now: datetime) -> Span | None:
    offset = match["offset"]
    weekday = _CJK_WEEKDAYS[match["weekday"]]
    return _weekday(now, weekday, _CJK_WEEKS[offset] if offset else None)


def _cjk_month(match: "re.Match[str]", now: datetime) -> Span | None:
    return _month(now, _CJK_WEEKS[match["offset"]])


def _cjk_year(match: "re.Match[str]", now: datetime) -> Span | None:
    return _year(now, _CJK_YEARS[match["offset"]])


def _cjk_month_of_year(match: "re.Match[str]", now: datetime) -> Span | None:
    day = match["day"]
    year = now.year + _CJK_YEARS[match["offset"]]
    return _date(now, year, int(match["month"]), int(day) if day else None)


_CJK_MONTH = r"(?P<month>[01]?\d)\s*月(?:份)?"
_CJK_DATE = r"(?:\s*(?P<day>[0-3]?\d)\s*[日号])?"
_CJK_YEAR = rf"(?P<offset>{'|'.join(sorted(_CJK_YEARS, key=len, reverse=True))})"


# --- the rules, the more exact before the more general ----------------------------------------


def _rules(*pairs: tuple[str, _Rule]) -> tuple[tuple["re.Pattern[str]", _Rule], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), rule) for pattern, rule in pairs)


def _fixed(offset: int) -> _Rule:
    return lambda _, now: _day(now, offset)


_RULES = _rules(
    (rf"\b{_YEAR}[-/.](?P<month>[01]?\d)[-/.](?P<day>[0-3]?\d)\b", _calendar),
    (rf"{_YEAR}\s*年\s*{_CJK_MONTH}{_CJK_DATE}", _calendar),
    (rf"{_CJK_YEAR}の?\s*{_CJK_MONTH}{_CJK_DATE}", _cjk_month_of_year),
    (rf"(?<!\d){_CJK_MONTH}{_CJK_DATE}", _calendar),
    (rf"{_YEAR}\s*年", _named_year),
    (rf"\b{_DAY}\s+(?:of\s+)?{_MONTH},?\s+{_YEAR}\b", _calendar),
    (rf"\b{_MONTH}\s+{_DAY},?\s+{_YEAR}\b", _calendar),
    (rf"\b{_MONTH},?\s+(?:of\s+)?{_YEAR}\b", _calendar),
    (rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}(?!\w)", _calendar),
    (rf"\b{_MONTH}\s+{_DAY}\b", _calendar),
    (rf"\b(?:last|past|previous)\s+{_COUNT}\s+{_UNIT}\b", _counted_up_to_now),
    (rf"\b{_COUNT}\s+{_UNIT}\s+(?:ago|back|earlier|before)\b", _counted),
    (rf"\b{_OFFSET}\s+(?P<unit>weekend|week|month|year)\b", _offset_unit),
    (rf"\b{_OFFSET}\s+{_WEEKDAY}\b", _offset_weekday),
    (rf"\b{_OFFSET}\s+{_MONTH}(?!\w)", _offset_month),
    (rf"\b(?:last|this|in|the)\s+{_SEASON}(?:\s+(?:of\s+)?{_YEAR})?\b", _season),
    (r"\bday before yesterday\b", _fixed(-2)),
    (r"\b(?:yesterday|last night)\b", _fixed(-1)),
    (r"\b(?:today|tonight|this (?:morning|afternoon|evening))\b", _fixed(0)),
    (r"\bday after tomorrow\b", _fixed(2)),
    (r"\btomorrow\b", _fixed(1)),
    (rf"\b(?:on|since|by|until)\s+{_WEEKDAY}\b", _bare_weekday),
    (rf"\b{_LONG_WEEKDAY}\b", _bare_weekday),
    (rf"\b(?:in|during|since|of|by|until|early|late|mid)[\s-]+{_MONTH}(?!\w)", _calendar),
    (rf"\b{_CLEAR_MONTH}\b", _calendar),
    (rf"(?<![\d.$€£¥-]){_YEAR}(?![\d.,]?\d|%)\b", _named_year),
    (_CJK_LATEST, _cjk_latest),
    (_CJK_AGO, _cjk_ago),
    (rf"{_CJK_OFFSET}(?:周|星期|礼拜|週)(?:の)?(?:末)", _cjk_weekend),
    (rf"{_CJK_OFFSET}(?:周|星期|礼拜){_CJK_DAY}(?!期)", _cjk_weekday),
    (rf"{_CJK_OFFSET}週の?{_CJK_DAY}曜日?", _cjk_weekday),
    (rf"(?P<offset>)(?:周|星期|礼拜){_CJK_DAY}", _cjk_weekday),
    (rf"(?P<offset>){_CJK_DAY}曜日?", _cjk_weekday),
    (rf"{_CJK_OFFSET}(?:周|星期|礼拜|週)", _cjk_week),
    (rf"{_CJK_OFFSET}(?:个|個)?月", _cjk_month),
    ("|".join(sorted(_CJK_DAYS, key=len, reverse=True)), _cjk_day),
    (_CJK_YEAR, _cjk_year),
)  # fmt: skip
