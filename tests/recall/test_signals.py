"""What each arm says about the candidates of a pool."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import given, strategies as st
from talk import NOW, Say, among

from longterm.memory.revision import Source
from longterm.recall.candidates import Candidate
from longterm.recall.language import STANDING
from longterm.recall.question import Question, parse_question
from longterm.recall.signals import SIGNALS, columns


def question(text: str, *speakers: str) -> Question:
    return parse_question(text, speakers=speakers, now=NOW)


def test_words_are_relative_to_the_best_match(say: Say) -> None:
    candidates = among([say("We painted the lake"), say("The lake"), say("Nothing like it")])

    words = columns(question("Who painted the lake?"), candidates)["text"]

    assert words[0] == 1.0
    assert 0 < words[1] < 1
    assert words[2] == 0


def test_the_best_of_poor_matches_is_no_good_match(say: Say) -> None:
    candidates = among([say("The half marathon in May"), say("So it goes"), say("I see")])

    asked = columns(question("May Bo drink cold espresso again?"), candidates)

    for name in ("text", "neighbors", "session"):
        assert 0 < asked[name][0] < 0.7


def test_a_long_message_needs_few_of_its_words_for_a_good_match(say: Say) -> None:
    said = "We rowed across the icy lake before breakfast"
    candidates = among([say(said), say("Our cat sleeps on warm bricks all winter long")])
    more = " ".join(f"word{number}" for number in range(100))

    assert columns(question(f"{said}. {more}"), candidates)["text"].tolist() == [1.0, 0.0]


def test_neighbours_lend_their_words(say: Say) -> None:
    candidates = among(
        [say("Where is the lake?"), say("Behind the hill"), *[say("So") for _ in "12345"]]
    )

    around = columns(question("the lake"), candidates)["neighbors"]

    assert around[1] > 0
    assert around[-1] == 0


def test_another_thread_is_no_neighbour(say: Say) -> None:
    candidates = among([say("The lake", thread="a"), say("Behind the hill", thread="b")])

    assert columns(question("the lake"), candidates)["neighbors"][1] == 0


def test_a_long_pause_ends_a_session(say: Say) -> None:
    late = say("Behind the hill", time=NOW + timedelta(days=1))
    candidates = among([say("The lake"), late])

    assert columns(question("the lake"), candidates)["session"].tolist() == [1.0, 0.0]


def test_an_answer_profits_from_its_question(say: Say) -> None:
    candidates = among([say("Where is the lake?"), say("Behind the hill"), say("I see")])

    assert columns(question("the lake"), candidates)["answer"].tolist() == [0.0, 1.0, 0.0]


def test_without_vectors_meaning_says_nothing(say: Say) -> None:
    candidates = among([say("a lake"), say("a hill")])

    assert not columns(question("lake"), candidates)["vector"].any()


def test_what_vectors_did_not_find_is_as_far_as_the_farthest(say: Say) -> None:
    near, far, unknown = say("a"), say("b"), say("c")
    candidates = among([near, far, unknown], {near: 0.8, far: 0.3})

    assert columns(question("lake"), candidates)["vector"].tolist() == [0.8, 0.3, 0.3]


def test_who_is_named_is_preferred(say: Say) -> None:
    candidates = among([say("I paint", "Ann"), say("I run", "Bo")])

    assert columns(question("What does Ann do?", "Ann", "Bo"), candidates)["speaker"].tolist() == [
        1,
        0,
    ]


def test_naming_everybody_prefers_nobody(say: Say) -> None:
    candidates = among([say("I paint", "Ann"), say("I run", "Bo")])

    assert not columns(question("What do Ann and Bo do?", "Ann", "Bo"), candidates)["speaker"].any()


def test_the_asker_asks_about_the_user_and_you_about_the_assistant(say: Say) -> None:
    candidates = among([say("I like tea", "user"), say("Try coffee", "assistant")])

    assert columns(question("What do I like?"), candidates)["speaker"].tolist() == [1, 0]
    assert columns(question("What did you recommend?"), candidates)["speaker"].tolist() == [0, 1]
    assert columns(question("Summarize my notes"), candidates)["speaker"].tolist() == [0, 0]


def test_a_turn_is_found_by_what_was_learned_from_it(say: Say) -> None:
    turn, other = say("We came here in May", message_id="1"), say("So it goes", message_id="2")
    fact = say("Ann lives in Lyon", kind="memory", thread="f", sources=(Source("one", "1"),))
    candidates = among([turn, other, fact], {turn: 0.1, other: 0.1, fact: 0.6})
    found = columns(question("Who lives in Lyon?"), candidates)
    order = [candidates.candidates.index(one) for one in (turn, other, fact)]

    assert found["vector"][order].tolist() == [0.6, 0.1, 0.6]
    assert found["text"][order].tolist() == [1.0, 0.0, 1.0]


def test_time_fades_faster_before_than_after(say: Say) -> None:
    days = [0, -4, 5]
    candidates = among(
        [say("x", thread=str(at), time=NOW + timedelta(days=day)) for at, day in enumerate(days)]
    )

    inside, before, after = columns(question("on 1 June 2023"), candidates)["time"]

    assert inside == 1.0
    assert before < after < inside


def test_news_counts_words_that_were_never_said(say: Say) -> None:
    candidates = among([say("lake hill"), say("lake hill"), say("lake boat")])

    assert np.expm1(columns(question("x"), candidates)["novelty"]).round().tolist() == [2, 0, 1]


def test_wishes_for_good_count_more_for_requests_and_not_for_surveys(say: Say) -> None:
    candidates = among([say("Always use metric units."), say("Always use it.", "assistant")])

    assert columns(question("Could you convert this?"), candidates)["instruction"].tolist() == [
        2,
        0,
    ]
    assert columns(question("What did I say?"), candidates)["instruction"].tolist() == [1, 0]
    assert columns(question("Summarize it"), candidates)["instruction"].tolist() == [0, 0]


def test_an_empty_set_gives_empty_columns() -> None:
    said = columns(question("lake"), among([]))

    assert set(said) == set(SIGNALS)
    assert all(len(column) == 0 for column in said.values())


texts = st.lists(st.text(max_size=40), min_size=1, max_size=8)


@given(texts, st.text(max_size=40))
def test_every_signal_gives_a_finite_number_for_every_candidate(
    said: list[str], asked: str
) -> None:
    made = (
        Candidate((), f"{at}", "turn", text, NOW + timedelta(minutes=at), "user", "user")
        for at, text in enumerate(said)
    )
    candidates = among([*made])

    found = columns(question(asked), candidates)

    assert set(found) == set(SIGNALS)
    for column in found.values():
        assert column.shape == (len(said),)
        assert np.isfinite(column).all()


@given(texts)
def test_a_timeline_does_not_depend_on_the_order_it_is_given_in(said: list[str]) -> None:
    made = [
        Candidate((), f"{at}", "turn", text, NOW + timedelta(minutes=at))
        for at, text in enumerate(said)
    ]

    assert among(made).candidates == among(made[::-1]).candidates == tuple(made)
    assert among([*made, replace(made[0], text="another")]).candidates == tuple(made)


def test_a_sign_is_looked_for_once_however_often_the_conversation_goes_on(say: Say) -> None:
    wish = say("Always use metric units when I ask about recipes.")
    assert wish.shows(STANDING, has_clue=True)
    assert wish.shows(STANDING, has_clue=False)
    assert among([wish, say("So it goes")]).timeline.standing.tolist() == [1.0, 0.0]
