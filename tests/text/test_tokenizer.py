"""Text as terms, in every script."""

import pytest
from hypothesis import example, given, strategies as st

from longterm.text.tokenizer import (
    count_terms,
    folded,
    is_unspaced,
    pack_terms,
    packed_terms,
    query_terms,
    scripts,
    terms,
    words,
)

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


SAME = [
    # Arabic: points, alef forms, tatweel, yeh and alef maqsura, teh marbuta, hamza seats
    ("محمد", "مُحَمَّد"),
    ("احمد", "أحمد"),
    ("الى", "إلى"),
    ("اخر", "آخر"),
    ("كتاب", "كتـــاب"),
    ("علي", "على"),
    ("مدرسه", "مدرسة"),
    ("مسوول", "مسؤول"),
    ("ٱلله", "الله"),
    ("ﻣﺤﻤﺪ", "محمد"),
    # Persian and Urdu: kaf and yeh of the Arabic keyboard, the half-space in all its spellings
    ("كتاب", "کتاب"),
    ("علي", "علی"),
    ("می خواهم", "می\u200cخواهم"),
    ("میخواهم", "می\u200cخواهم"),
    ("می\u200cخواهم", "میخواهم می خواهم"),
    ("ہم", "هم"),
    ("مین", "میں"),
    # Hebrew points
    ("שלום", "שָׁלוֹם"),
    # Han: traditional, simplified, Japanese
    ("头发", "頭髮"),
    ("台湾", "臺灣"),
    ("臺灣", "台湾"),
    ("音樂", "音乐"),
    ("音乐", "音楽"),
    ("后来", "後來"),
    # Kana: small and large, a wave for a long vowel
    ("キャノン", "キヤノン"),
    ("らーめん", "ら〜めん"),
    ("ラーメン", "ラ～メン"),
    # Digits of every script
    ("2024", "٢٠٢٤"),
    ("2024", "۲۰۲۴"),
    ("2024", "२०२४"),
    ("2024", "２０２４"),
    ("2024", "๒๐๒๔"),
    ("٢٠٢٤", "২০২৪"),
    # Latin
    ("istanbul", "İstanbul"),
    ("isparta", "ısparta"),
    ("ISPARTA", "ısparta"),
    ("STRASSE", "Straße"),
    ("straße", "STRASSE"),
    ("pho", "phở"),
    ("phở", "pho\u031b\u0309"),
    ("da nang", "Đà Nẵng"),
    ("lodz", "Łódź"),
    ("soren", "Søren"),
    ("aeroe", "Ærø e Ærøe"),
    ("coeur", "cœur"),
    ("ﬁne", "fine"),
    ("ｈｅｌｌｏ", "hello"),
    ("hyphenated", "hyphen\u00adated"),
    ("foobar", "foo\u200bbar"),
    ("ȷava", "java"),
    ("collecció", "col·lecció coŀlecció"),
    ("col·l·l", "colll"),
    ("mueller", "Müller"),
    ("Müller", "Mueller Müller"),
    ("goeteborg", "Go\u0308teborg"),
    ("aarhus soeren", "Århus Søren"),
    # Apostrophes left out
    ("dont", "I don't know"),
    ("OBRIEN", "O\u2019Brien's"),
    ("hawaii", "Hawai\u02bbi Hawai'i"),
    ("leau", "l'eau"),
    ("aujourdhui", "Aujourd\u2019hui"),
    ("мята", "м'ята м\u02bcята"),
    ("גינגר", "ג\u05f3ינג\u05f3ר ג'ינג'ר"),
    ("צהל", 'צה\u05f4ל צה"ל'),
    # Greek, Armenian, Cyrillic
    ("τω λογω", "τῷ λόγῳ"),
    ("ΤΩΙ", "τωι"),
    ("Երևան", "ԵՐԵՎԱՆ"),
    ("ганок", "ґанок"),
    ("ΚΑΦΕΣ", "καφές"),
    ("елка", "ёлка"),
    ("п'ять", "п\u02bcять"),
    ("п\u2019ять", "п\u02bcять"),
    # Indic: composed forms, nukta, nasals, joiners, the full stop
    ("क़लम", "क\u093cलम"),
    ("कलम", "क़लम"),
    ("हंस", "हँस"),
    ("हिंदी", "हिन्दी"),
    ("संबंध", "सम्बन्ध"),
    ("पंजाब", "पञ्जाब"),
    ("હિંદી", "હિન્દી"),
    ("है", "चाय पसंद है।"),
    ("ড়", "ড\u09bc"),
    ("ൻ", "ന്\u200d"),
    ("কো", "ক\u09c7\u09be"),
    ("கொ", "க\u0bc6\u0bbe"),
    ("श्री", "श्\u200dरी"),
    # Thai and Lao: sara am taken apart, the tone before it; two e for ae
    ("น้ำ", "น\u0e49\u0e4d\u0e32"),
    ("น้ำ", "น\u0e4d\u0e49\u0e32"),
    ("แมว", "เเมว"),
    # Japanese and Korean
    ("ラーメン", "らーめん"),
    ("りんご", "リンゴ"),
    ("ﾗｰﾒﾝ", "ラーメン"),
    ("ガ", "カ\u3099"),
    ("한국", "한국"),
    ("高橋", "髙橋"),
    ("渡辺", "渡邊 渡邉"),
    ("国語", "國語"),
    ("佐佐木", "佐々木"),
    ("子子子", "子々々"),
    ("葛城", "葛\U000e0100城"),
    ("神社", "神社"),
    # Amharic letters of one sound
    ("ሰላም", "ሠላም"),
    ("ሀገር", "ሃገር ሐገር ሀገር"),
    ("ሃገር ኃይል", "ሀገር ሀይል"),
    ("አለም", "ዓለም"),
]


@pytest.mark.parametrize(("query", "document"), SAME)
def test_a_word_is_found_in_every_spelling(query: str, document: str) -> None:
    assert set(query_terms(query)) <= set(terms(document))


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("سلام", "كلام"),
        ("שלום", "שלג"),
        ("2024", "٢٠٢٥"),
        ("कल", "काल"),
        ("มา", "ม้า"),
        ("か", "が"),
        ("जन्म", "जंम"),
        ("ሁሉ", "ሀሉ"),
        ("itll", "it'll"),
    ],
)
def test_another_word_stays_another(query: str, document: str) -> None:
    assert not set(query_terms(query)) <= set(terms(document))


@given(st.text())
def test_one_spelling_has_no_further_one(text: str) -> None:
    assert folded(folded(text)) == folded(text)


def test_scripts_are_told_apart() -> None:
    assert scripts("味噌ラーメン and Привет") == {"han", "kana", "latin", "cyrillic"}


def test_text_without_letters_has_no_script() -> None:
    assert scripts("12 + 3 🍜") == frozenset()


@pytest.mark.parametrize(("text", "expected"), [("拉", True), ("ramen", False), ("", False)])
def test_unspaced_scripts_are_known(text: str, *, expected: bool) -> None:
    assert is_unspaced(text) is expected
