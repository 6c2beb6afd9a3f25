"""Scores are fused by named weights."""

import pytest
from talk import NOW, Say, among

from longterm.recall.candidates import Candidate
from longterm.recall.fusion import Weights, rank
from longterm.recall.question import Question, parse_question
from longterm.recall.signals import SIGNALS
from longterm.recall.timeline import CandidateSet


def best(question: Question, candidates: CandidateSet, weights: Weights | None = None) -> Candidate:
    """Return what ranks first."""
    ranking = rank(question, candidates, weights or Weights())
    return ranking[ranking.best(1)[0]].candidate


def test_every_signal_has_a_weight() -> None:
    assert set(Weights.__slots__) == set(SIGNALS)


def test_the_parts_add_up_to_the_score(say: Say) -> None:
    first, second = say("We painted the lake"), say("Why?")
    candidates = among([first, second], {first: 0.5, second: 0.1})

    ranking = rank(parse_question("Who painted the lake?", now=NOW), candidates)
    for ranked in (ranking[at] for at in ranking.best()):
        assert sum(ranked.parts.values()) == pytest.approx(ranked.score)


def test_full_text_finds_what_vectors_missed_and_the_reverse(say: Say) -> None:
    others = dict.fromkeys([say("so it goes") for _ in range(9)], 0.1)
    by_words, by_vectors = say("Her IBAN is DE02"), say("She is fond of cats")

    words = best(parse_question("IBAN DE02", now=NOW), among([*others, by_words], others))
    near = {**others, by_vectors: 0.4}
    vectors = best(parse_question("pets", now=NOW), among(near, near))

    assert words == by_words
    assert vectors == by_vectors


def test_recency_counts_only_where_asked_for(say: Say) -> None:
    early, late = say("tea"), say("tea", thread="two")
    candidates = among([early, late])
    question = parse_question("tea", now=NOW)
    flat = Weights(**dict.fromkeys(SIGNALS, 0.0))

    ranking = rank(question, candidates)
    assert "recency" not in ranking[ranking.best()[0]].parts
    assert best(question, candidates, Weights(recency=100.0)) == late
    assert best(question, candidates, flat) == late


def test_the_weights_of_the_first_release_are_understood() -> None:
    with pytest.warns(DeprecationWarning, match="'meaning' is called 'vector'"):
        assert Weights(meaning=1.0).vector == 1.0  # pyright: ignore[reportCallIssue]
