"""Texts are read into terms and traits."""

import pytest
from hypothesis import given, strategies as st

from longterm.recall.language import NUMBERS, STANDING, TIME_WORDS, Sign
from longterm.recall.reading import passages, pieces, reading_of, shows
from longterm.text.tokenizer import TERM_BYTES, pack_terms, terms

TIMES = (
    "Yesterday", "it is today", "tonight", "tomorrow", "long ago", "recently", "I just left",
    "next weekend", "last night", "last summer", "Last tues", "next year", "this morning",
    "on Saturday", "a few weeks", "in JANUARY", "in June", "since 1999", "by 2024", "昨天",
)  # fmt: skip
WISHES = (
    "Always use tabs", "So, please never do that", "I'd prefer tea", "I really prefer tea",
    "From now on", "Make sure you call", "whenever I ask", "以后请用中文",
)  # fmt: skip


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
    reading = reading_of("Yesterday I bought 3 lamps. Do you like them?")

    assert reading.asks
    assert reading.words == 9


def test_a_wish_for_good_is_recognised() -> None:
    assert shows(STANDING, "Always use metric units when I ask about recipes.", has_clue=True)
    assert shows(STANDING, "以后请用中文回答", has_clue=False)
    assert not shows(STANDING, "I have always wanted a dog", has_clue=True)


def test_only_the_beginning_of_a_long_text_gets_vectors() -> None:
    found = pieces(" ".join(map(str, range(1000))))

    assert len(found) == 3
    assert found[0].split()[0] == "0"


@given(st.text(max_size=400) | st.text("aé ß?—🎉ın, 東京のя\u200c", max_size=40))
def test_a_text_whose_terms_are_known_is_read_alike(text: str) -> None:
    packed = pack_terms(terms(text))

    assert reading_of(text, packed) == reading_of(text)
    assert len(packed) == TERM_BYTES * len(terms(text))


def test_what_separates_no_words_counts_two_characters_as_one() -> None:
    assert reading_of("我喜欢拉面和茶").words == 3
    assert reading_of("Crème brûlée — naïve 🎉").words == 3


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        *((TIME_WORDS, text) for text in TIMES),
        *((NUMBERS, text) for text in ("Two of us", "at 7", "a DOZEN", "for the third time", "３")),
        *((STANDING, text) for text in WISHES),
    ],
)
def test_what_a_pattern_finds_is_worth_the_search(sign: Sign, text: str) -> None:
    """A clue is a word, so its term is among the terms of the text."""
    clues = {sign.clue_terms[at : at + TERM_BYTES] for at in range(0, len(sign.clue_terms), 8)}
    found = {pack_terms([term]) for term in terms(text)}

    assert sign.pattern.search(text)
    assert shows(sign, text, has_clue=not clues.isdisjoint(found))


@pytest.mark.parametrize("sign", [TIME_WORDS, NUMBERS, STANDING])
def test_most_texts_are_not_searched(sign: Sign) -> None:
    text = "Melanie painted a lake, and her kids loved the clay workshop"

    assert not any(pack_terms([term]) in sign.clue_terms for term in terms(text))
    assert not shows(sign, text, has_clue=False)
