"""Scores are fused by named weights."""

import pytest
from talk import NOW, Say, among

from longterm.recall.fusion import Weights, rank
from longterm.recall.question import parse_question
from longterm.recall.signals import SIGNALS


def test_every_signal_has_a_weight() -> None:
    assert set(Weights.__slots__) == set(SIGNALS)


def test_the_parts_add_up_to_the_score(say: Say) -> None:
    first, second = say("We painted the lake"), say("Why?")
    candidates = among([first, second], {first: 0.5, second: 0.1})

    for ranked in rank(parse_question("Who painted the lake?", now=NOW), candidates):
        assert sum(ranked.parts.values()) == pytest.approx(ranked.score)


def test_full_text_finds_what_vectors_missed_and_the_reverse(say: Say) -> None:
    others = dict.fromkeys([say("so it goes") for _ in range(9)], 0.1)
    by_words, by_vectors = say("Her IBAN is DE02"), say("She is fond of cats")

    words = rank(parse_question("IBAN DE02", now=NOW), among([*others, by_words], others))
    near = {**others, by_vectors: 0.4}
    vectors = rank(parse_question("pets", now=NOW), among(near, near))

    assert words[0].candidate == by_words
    assert vectors[0].candidate == by_vectors


def test_recency_counts_only_where_asked_for(say: Say) -> None:
    early, late = say("tea"), say("tea", thread="two")
    candidates = among([early, late])
    flat = Weights(**dict.fromkeys(SIGNALS, 0.0))

    assert "recency" not in rank(parse_question("tea", now=NOW), candidates)[0].parts
    ranked = rank(parse_question("tea", now=NOW), candidates, Weights(recency=100.0))
    assert ranked[0].candidate == late
    assert [one.candidate for one in rank(parse_question("tea", now=NOW), candidates, flat)] == [
        late,
        early,
    ]
