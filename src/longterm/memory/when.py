"""Date expressions → spans of time, by rules, relative to a given now. Pure, no model, no clock.

English, Chinese and Japanese: "yesterday", "last Friday", "in May 2023", "3 weeks ago",
"上周三", "去年5月", "先月", "3日前". A month or day without a year is the latest one that has
begun by *now*. What is not understood is left out; nothing here raises.
"""

import re
from calendar import isleap
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum
from math import inf

__all__ = [
    "Expression",
    "Sense",
    "Span",
    "expressions",
    "may_speak_of_time",
    "planned_until",
    "spans",
]


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


class Sense(Enum):
    """What the words of a date hang on."""

    #: The calendar alone, or nothing that is sure: a weekday may be every week's.
    PLAIN = "plain"
    #: The day they are said on.
    SPOKEN = "spoken"
    #: That day, and what the speaker means by it: "next Friday", "on Friday", "in three weeks".
    LOOSE = "loose"


@dataclass(frozen=True, slots=True)
class Expression:
    """Words in a text that speak of a time."""

    start: int
    end: int
    span: Span
    sense: Sense


_Match = re.Match[str]
_Rule = Callable[[_Match, datetime], Span | None]


def spans(text: str, now: datetime) -> list[Span]:
    """Spans that *text* speaks of, in its order; dates are in the time zone of *now*."""
    return list(dict.fromkeys(one.span for one in expressions(text, now)))


def planned_until(text: str, now: datetime) -> float:
    """Return when the last day that *text*, said at *now*, speaks of ends, in seconds since 1970.

    Infinite where no day was to come then.
    """
    ahead = (span.end.timestamp() for span in spans(text, now) if span.start > now)
    return max(ahead, default=inf)


def expressions(text: str, now: datetime) -> list[Expression]:
    """Return where *text* speaks of times, in its order, and of which, as said at *now*.

    What an earlier, more exact rule has read is read no more.
    """
    found: list[Expression] = []
    if not may_speak_of_time(text):  # most texts, and quicker than to try every rule
        return found
    if not text.isascii():
        text = _OTHER_WORDS.sub(_blank, text)
    for pattern, rule, sense in _ASCII_RULES if text.isascii() else _RULES:
        for match in pattern.finditer(text):
            # Not a date: 30 February, the year 0, a thousand years ago, 一三天前.
            with suppress(ValueError, OverflowError, KeyError):
                if (span := rule(match, now)) is not None:
                    meant = _sense_of(match, now, span) if sense is None else sense
                    found.append(Expression(match.start(), match.end(), span, meant))
        text = pattern.sub(_blank, text)
    return sorted(found, key=lambda one: one.start)


def _blank(match: _Match) -> str:
    return " " * len(match[0])


# --- stretches of the calendar ----------------------------------------------------------------


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), moment.tzinfo)


def _days(start: datetime, count: int = 1) -> Span:
    return Span(start, start + timedelta(days=count))


