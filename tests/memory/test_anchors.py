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
        ("明日、東京へ行く", "明日（2026-11-27）、東京へ行く"),
        ("来週引っ越す", "来週（2026-11-30/2026-12-06）引っ越す"),
        ("来週日本へ行く", "来週（2026-11-30/2026-12-06）日本へ行く"),
    ],
)
def test_a_day_that_can_be_told_stands_beside_its_words(text: str, after: str) -> None:
    assert dated(text) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("The exam is next Saturday", "The exam is next Saturday (said on 2026-11-26)"),
        ("Ann ran three weeks ago", "Ann ran three weeks ago (said on 2026-11-26)"),
        ("Ann sailed last summer", "Ann sailed last summer (said on 2026-11-26)"),
        ("三天前他来过", "三天前（说于 2026-11-26）他来过"),
        ("3日前に会った", "3日前（発言日 2026-11-26）に会った"),
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


def test_words_of_the_memory_before_are_left_alone_unless_they_are_spoken_again() -> None:
    spoken, before = [Spoken("I like tea", THURSDAY)], "She said: come tomorrow."
    text = "She said: come tomorrow. Likes tea."
    assert anchored(text, spoken, before) == text
    again = [Spoken("Come tomorrow", THURSDAY)]
    assert anchored(text, again, before) == "She said: come tomorrow (2026-11-27). Likes tea."


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
