"""Long texts keep both ends, and say what is missing."""

from hypothesis import given, strategies as st

from longterm.text.truncation import shortened


def test_both_ends_stay() -> None:
    assert shortened("abcdefghij", 4) == "ab\n[… 6 characters left out …]\nij"


@given(st.text(), st.integers(0, 20))
def test_a_short_text_stays_as_it_is_and_a_long_one_says_what_is_left_out(
    text: str, limit: int
) -> None:
    short = shortened(text, limit)

    if len(text) <= limit:
        assert short == text
    else:
        assert short.startswith(text[: limit // 2])
        assert f"[… {len(text) - limit // 2 * 2} characters left out …]" in short