def _month_start(now: datetime, offset: int) -> datetime:
    months = now.year * 12 + now.month - 1 + offset
    return _midnight(now).replace(year=months // 12, month=months % 12 + 1, day=1)


def _unit(unit: str, now: datetime, offset: int) -> Span:
    """Return the day, week, weekend, month or year that lies *offset* of them after this one."""
    monday = _midnight(now) + timedelta(weeks=offset, days=-now.weekday())
    match unit:
        case "day":
            return _days(_midnight(now) + timedelta(days=offset))
        case "week":
            return _days(monday, 7)
        case "weekend":
            return Span(monday + timedelta(days=5), monday + timedelta(days=7))
        case "month":
            return Span(_month_start(now, offset), _month_start(now, offset + 1))
        case _:
            start = _month_start(now, 1 - now.month).replace(year=now.year + offset)
            return Span(start, start.replace(year=start.year + 1))


def _date(now: datetime, year: int | None, month: int, day: int | None) -> Span:
    """Return the day, or the whole month; without a year the latest that has begun."""
    if year is None:
        last = now.year - ((month, day or 1) > (now.month, now.day))
        # 29 February does not come every year.
        leaps = filter(isleap, range(last, last - 8, -1))
        year = next(leaps, last) if (month, day) == (2, 29) else last
    start = _midnight(now).replace(year=year, month=month, day=day or 1)
    return _days(start) if day else Span(start, _month_start(start, 1))


# --- the words --------------------------------------------------------------------------------

_MONTHS = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_SEASONS = {
    "spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12,
    "春": 3, "夏": 6, "秋": 9, "冬": 12,
}  # fmt: skip
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "couple of": 2,
    "a couple of": 2, "few": 3, "a few": 3, "several": 4, "几": 3, "数": 3,
}  # fmt: skip
_LAST = {"last", "past", "previous"}
_DIGITS = {character: at for at, character in enumerate("〇一二三四五六七八九十")} | {"两": 2}
_CJK_WEEKDAYS = {name: at for at, name in enumerate("月火水木金土日")} | {
    name: at for at, name in enumerate("一二三四五六天")
}
_OFFSETS = {
    "last": -1, "past": -1, "previous": -1, "this": 0, "next": 1, "coming": 1,
    "上上个": -2, "上上": -2, "上一个": -1, "上一": -1, "上个": -1, "上": -1,
    "这个": 0, "这": 0, "這個": 0, "這": 0, "本": 0,
    "下个": 1, "下": 1, "下一个": 1, "下一": 1, "下下个": 2, "下下": 2,
    "上個": -1, "下個": 1, "下下個": 2, "上上個": -2,
    "先々": -2, "先": -1, "今": 0, "来": 1, "再来": 2,
}  # fmt: skip
_UNITS = {
    "day": "day", "week": "week", "weekend": "weekend", "month": "month", "year": "year",
    "天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week", "週": "week",
    "末": "weekend", "月": "month", "年": "year",
}  # fmt: skip
#: The farther ones first: some hold the nearer ones.
_CJK_DAYS = {
    -3: "大前天",
    3: "大后天|大後天",
    -2: "前天|一昨日|おととい|그저께",
    2: "后天|後天|明後日|내일모레|모레",
    -1: "昨天|昨晚|昨日|昨夜|きのう|어제",
    1: "明天|明日|あした|明晚|明早|내일",
    0: "今天|今晚|今早|今日|きょう|今朝|오늘",
}
#: Single words of other languages; those that are greetings or other words as well are left out.
_OTHER_DAYS = {
    -2: "vorgestern|avant-hier|anteayer|antes de ayer|anteontem|eergisteren|позавчера",
    2: "übermorgen|après-demain|pasado mañana|depois de amanhã|dopodomani|overmorgen|послезавтра",
    -1: "gestern|anoche|ayer|ontem|gisteren|вчера",
    1: "demain|amanhã|domani|завтра",
    0: "heute|aujourd['’]hui|hoje|vandaag|сегодня",
}
_CJK_YEARS = {-2: "一昨年|前年|おととし", 2: "再来年", -1: "去年|昨年", 1: "明年|来年", 0: "今年"}
_YEAR_OFFSETS = {word: at for at, words in _CJK_YEARS.items() for word in words.split("|")}


