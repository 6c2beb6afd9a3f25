"""BM25 over texts in memory."""

from longterm.text.bm25 import bm25


def test_rare_words_count_more_than_frequent_ones() -> None:
    rare, common, nothing = bm25({"cat", "the"}, [["cat", "x"], ["the", "x"], ["the", "y"]])
    assert rare > common == nothing > 0


def test_a_word_counts_less_in_a_long_text() -> None:
    short, long = bm25({"cat"}, [["cat"], ["cat", *"abcdef"]])
    assert short > long > 0


def test_what_shares_no_word_scores_nothing() -> None:
    assert bm25({"cat"}, [["dog"], []]) == [0, 0]
    assert bm25({"cat"}, []) == []
