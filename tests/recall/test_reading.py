"""Texts are read into terms and traits."""

import pytest
from hypothesis import given, strategies as st

from longterm.recall.language import NUMBERS, STANDING, TIME_WORDS, Sign
from longterm.recall.reading import mentions_number, mentions_time, pieces, read_passages
from longterm.text.tokenizer import terms

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
    assert set(read_passages("I have been to the lake").whole.counts) == set(terms("lake"))


def test_a_short_text_is_its_only_passage() -> None:
    reading = read_passages("We painted the lake at sunrise")

    assert reading.passages == (reading.whole,)


def test_the_passages_of_a_long_text_hold_all_its_terms() -> None:
    reading = read_passages(" ".join(f"word{number}x" for number in range(205)))

    assert len(reading.passages) > 1
    assert set().union(*(passage.counts for passage in reading.passages)) == set(
        reading.whole.counts
    )


def test_traits() -> None:
    text = "Yesterday I bought 3 lamps. Do you like them?"

    assert (mentions_time(text), mentions_number(text), read_passages(text).asks) == (
        True,
        True,
        True,
    )


def test_a_wish_for_good_is_recognised() -> None:
    assert read_passages("Always use metric units when I ask about recipes.").standing
    assert read_passages("以后请用中文回答").standing
    assert not read_passages("I have always wanted a dog").standing


def test_only_the_beginning_of_a_long_text_gets_vectors() -> None:
    found = pieces(" ".join(map(str, range(1000))))

    assert len(found) == 3
    assert found[0].split()[0] == "0"


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    reading = read_passages(text)

    assert sum(reading.whole.counts.values()) == reading.whole.length
    assert reading.passages


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        *((TIME_WORDS, text) for text in TIMES),
        *((NUMBERS, text) for text in ("Two of us", "at 7", "a DOZEN", "for the third time", "３")),
        *((STANDING, text) for text in WISHES),
    ],
)
def test_what_a_pattern_finds_holds_one_of_its_clues(sign: Sign, text: str) -> None:
    assert sign.pattern.search(text)
    assert not text.isascii() or any(clue in text.lower() for clue in sign.clues)
