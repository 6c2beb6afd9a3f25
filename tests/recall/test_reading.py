"""Texts are read into terms and traits."""

import pytest
from hypothesis import given, strategies as st

from longterm.recall.language import NUMBERS, STANDING, TIME_WORDS, Sign
from longterm.recall.reading import (
    clues_in,
    content_terms,
    mentions_number,
    mentions_time,
    passages,
    pieces,
    reading_of,
)
from longterm.text.tokenizer import words

TIMES = (
    "Yesterday", "it is today", "tonight", "tomorrow", "long ago", "recently", "I just left",
    "next weekend", "last night", "last summer", "Last tues", "next year", "this morning",
    "on Saturday", "a few weeks", "in JANUARY", "in June", "since 1999", "by 2024", "昨天",
)  # fmt: skip
WISHES = (
    "Always use tabs", "So, please never do that", "I'd prefer tea", "I really prefer tea",
    "From now on", "Make sure you call", "whenever I ask", "以后请用中文",
)  # fmt: skip


def test_stop_words_are_not_read() -> None:
    assert reading_of("I have been to the lake").terms == reading_of("lake").terms
    assert reading_of("lake").terms


def test_a_short_text_is_its_only_passage() -> None:
    assert passages(5) == [(0, 5)]
    assert passages(0) == [(0, 0)]


@given(st.integers(min_value=0, max_value=1000))
def test_the_passages_of_a_text_hold_all_its_terms(length: int) -> None:
    assert {at for start, end in passages(length) for at in range(start, end)} == set(range(length))


def test_the_passages_of_a_long_text_overlap() -> None:
    (_, first_end), (second_start, _), *_ = passages(205)

    assert second_start < first_end


def test_traits() -> None:
    text = "Yesterday I bought 3 lamps. Do you like them?"
    reading = reading_of(text)

    assert mentions_time(text, reading.clues)
    assert mentions_number(text, reading.clues)
    assert reading.asks


def test_a_wish_for_good_is_recognised() -> None:
    assert reading_of("Always use metric units when I ask about recipes.").standing
    assert reading_of("以后请用中文回答").standing
    assert not reading_of("I have always wanted a dog").standing


def test_only_the_beginning_of_a_long_text_gets_vectors() -> None:
    found = pieces(" ".join(map(str, range(1000))))

    assert len(found) == 3
    assert found[0].split()[0] == "0"


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    reading = reading_of(text)

    assert len(reading.terms) == 8 * len(content_terms(text))


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        *((TIME_WORDS, text) for text in TIMES),
        *((NUMBERS, text) for text in ("Two of us", "at 7", "a DOZEN", "for the third time", "３")),
        *((STANDING, text) for text in WISHES),
    ],
)
def test_what_a_pattern_finds_is_worth_the_search(sign: Sign, text: str) -> None:
    assert sign.pattern.search(text)
    assert sign.clues & clues_in(text, words(text))


@pytest.mark.parametrize("sign", [TIME_WORDS, NUMBERS, STANDING])
def test_most_texts_are_not_searched(sign: Sign) -> None:
    text = "Melanie painted a lake, and her kids loved the clay workshop"

    assert not sign.clues & clues_in(text, words(text))
