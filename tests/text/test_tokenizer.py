"""Text as terms."""

import pytest
from hypothesis import example, given, strategies as st

from longterm.text.term_hashes import pack_terms
from longterm.text.tokenizer import count_terms, packed_terms, query_terms, terms, words

#: Any text, and muddles of what words are written with besides letters.
anything = st.text() | st.text(
    st.sampled_from("asSäÄe\u0301\u0308'\u2019\u05f4\"אב\u200c1_ 拉面カ한")
)


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("hikes", "we were hiking"),
        ("hiked", "a hike"),
        ("planning", "she planned it"),
        ("cities", "the city"),
        ("boxes", "a box"),
        ("CAFE", "ein Café"),
        ("strasse", "Straße"),
        ("\uff26\uff35\uff2c\uff2c", "full width"),
        ("拉面", "我喜欢味噌拉面"),
        ("面", "我喜欢味噌拉面"),
        ("ラーメン", "味噌ラーメンが好き"),
        ("ﾗｰﾒﾝ", "味噌ラーメンが好き"),
        ("서울", "서울에서 살아요"),
        ("กรุงเทพ", "ฉันอยู่กรุงเทพ"),
        ("हिन्दी", "मैं हिन्दी बोलता हूँ"),
        ("Привет", "привет, мир"),
        ("GPT4", "uses gpt4 daily"),
        ("拉面 ramen", "ramen 拉面"),
    ],
)
def test_a_query_finds_the_document(query: str, document: str) -> None:
    assert set(query_terms(query)) <= set(terms(document))


@pytest.mark.parametrize(
    ("query", "document"),
    [("面拉", "拉面"), ("sing", "sang"), ("ham", "shame"), ("東京", "京東")],
)
def test_a_query_does_not_find_another_document(query: str, document: str) -> None:
    assert not set(query_terms(query)) <= set(terms(document))


def test_a_query_prefers_pairs_to_characters() -> None:
    assert query_terms("味噌拉面") == ["味噌", "噌拉", "拉面"]


def test_a_document_has_characters_and_pairs() -> None:
    assert terms("拉面") == ["拉", "面", "拉面"]


def test_repetitions_count_in_a_document_only() -> None:
    assert (terms("tea tea"), query_terms("tea tea")) == (["tea", "tea"], ["tea"])


def test_words_are_lower_cased_and_unstemmed() -> None:
    assert words("Hiking, in the Alps!") == ["hiking", "in", "the", "alps"]


@given(anything)
def test_a_text_finds_itself(text: str) -> None:
    assert set(query_terms(text)) <= set(terms(text))


@given(st.text(st.characters()))
def test_terms_hold_no_space(text: str) -> None:
    assert all(term and not any(map(str.isspace, term)) for term in terms(text))


@given(anything)
@example("Hikers hiked; the hiking class passes, 2 flies")
@example("Müller's “café”, naïve 拉面 ラーメン کتاب‌ها")
@example("short " + "x" * 65 + "ing")
@example("O'Brien doesn't know l’eau, rock'n'roll's Ann's")
@example("ANN'S CAT CAN'T, WE'LL SEE")
def test_packed_terms_are_the_hashes_of_the_terms(text: str) -> None:
    assert packed_terms(text) == pack_terms(terms(text))
    assert count_terms(text) == len(terms(text))


@pytest.mark.parametrize("beside", ["'", "ä ", "é' ", 'א" '])
def test_a_word_of_a_megabyte_is_read_once_and_not_from_each_of_its_letters(beside: str) -> None:
    text = beside + "x" * 1_000_000  # read from each it would take hours
    assert "x" * 1_000_000 in query_terms(text)
    assert packed_terms(text) == pack_terms(terms(text))
