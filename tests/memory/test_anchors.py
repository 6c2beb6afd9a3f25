"""Days that hang on the day they are said on, held to the calendar."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from longterm.memory.anchors import Spoken, anchored

THURSDAY = datetime(2026, 11, 26, 20, tzinfo=UTC)


def dated(text: str, now: datetime = THURSDAY, said: str | None = None) -> str:
    return anchored(text, [Spoken(text if said is None else said, now)])


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("Ann flies tomorrow.", "Ann flies tomorrow (2026-11-27)."),
        ("Ann came 3 days ago", "Ann came 3 days ago (2026-11-23)"),
        ("Ann moves next month", "Ann moves next month (2026-12)"),
        ("Ann began last year", "Ann began last year (2025)"),
        ("Ann rests this weekend", "Ann rests this weekend (2026-11-28/2026-11-29)"),
        ("Ann comes the day after tomorrow", "Ann comes the day after tomorrow (2026-11-28)"),
        ("yesterday's talk", "yesterday's (2026-11-25) talk"),
        ("Tomorrow Ann flies", "Tomorrow (2026-11-27) Ann flies"),
        ("王芳下周五有考试", "王芳下周五（2026-12-04）有考试"),
        ("我去年5月搬家了", "我去年5月（2025-05）搬家了"),
        ("下週五考試", "下週五（2026-12-04）考試"),
        ("去年今天他搬家了", "去年今天（2025-11-26）他搬家了"),
        ("去年的今日", "去年的今日（2025-11-26）"),
        ("昨年の今日、会った", "昨年の今日（2025-11-26）、会った"),
        ("明日、東京へ行く", "明日（2026-11-27）、東京へ行く"),
        ("来週引っ越す", "来週（2026-11-30/2026-12-06）引っ越す"),
        ("来週日本へ行く", "来週（2026-11-30/2026-12-06）日本へ行く"),
        ("The exam is 10 days from today", "The exam is 10 days from today (2026-12-06)"),
        ("明晚吃火锅", "明晚（2026-11-27）吃火锅"),
        ("Anna fliegt übermorgen nach Rom", "Anna fliegt übermorgen (2026-11-28) nach Rom"),
        ("Ana fue ayer al médico", "Ana fue ayer (2026-11-25) al médico"),
        ("Léa part demain à Lyon", "Léa part demain (2026-11-27) à Lyon"),
        ("Анна завтра летит", "Анна завтра (2026-11-27) летит"),
        ("민수는 내일 이사한다", "민수는 내일 (2026-11-27) 이사한다"),
    ],
)
def test_a_day_that_is_sure_stands_beside_its_words(text: str, after: str) -> None:
    assert dated(text) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("The exam is next Saturday", "The exam is next Saturday (said on 2026-11-26)"),
        ("Ann ran three weeks ago", "Ann ran three weeks ago (said on 2026-11-26)"),
        ("Ann sailed last summer", "Ann sailed last summer (said on 2026-11-26)"),
        ("三天前他来过", "三天前（说于 2026-11-26）他来过"),
        ("3日前に会った", "3日前（発言日 2026-11-26）に会った"),
        ("Ann flies on Friday", "Ann flies on Friday (said on 2026-11-26)"),
        ("Ann flies on Sun", "Ann flies on Sun (said on 2026-11-26)"),
        ("The party is on sat at 8", "The party is on sat (said on 2026-11-26) at 8"),
        ("The draft is due by Monday", "The draft is due by Monday (said on 2026-11-26)"),
        ("Ann moves in three days", "Ann moves in three days (said on 2026-11-26)"),
        ("The lease ends in 2 months.", "The lease ends in 2 months (said on 2026-11-26)."),
        ("王芳周五有考试", "王芳周五（说于 2026-11-26）有考试"),
        ("他三天后出发", "他三天后（说于 2026-11-26）出发"),
        ("金曜日に歯医者に行く", "金曜日（発言日 2026-11-26）に歯医者に行く"),
        ("3日後に引っ越す", "3日後（発言日 2026-11-26）に引っ越す"),
    ],
)
def test_where_two_days_can_be_meant_the_day_of_the_words_stands_there(
    text: str, after: str
) -> None:
    assert dated(text) == after


def test_the_coming_weekday_is_one_day_where_it_is_also_next_week_s() -> None:
    saturday = datetime(2026, 11, 28, tzinfo=UTC)
    assert dated("The exam is next Friday", saturday) == "The exam is next Friday (2026-12-04)"


@pytest.mark.parametrize(
    "text",
    [
        "Ann works every week",
        "Ann works on Fridays",
        "The next day she left",
        "Ann was born in May 1990",
        "Ann likes the song Yesterday",
        "Yesterday",
        'Ann said "see you tomorrow" to Bob',
        "她说「明天见」",
        "她喜欢明日香",
        "出発の3日前に着いた",
        "Ann arrived three days before Bob",
        "Ann flies tomorrow (27 November 2026)",
        "Ann flies on 2026-11-27 (tomorrow)",
        "Ann flies next Friday, December 4",
        "王芳明天（11月27日）考试",
        "Ann reads https://news.example.com/today/front",
        "Ann writes to ann@tomorrow.io",
        "Ann keeps notes/yesterday.md and today.txt",
        "Ann likes 'Yesterday' best",
        "Ann's last year of college was hard",
        "Ann hated his last week at Acme",
        "今日子さんは先生です",
        "Ann plays tennis on Friday evenings",
        "Ann goes swimming every week on Monday",
        "Ann usually works from home on Friday",
        "Ann runs 5 km in 30 minutes",
        "Ann goes to the gym twice in a week",
        "Ann laughed for the first time in three weeks",
        "Ann learned Spanish in a year or two",
        "Ann reads USA today",
        "Ann believes in a better tomorrow",
        "Ann was not born yesterday",
        "Ann remembers it like yesterday",
        "Ann loves Black Friday",
        "Ann's favourite day is Friday",
        "Ann works Monday to Friday",
        "Ann, whose last year was hard, rests",
        "Ann's own last week at Acme",
        "Ann writes at www.friday.example/next week",
        "Ann's files lie at ftp://files.example/last week",
        "The project took three days",
        "Bob came three days after Ann",
        "Ann likes May and June best",
        "The next week was better",
        "That was the last month of the war",
        "A week later Ann left",
        "Ann lives on 5th Avenue",
        "In those days Ann sang",
        "Ann swims most weekends",
        "每周五游泳",
        "他一周三次去健身房",
        "周一到周五上班",
        "王芳周五都去跑步",
        "王芳总是周三加班",
        "在《明天》里有一首歌",
        "他们三周年纪念",
        "一星期天气都很好",
        "手术后第三天出院",
        "项目用了三天",
        "他每天跑步",
        "毎週金曜日に泳ぐ",
        "月・水・金曜日にバイト",
        "金曜日には泳ぐ",
        "普段は土曜日に掃除する",
        "金曜日が好き",
        "明日香は友達",
        "三日坊主だ",
        "毎日走る",
        "Anna sagt guten Morgen",
        "Anna ist jeden Tag hier",
        "Ana llega por la mañana",
        "오늘날 사람들은 바쁘다",
    ],
)
def test_what_is_dated_or_quoted_or_hangs_on_nothing_stays(text: str) -> None:
    assert dated(text) == text


def test_the_day_is_that_of_the_message_with_the_words() -> None:
    early = datetime(2026, 11, 2, tzinfo=UTC)
    spoken = [Spoken("I fly tomorrow", early), Spoken("Bob came", THURSDAY)]
    assert anchored("Ann flies tomorrow", spoken) == "Ann flies tomorrow (2026-11-03)"
    assert anchored("Bob came today", spoken) == "Bob came today"
    assert anchored("Ann flies tomorrow", []) == "Ann flies tomorrow"


def test_words_that_stood_in_the_memory_before_stay_whatever_is_said_now() -> None:
    before = "She said: come tomorrow."
    text = "She said: come tomorrow. Likes tea."
    for said in ("I like tea", "I fly tomorrow"):
        assert anchored(text, [Spoken(said, THURSDAY)], before) == text


def test_words_that_had_a_day_before_get_that_of_who_says_them_again() -> None:
    before = "Ann flies tomorrow (2026-11-20)"
    after = "Ann flies to Rome tomorrow"
    again = anchored(after, [Spoken("I fly tomorrow", THURSDAY)], before)
    assert again == "Ann flies to Rome tomorrow (2026-11-27)"
    assert anchored(after, [Spoken("To Rome", THURSDAY)], before) == after


def test_a_day_that_only_one_of_two_years_has_is_no_trouble() -> None:
    times = datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    text = "用户去年2月29日结婚"
    assert anchored(text, [Spoken("你好", time) for time in times]) == text


_WORDS = [
    "tomorrow",
    "Ann",
    "next Friday",
    "2026-11-27",
    "明天",
    "来週",
    "three weeks ago",
    ".",
    '"',
]


@given(st.lists(st.sampled_from(_WORDS), max_size=8))
def test_what_is_dated_once_is_not_dated_again(words: list[str]) -> None:
    once = dated(" ".join(words))
    assert dated(once) == once


def test_a_long_text_is_read_once() -> None:
    # Quadratic in the sentences or in the quotations, this would take many seconds.
    text = "Ann said 'x', and Bob came. " * 1_500 + "Ann flies tomorrow."
    assert dated(text).endswith("Ann flies tomorrow (2026-11-27).")
    assert dated("tomorrow " * 1_000).count("2026-11-27") >= 1


@pytest.mark.parametrize(
    "text",
    [
        "Ann writes on sun exposure",
        "The map is on sat nav",
        "Ann steers by sun and stars",
        "Ann passed her last sat exam",
    ],
)
def test_words_that_are_spelled_like_short_days_are_no_days(text: str) -> None:
    assert dated(text) == text


def test_a_leap_day_is_no_day_of_another_year() -> None:
    assert dated("去年今天", datetime(2028, 2, 29, 9, tzinfo=UTC)) == "去年今天"
