"""Date expressions become spans of time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from longterm.memory.when import Span, expressions, may_speak_of_time, spans

NOW = datetime(2023, 11, 22, 12, 27, tzinfo=UTC)  # a Wednesday


def dates(text: str, now: datetime = NOW) -> list[tuple[str, str]]:
    return [(f"{span.start:%Y-%m-%d}", f"{span.end:%Y-%m-%d}") for span in spans(text, now)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("What did I eat yesterday?", "2023-11-21", "2023-11-22"),
        ("what we said today", "2023-11-22", "2023-11-23"),
        ("the day before yesterday", "2023-11-20", "2023-11-21"),
        ("last Friday", "2023-11-17", "2023-11-18"),
        ("on Wednesday", "2023-11-15", "2023-11-16"),
        ("this Friday", "2023-11-24", "2023-11-25"),
        ("last week", "2023-11-13", "2023-11-20"),
        ("next month", "2023-12-01", "2024-01-01"),
        ("last year", "2022-01-01", "2023-01-01"),
        ("last weekend", "2023-11-18", "2023-11-20"),
        ("in May", "2023-05-01", "2023-06-01"),
        ("in December", "2022-12-01", "2023-01-01"),
        ("in May 2022", "2022-05-01", "2022-06-01"),
        ("on 8 May, 2023", "2023-05-08", "2023-05-09"),
        ("the 8th of May", "2023-05-08", "2023-05-09"),
        ("August 16, 2023", "2023-08-16", "2023-08-17"),
        ("2023-05-08", "2023-05-08", "2023-05-09"),
        ("in 2022", "2022-01-01", "2023-01-01"),
        ("last summer", "2023-06-01", "2023-09-01"),
        ("the summer of 2021", "2021-06-01", "2021-09-01"),
        ("3 weeks ago", "2023-10-29", "2023-11-05"),
        ("a couple of days ago", "2023-11-20", "2023-11-21"),
        ("in the last 3 days", "2023-11-19", "2023-11-23"),
        ("this May", "2023-05-01", "2023-06-01"),
        ("next march", "2024-03-01", "2024-04-01"),
        ("next March", "2024-03-01", "2024-04-01"),
        ("last December", "2022-12-01", "2023-01-01"),
        ("last November", "2022-11-01", "2022-12-01"),
        ("last October", "2023-10-01", "2023-11-01"),
        ("on February 29", "2020-02-29", "2020-03-01"),
    ],
)
def test_english(text: str, start: str, end: str) -> None:
    assert dates(text) == [(start, end)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("我昨天说了什么", "2023-11-21", "2023-11-22"),
        ("上周三我们吃了什么", "2023-11-15", "2023-11-16"),
        ("上个星期天", "2023-11-19", "2023-11-20"),
        ("上周末", "2023-11-18", "2023-11-20"),
        ("上个月", "2023-10-01", "2023-11-01"),
        ("去年5月", "2022-05-01", "2022-06-01"),
        ("2023年5月8日", "2023-05-08", "2023-05-09"),
        ("5月8号", "2023-05-08", "2023-05-09"),
        ("三天前", "2023-11-19", "2023-11-20"),
        ("二十天前", "2023-11-02", "2023-11-03"),
        ("两个星期前", "2023-11-05", "2023-11-12"),
        ("最近三天", "2023-11-19", "2023-11-23"),
        ("前年", "2021-01-01", "2022-01-01"),
        ("上上个星期三", "2023-11-08", "2023-11-09"),
        ("上上个月", "2023-09-01", "2023-10-01"),
        ("上一周", "2023-11-13", "2023-11-20"),
        ("下下周五", "2023-12-08", "2023-12-09"),
        ("大后天", "2023-11-25", "2023-11-26"),
    ],
)
def test_chinese(text: str, start: str, end: str) -> None:
    assert dates(text) == [(start, end)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("昨日は何を食べた?", "2023-11-21", "2023-11-22"),
        ("一昨日", "2023-11-20", "2023-11-21"),
        ("先月の旅行", "2023-10-01", "2023-11-01"),
        ("先週の金曜日", "2023-11-17", "2023-11-18"),
        ("来週", "2023-11-27", "2023-12-04"),
        ("再来週", "2023-12-04", "2023-12-11"),
        ("再来年", "2025-01-01", "2026-01-01"),
        ("3日前", "2023-11-19", "2023-11-20"),
        ("2か月前", "2023-09-01", "2023-10-01"),
        ("昨年の3月", "2022-03-01", "2022-04-01"),
        ("去年夏天", "2022-06-01", "2022-09-01"),
        ("昨年の秋", "2022-09-01", "2022-12-01"),
        ("2022年", "2022-01-01", "2023-01-01"),
        ("月曜日", "2023-11-20", "2023-11-21"),
    ],
)
def test_japanese(text: str, start: str, end: str) -> None:
    assert dates(text) == [(start, end)]


def test_several_expressions_come_in_the_order_of_the_text() -> None:
    assert dates("between 3 May 2023 and yesterday") == [
        ("2023-05-03", "2023-05-04"),
        ("2023-11-21", "2023-11-22"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "I may go",
        "this may help",
        "this march for peace",
        "30 February 2023",
        "99999999 years ago",
        "it costs $2023",
        "call 2023456",
        "",
    ],
)
def test_what_is_no_date_gives_no_span(text: str) -> None:
    assert not spans(text, NOW)


@pytest.mark.parametrize(
    "text",
    ["以前天天跑步", "毕业后天天加班", "後天天練琴", "后天养成的性格", "先天和后天", "如今年纪大了",
     "当今年轻人", "过去年轻时", "晚上月亮很圆", "晚上周围很吵", "楼下周围有公园", "聪明早熟",
     "きょうだいが三人", "とうきょうに住む", "べんきょうする", "きょうとが好き", "あしたば",
     "今日本に住んでいる", "今日的な考え", "今朝鮮語を学ぶ", "어제오늘 일이 아니다", "오늘의집",
     "내일배움카드"],
)  # fmt: skip
def test_letters_of_other_words_are_no_date(text: str) -> None:
    assert not spans(text, NOW)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("以前天天跑步，前天停了", "2023-11-20"),
        ("后天天气", "2023-11-24"),
        ("后天的会议", "2023-11-24"),
        ("前天晚上", "2023-11-20"),
        ("过去年底", "2022-01-01"),
        ("今年生日", "2023-01-01"),
        ("上周三的晚上", "2023-11-15"),
        ("きょうは寒い", "2023-11-22"),
        ("あしたから休み", "2023-11-23"),
        ("昨日本を買った", "2023-11-21"),
        ("내일모레 간다", "2023-11-24"),
        ("three weeks ago today", "2023-10-29"),
    ],
)
def test_a_date_beside_such_letters_is_one(text: str, start: str) -> None:
    assert [first for first, _ in dates(text)] == [start]


@pytest.mark.parametrize(
    ("now", "text", "start"),
    [
        ("2024-02-29", "last year", "2023-01-01"),
        ("2024-02-29", "a year ago", "2023-01-01"),
        ("2024-02-28", "29 February", "2020-02-29"),
        ("2024-03-01", "2月29日", "2024-02-29"),
        ("2024-01-01", "yesterday", "2023-12-31"),
        ("2024-01-01", "last week", "2023-12-25"),
        ("2024-01-01", "先月", "2023-12-01"),
        ("2024-12-31", "next month", "2025-01-01"),
    ],
)
def test_the_ends_of_years_and_of_february(now: str, text: str, start: str) -> None:
    assert [first for first, _ in dates(text, datetime.fromisoformat(now))] == [start]


def test_distance_is_negative_before_and_positive_after() -> None:
    span = Span(NOW, NOW + timedelta(days=1))

    assert span.distance(NOW - timedelta(hours=1)) == timedelta(hours=-1)
    assert span.distance(NOW + timedelta(hours=1)) == timedelta(0)
    assert span.distance(NOW + timedelta(days=2)) == timedelta(days=1)


@given(
    st.text(
        st.sampled_from("lastnextweekmonthy 012379年月日上周三天前个先週曜ago-/,May May"),
        max_size=30,
    ),
    st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31)),  # noqa: DTZ001 - zones are not the point
)
def test_any_text_is_read_without_an_error_and_spans_are_not_empty(
    text: str, now: datetime
) -> None:
    assert all(span.start < span.end for span in spans(text, now))


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31)))  # noqa: DTZ001 - zones are not the point
def test_a_written_date_is_read_as_that_day_whatever_now_is(day: datetime) -> None:
    spelled = (f"{day:%Y-%m-%d}", f"{day:%d %B %Y}", f"{day:%B %d, %Y}", f"{day:%Y年%m月%d日}")

    assert {span.start.date() for text in spelled for span in spans(text, NOW)} == {day.date()}


def test_a_number_that_is_none_is_no_error() -> None:
    assert dates("一三天前") == []


#: Words of times, halves of them, and what they may be taken for.
WORDS = """
may march mar mon money sun sunday sundays fri friend friday on last past next this the in of
day days daily week weeks weekss weekend 's time month year years ago from now today tonight
night morning before yesterday after tomorrow tomorrows spring fall falls in- sept. 3 31 1990 2024
2024-05-01 20245 three couple ayer gestern heute demain завтра вчера aujourd’hui antes de
今 明 昨 晚 天 天天 日 月 月份 年 前 后 周 周末 星期 礼拜 週 曜 曜日 来 先 去年 今年 上 下 个 三 春
きょう あした きのう おととい 오늘 내일 ſunday frıday Kweek
"""
TEXTS = st.lists(
    st.sampled_from([*WORDS.split(), " ", " ", ", ", ".", "-"]) | st.text(max_size=3), max_size=12
).map("".join)


@given(TEXTS, st.sampled_from(["; 1999-01-02", "；1999年1月2日"]))
def test_where_a_text_is_not_read_no_rule_finds_anything(text: str, date: str) -> None:
    # With a date behind it, every rule is tried.
    assert expressions(text, NOW) == expressions(text + date, NOW)[:-1]


@pytest.mark.parametrize(
    "text", ["My friend decided to marry", "It will be sunny", "我的朋友喜欢茶"]
)
def test_most_texts_are_not_read_for_times(text: str) -> None:
    assert not may_speak_of_time(text)


@pytest.mark.parametrize("text", ["ſunday", "frıday", "laſt week", "ſpring of 2020 in ſept"])
def test_letters_that_only_look_like_others_make_no_fault(text: str) -> None:
    assert isinstance(spans(text, NOW), list)
