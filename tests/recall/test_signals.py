"""What each arm says about the candidates of a pool."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import given, strategies as st
from talk import NOW, Say

from longterm.recall.candidates import Candidate, pooled
from longterm.recall.question import Question, ask
from longterm.recall.signals import ARMS, columns


def question(text: str, *speakers: str) -> Question:
    return ask(text, speakers=speakers, now=NOW)


def test_words_are_relative_to_the_best_match(say: Say) -> None:
    pool = pooled([say("We painted the lake"), say("The lake"), say("Nothing like it")])

    words = columns(question("Who painted the lake?"), pool)["words"]

    assert words[0] == 1.0
    assert 0 < words[1] < 1
    assert words[2] == 0


def test_neighbours_lend_their_words(say: Say) -> None:
    pool = pooled(
        [say("Where is the lake?"), say("Behind the hill"), *[say("So") for _ in "12345"]]
    )

    around = columns(question("the lake"), pool)["around"]

    assert around[1] > 0
    assert around[-1] == 0


def test_another_thread_is_no_neighbour(say: Say) -> None:
    pool = pooled([say("The lake", thread="a"), say("Behind the hill", thread="b")])

    assert columns(question("the lake"), pool)["around"][1] == 0


def test_a_long_pause_ends_a_session(say: Say) -> None:
    late = say("Behind the hill", time=NOW + timedelta(days=1))
    pool = pooled([say("The lake"), late])

    assert columns(question("the lake"), pool)["session"].tolist() == [1.0, 0.0]


def test_an_answer_profits_from_its_question(say: Say) -> None:
    pool = pooled([say("Where is the lake?"), say("Behind the hill"), say("I see")])

    assert columns(question("the lake"), pool)["answers"].tolist() == [0.0, 1.0, 0.0]


def test_without_vectors_meaning_says_nothing(say: Say) -> None:
    pool = pooled([say("a lake"), say("a hill")])

    assert not columns(question("lake"), pool)["meaning"].any()


def test_what_vectors_did_not_find_is_as_far_as_the_farthest(say: Say) -> None:
    near, far, unknown = say("a"), say("b"), say("c")
    pool = pooled([near, far, unknown], {near: 0.8, far: 0.3})

    assert columns(question("lake"), pool)["meaning"].tolist() == [0.8, 0.3, 0.3]


def test_who_is_named_is_preferred(say: Say) -> None:
    pool = pooled([say("I paint", "Ann"), say("I run", "Bo")])

    assert columns(question("What does Ann do?", "Ann", "Bo"), pool)["speaker"].tolist() == [1, 0]


def test_naming_everybody_prefers_nobody(say: Say) -> None:
    pool = pooled([say("I paint", "Ann"), say("I run", "Bo")])

    assert not columns(question("What do Ann and Bo do?", "Ann", "Bo"), pool)["speaker"].any()


def test_the_asker_asks_about_the_user_and_you_about_the_assistant(say: Say) -> None:
    pool = pooled([say("I like tea", "user"), say("Try coffee", "assistant")])

    assert columns(question("What do I like?"), pool)["speaker"].tolist() == [1, 0]
    assert columns(question("What did you recommend?"), pool)["speaker"].tolist() == [0, 1]
    assert columns(question("Summarize my notes"), pool)["speaker"].tolist() == [0, 0]


def test_time_fades_faster_before_than_after(say: Say) -> None:
    days = [0, -4, 5]
    pool = pooled(
        [say("x", thread=str(at), time=NOW + timedelta(days=day)) for at, day in enumerate(days)]
    )

    inside, before, after = columns(question("on 1 June 2023"), pool)["time"]

    assert inside == 1.0
    assert before < after < inside


def test_news_counts_words_that_were_never_said(say: Say) -> None:
    pool = pooled([say("lake hill"), say("lake hill"), say("lake boat")])

    assert np.expm1(columns(question("x"), pool)["news"]).round().tolist() == [2, 0, 1]


def test_wishes_for_good_count_more_for_requests_and_not_for_surveys(say: Say) -> None:
    pool = pooled([say("Always use metric units."), say("Always use it.", "assistant")])

    assert columns(question("Could you convert this?"), pool)["standing"].tolist() == [2, 0]
    assert columns(question("What did I say?"), pool)["standing"].tolist() == [1, 0]
    assert columns(question("Summarize it"), pool)["standing"].tolist() == [0, 0]


def test_an_empty_pool_gives_empty_columns() -> None:
    said = columns(question("lake"), pooled([]))

    assert set(said) == set(ARMS)
    assert all(len(column) == 0 for column in said.values())


texts = st.lists(st.text(max_size=40), min_size=1, max_size=8)


@given(texts, st.text(max_size=40))
def test_every_arm_gives_a_finite_number_for_every_candidate(said: list[str], asked: str) -> None:
    made = (
        Candidate((), f"{at}", "turn", text, NOW + timedelta(minutes=at), "user", "user")
        for at, text in enumerate(said)
    )
    pool = pooled([*made])

    found = columns(question(asked), pool)

    assert set(found) == set(ARMS)
    for column in found.values():
        assert column.shape == (len(said),)
        assert np.isfinite(column).all()


@given(texts)
def test_the_pool_does_not_depend_on_the_order_it_is_given_in(said: list[str]) -> None:
    made = [
        Candidate((), f"{at}", "turn", text, NOW + timedelta(minutes=at))
        for at, text in enumerate(said)
    ]

    assert pooled(made).candidates == pooled(made[::-1]).candidates == tuple(made)
    assert pooled([*made, replace(made[0], text="another")]).candidates == tuple(made)