def _longest_first(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_MONTH_NAME = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_WEEKDAY_NAME = (
    r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?"
    r"|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)
_SEASON_NAME = "|".join(name for name in _SEASONS if name.isascii())
_MONTH = rf"(?P<month>{_MONTH_NAME})\.?"
#: In small letters "sun", "sat" and "wed" are days where they end a clause or tell an hour of one.
_TELLS_AN_HOUR = r"at|from|till|until|(?:and|or) on|morning|afternoon|evening|night|noon|\d"
_NO_WORD = rf"(?!(?-i:sun|sat|wed)\b(?!\s*(?:[^\w\s'’-]|\Z)|\s+(?:{_TELLS_AN_HOUR})))"
_WEEKDAY = rf"{_NO_WORD}(?P<weekday>{_WEEKDAY_NAME})"
_SEASON = rf"(?P<season>{_SEASON_NAME})"
_LONG_WEEKDAY = rf"(?P<weekday>{'|'.join(_WEEKDAYS)})"
#: Names that are nothing but a month, unlike "may" and "march".
_CLEAR_MONTH = rf"(?P<month>{'|'.join(name for name in _MONTHS if name not in ('may', 'march'))})"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_COUNT = rf"(?P<count>\d{{1,4}}|{_longest_first(word for word in _NUMBERS if word.isascii())})"
_UNIT = r"(?P<unit>day|week|month|year)s?"
#: Around "in three weeks": not "for the first time in three weeks", not "in a week or two".
_ONLY_NOW = r"(?<!times )(?<!time )(?<!once )(?<!twice )"
_NO_MORE = r"(?!['’]|\s+(?:or|of|and)\b)"
#: Before a month, which "may" is not in "this may help".
_NO_VERB = r"(?!(?-i:this\s+(?:may|march)\b))"
_OFFSET = r"(?P<offset>last|past|previous|this|next|coming)"
_CJK_OFFSET = rf"(?P<offset>{_longest_first(word for word in _OFFSETS if not word.isascii())})"
_CJK_YEAR = rf"(?P<year>{_longest_first(_YEAR_OFFSETS)})"
_CJK_COUNT = r"(?P<count>\d{1,4}|[一二两三四五六七八九十]{1,3}|几|数)"
_CJK_UNIT = r"(?P<unit>天|日|年|(?:个|個)?(?:周|星期|礼拜|週)間?|(?:个|個|か|ヶ|カ|ケ)月)"
_CJK_WEEKDAY = r"(?P<weekday>[一二三四五六日天月火水木金土])"
_CJK_MONTH = r"(?P<month>[01]?\d)\s*月(?:份)?"
_CJK_DATE = r"(?:\s*(?P<day>[0-3]?\d)\s*[日号])?"


def _index(names: Sequence[str], name: str) -> int:
    return [full[:3] for full in names].index(name.lower()[:3])


def _unit_and_count(match: _Match) -> tuple[str, int]:
    """Read "3 weeks" and "三个星期"; numerals go up to 99, and "some" is three."""
    unit = _UNITS[match["unit"].lower().strip("个個かヶカケ間")]
    word = " ".join(match["count"].lower().split())
    if word.isdigit() or word in _NUMBERS:
        return unit, int(word) if word.isdigit() else _NUMBERS[word]
    tens, ten, ones = word.rpartition("十")
    return unit, (_DIGITS[tens] if tens else 1) * 10 * bool(ten) + (_DIGITS[ones] if ones else 0)


# --- what a match means -----------------------------------------------------------------------


def _calendar(match: _Match, now: datetime) -> Span | None:
    """Read a date of numbers and names, whichever parts there are."""
    parts = match.groupdict()
    year, month, day = parts.get("year"), parts.get("month"), parts.get("day")
    number = now.year + _YEAR_OFFSETS[year] if year in _YEAR_OFFSETS else int(year or 0) or None
    if month is None:
        return _unit("year", now.replace(year=number or 0, month=1, day=1), 0)
    month_number = int(month) if month.isdigit() else _index(_MONTHS, month) + 1
    return _date(now, number, month_number, int(day) if day else None)


def _ago(match: _Match, now: datetime) -> Span | None:
    """Return what "3 weeks ago" may mean."""
    unit, count = _unit_and_count(match)
    return _about(unit, now, -count)


def _ahead(match: _Match, now: datetime) -> Span | None:
    """Return what "in 3 weeks" may mean."""
    unit, count = _unit_and_count(match)
    return _about(unit, now, count)


def _about(unit: str, now: datetime, offset: int) -> Span:
    """Return what lies about *offset* units from now: the coarser the unit, the wider."""
    if unit == "week":
        return _days(_midnight(now) + timedelta(days=7 * offset - 3), 7)
    return _unit(unit, now, offset)


def _up_to_now(match: _Match, now: datetime) -> Span | None:
    """Return the last so many days, weeks, months or years."""
    unit, count = _unit_and_count(match)
    days = {"day": 1, "week": 7, "month": 31, "year": 366}[unit] * count
    today = _midnight(now)
    return Span(today - timedelta(days=days), today + timedelta(days=1))


def _relative_unit(match: _Match, now: datetime) -> Span | None:
    unit, offset = match["unit"].lower(), match["offset"].lower()
    return _unit(_UNITS[unit], now, _OFFSETS[offset])


def _same_day(match: _Match, now: datetime) -> Span:
    """Read 去年今天: this day of another year."""
    return _days(_midnight(now).replace(year=now.year + _YEAR_OFFSETS[match["year"]]))


def _relative_weekday(match: _Match, now: datetime) -> Span | None:
    """Return that day of a week, or the latest before today where none is named."""
    name, offset = match["weekday"], (match.groupdict().get("offset") or "last").lower()
    weekday = _CJK_WEEKDAYS[name] if name in _CJK_WEEKDAYS else _index(_WEEKDAYS, name)
    if offset in _LAST:
        return _unit("day", now, -((now.weekday() - weekday - 1) % 7 + 1))
    return _days(_unit("week", now, _OFFSETS[offset]).start + timedelta(days=weekday))


def _relative_month(match: _Match, now: datetime) -> Span | None:
    """Return that month of this year, or the one before or after now."""
    month = _index(_MONTHS, match["month"]) + 1
    match _OFFSETS[match["offset"].lower()]:
        case 0:
            year = now.year
        case 1:
            year = now.year + (month <= now.month)
        case _:
            year = now.year - (month >= now.month)
    return _date(now, year, month, None)


def _season(match: _Match, now: datetime) -> Span | None:
    """Three months; the one of the year given, or the latest that has begun."""
    said = match["year"]
    year = now.year + _YEAR_OFFSETS[said] if said in _YEAR_OFFSETS else int(said or 0) or None
    start = _date(now, year, _SEASONS[match["season"].lower()], None).start
    return Span(start, _month_start(start, 3))


def _sense_of(match: _Match, now: datetime, span: Span) -> Sense:
    """Say whether a weekday, a season or a time ago is one for all who count."""
    parts = match.groupdict()
    if "season" in parts:
        hangs = match[0].lower().startswith(("last", "this")) and not parts["year"]
        return Sense.LOOSE if hangs else Sense.PLAIN
    if parts.get("unit"):
        if match[0].isascii():
            exact = _unit_and_count(match)[0] == "day"
            return (
                (Sense.SPOKEN if exact else Sense.LOOSE)
                if match[0].lower().endswith(("ago", "now", "today"))
                else Sense.PLAIN
            )
        # Before now, or before what the words in front say.
        is_of_another = match.string.endswith(("の", "的"), 0, match.start())
        return Sense.PLAIN if is_of_another else Sense.LOOSE
    if not parts["weekday"].isascii():
        return Sense.SPOKEN
    # The first of that name from here, or that of another week.
    weekday, offset = span.start.weekday(), _OFFSETS[match["offset"].lower()]
    step = (
        -((now.weekday() - weekday - 1) % 7 + 1)
        if offset < 0
        else ((weekday - now.weekday() - 1) % 7 + 1)
    )
    nearest = _unit("day", now, step)
    counted = _days(_unit("week", now, offset).start + timedelta(days=weekday))
    return Sense.SPOKEN if nearest == counted == span else Sense.LOOSE


def _fixed(unit: str, offset: int) -> _Rule:
    return lambda _, now: _unit(unit, now, offset)


#: Letters that look like words for a time where words are not spaced: in "every day before", "by
#: this age", "in the evening around", "study", "Tokyo", "in Japan now", "these days".
_OTHER_WORDS = re.compile(
    r"(?<=[前后後])天天(?![气氣])|(?<=[如当當])今年(?=[轻輕纪紀龄齡])|(?<=[过過])去年(?=[轻輕代])"
    r"|(?<=[马馬晚早楼樓网網路街线線])上(?=[周週月星礼禮])|(?<=[楼樓手底乡鄉线線私])下(?=[周週月星礼禮])"
    r"|[周週](?=[围圍边邊遭])|月(?=[亮球饼餅台])|(?<=[聪聰光透])明(?=[早晚天])"
    r"|先天[和与與或、]?[后後]天|[后後]天(?=的?(?:性|免疫|失明|失聪|养成|養成|努力|培养|培養|形成|获得|獲得))"
    r"|(?:(?<=[ぁ-ゖ])(?<![はがもをにでと])(?:きょう|きのう|あした))"
    r"|(?:きょう|きのう|あした)(?=(?![はのもがに]|から|まで)[ぁ-ゖ])"
    r"|今日(?=本[にへでの語人]|的[なに])|今朝(?=[鮮鲜])"
    r"|오늘(?=날|내일|의집)|어제오늘|(?<=오늘)내일|내일(?=배움)"
)
#: A year, or one of these words, stands in whatever a rule reads.
_A_YEAR = re.compile(r"(?:19|20)\d\d")
_PHRASE = r"last night|this (?:morning|afternoon|evening)"
_ASCII_WORDS = re.compile(rf"{_PHRASE}|\w+")
_ASCII_CLUES = frozenset({
    "last night", "this morning", "this afternoon", "this evening",
    "yesterday", "today", "tonight", "tomorrow", "weekend", "sept", "tues", "thur", "thurs",
    *(f"{unit}{ending}" for unit in ("day", "week", "month", "year") for ending in ("", "s", "ss")),
    *(form for name in (*_MONTHS, *_WEEKDAYS) for form in (name, name[:3])),
    *_SEASONS,
    *(word for words in _OTHER_DAYS.values() for word in re.findall(r"\w+", words)),
})  # fmt: skip
_CLUE = re.compile(
    rf"{_A_YEAR.pattern}|[年月日天周週曜]|星期|礼拜|禮拜"
    rf"|{'|'.join((*_CJK_DAYS.values(), *_CJK_YEARS.values()))}"
    rf"|\b(?:(?:day|week|month|year)s{{0,2}}|weekend|to(?:day|night|morrow)|yesterday|{_PHRASE}"
    rf"|{_MONTH_NAME}|{_WEEKDAY_NAME}|{_SEASON_NAME}|{'|'.join(_OTHER_DAYS.values())})\b",
    re.IGNORECASE,
)


def may_speak_of_time(text: str) -> bool:
    """Whether *text* may hold a time: where this is false, `expressions` finds none."""
    if not text.isascii():
        return _CLUE.search(text) is not None
    # Many times faster than to try each word at each letter.
    words = _ASCII_WORDS.findall(text.lower())
    return not _ASCII_CLUES.isdisjoint(words) or _A_YEAR.search(text) is not None


#: The more exact before the more general; where no sense stands, `_sense_of` tells it.
_PLAIN, _SPOKEN, _LOOSE = Sense
_RULES = [
    (re.compile(pattern, re.IGNORECASE), rule, sense)
    for pattern, rule, sense in (
        (rf"\b{_YEAR}[-/.](?P<month>[01]?\d)[-/.](?P<day>[0-3]?\d)\b", _calendar, _PLAIN),
        (rf"{_YEAR}\s*年\s*{_CJK_MONTH}{_CJK_DATE}", _calendar, _PLAIN),
        (rf"{_CJK_YEAR}の?\s*{_CJK_MONTH}{_CJK_DATE}", _calendar, _SPOKEN),
        (rf"{_CJK_YEAR}[の的]?\s*今[天日]", _same_day, _SPOKEN),
        (rf"{_CJK_YEAR}[の的]?(?P<season>[春夏秋冬])", _season, _SPOKEN),
        (rf"(?<!\d){_CJK_MONTH}{_CJK_DATE}", _calendar, _PLAIN),
        (rf"{_YEAR}\s*年", _calendar, _PLAIN),
        (rf"\b{_DAY}\s+(?:of\s+)?{_MONTH},?\s+{_YEAR}\b", _calendar, _PLAIN),
        (rf"\b{_MONTH}\s+{_DAY},?\s+{_YEAR}\b", _calendar, _PLAIN),
        (rf"\b{_MONTH},?\s+(?:of\s+)?{_YEAR}\b", _calendar, _PLAIN),
        (rf"\b{_DAY}\s+(?:of\s+)?{_MONTH}(?!\w)", _calendar, _PLAIN),
        (rf"\b{_MONTH}\s+{_DAY}\b", _calendar, _PLAIN),
        (rf"\b(?:last|past|previous)\s+{_COUNT}\s+{_UNIT}\b", _up_to_now, _LOOSE),
        (rf"\b{_COUNT}\s+{_UNIT}\s+(?:ago(?:\s+today)?|back|earlier|before)\b", _ago, None),
        (rf"\b{_COUNT}\s+{_UNIT}\s+from\s+(?:now|today)\b", _ahead, None),
        (
            rf"{_ONLY_NOW}\bin\s+{_COUNT}\s+{_UNIT}(?:['’]?s?\s+time)?\b{_NO_MORE}",
            _ahead,
            _LOOSE,
        ),
        (rf"\b{_OFFSET}\s+(?P<unit>weekend|week|month|year)\b", _relative_unit, _SPOKEN),
        (rf"\b{_OFFSET}\s+{_WEEKDAY}\b", _relative_weekday, None),
        (rf"{_NO_VERB}\b{_OFFSET}\s+{_MONTH}(?!\w)", _relative_month, _LOOSE),
        (rf"\b(?:last|this|in|the)\s+{_SEASON}(?:\s+(?:of\s+)?{_YEAR})?\b", _season, None),
        (r"\bday before yesterday\b", _fixed("day", -2), _SPOKEN),
        (r"\b(?:yesterday|last night)\b", _fixed("day", -1), _SPOKEN),
        (r"\b(?:today|tonight|this (?:morning|afternoon|evening))\b", _fixed("day", 0), _SPOKEN),
        (r"\bday after tomorrow\b", _fixed("day", 2), _SPOKEN),
        (r"\btomorrow\b", _fixed("day", 1), _SPOKEN),
        (rf"\b(?:on|since|by|until)\s+{_WEEKDAY}\b", _relative_weekday, _LOOSE),
        (rf"\b{_LONG_WEEKDAY}\b", _relative_weekday, _PLAIN),
        (
            rf"\b(?:in|during|since|of|by|until|early|late|mid)[\s-]+{_MONTH}(?!\w)",
            _calendar,
            _PLAIN,
        ),
        (rf"\b{_CLEAR_MONTH}\b", _calendar, _PLAIN),
        (rf"(?<![\d.$€£¥-]){_YEAR}(?![\d.,]?\d|%)\b", _calendar, _PLAIN),
        (rf"(?:最近|过去|这|近|ここ)\s*{_CJK_COUNT}\s*{_CJK_UNIT}", _up_to_now, _LOOSE),
        (rf"{_CJK_COUNT}\s*{_CJK_UNIT}(?:以)?前", _ago, None),
        (rf"{_CJK_COUNT}\s*{_CJK_UNIT}[之以]?[后後](?!悔)", _ahead, None),
        (rf"{_CJK_OFFSET}(?:周|星期|礼拜|週)(?:の)?(?P<unit>末)", _relative_unit, _SPOKEN),
        (rf"{_CJK_OFFSET}(?:周|星期|礼拜){_CJK_WEEKDAY}(?!期)", _relative_weekday, _SPOKEN),
        (rf"{_CJK_OFFSET}週の?{_CJK_WEEKDAY}曜日?", _relative_weekday, _SPOKEN),
        (
            rf"(?P<offset>[上下]{{1,2}}個?|這個?)(?:週|星期|禮拜){_CJK_WEEKDAY}",
            _relative_weekday,
            _SPOKEN,
        ),
        (
            rf"(?<![一两二三四五六七八九十\d每逢到至])(?:周|星期|礼拜){_CJK_WEEKDAY}(?![次天个年期回遍到至和])",
            _relative_weekday,
            _LOOSE,
        ),
        (rf"(?:周|星期|礼拜){_CJK_WEEKDAY}", _relative_weekday, _PLAIN),
        (
            rf"(?<![毎隔・、と]){_CJK_WEEKDAY}曜日?(?=(?:に|まで|から)(?![はも]))",
            _relative_weekday,
            _LOOSE,
        ),
        (rf"{_CJK_WEEKDAY}曜日?", _relative_weekday, _PLAIN),
        (rf"{_CJK_OFFSET}(?P<unit>周|星期|礼拜|週)", _relative_unit, _SPOKEN),
        (rf"{_CJK_OFFSET}(?:个|個)?(?P<unit>月)", _relative_unit, _SPOKEN),
        *((words, _fixed("day", offset), _SPOKEN) for offset, words in _CJK_DAYS.items()),
        *((words, _fixed("year", offset), _SPOKEN) for offset, words in _CJK_YEARS.items()),
        *((rf"\b(?:{words})\b", _fixed("day", at), _SPOKEN) for at, words in _OTHER_DAYS.items()),
    )
]
#: The others need a letter of Chinese, Japanese or Korean.
_ASCII_RULES = [rule for rule in _RULES if not re.search("[\u3000-\ud7ff]", rule[0].pattern)]
