"""Questions are read by rules."""

from datetime import UTC, datetime

import pytest

from longterm.recall.question import parse_question

NOW = datetime(2023, 6, 1, tzinfo=UTC)


def test_the_name_of_a_speaker_is_not_searched_for() -> None:
    question = parse_question(
        "When did Caroline paint a sunrise?", speakers=["Caroline", "Mel"], now=NOW
    )

    assert question.named == {"Caroline"}
    assert question.terms == ("paint", "sunris")


def test_a_question_that_is_only_a_name_searches_for_the_name() -> None:
    assert parse_question("Caroline?", speakers=["Caroline"], now=NOW).terms == ("carolin",)


def test_vectors_look_for_what_the_speaker_would_say() -> None:
    question = parse_question(
        "When did Caroline's dog visit Caroline?", speakers=["Caroline"], now=NOW
    )

    assert question.statement == "my dog visit I"


def test_a_chinese_name_becomes_the_first_person() -> None:
    question = parse_question("小明喜欢什么拉面?", speakers=["小明"], now=NOW)

    assert question.named == {"小明"}
    assert question.statement == "我喜欢什么拉面"


def test_a_question_of_nothing_but_function_words_keeps_them() -> None:
    assert parse_question("どこですか", now=NOW).terms


def test_a_first_name_stands_for_the_full_one() -> None:
    assert parse_question("What does Ann like?", speakers=["Ann Lee"], now=NOW).named == {"Ann Lee"}


def test_part_of_a_word_names_nobody() -> None:
    assert not parse_question("What did the annual report say?", speakers=["Ann"], now=NOW).named


@pytest.mark.parametrize(
    ("text", "trait"),
    [
        ("When did I start?", "wants_time"),
        ("我什么时候开始的?", "wants_time"),
        ("How many dogs do I have?", "wants_number"),
        ("What did you recommend?", "addresses_assistant"),
        ("Where do I live?", "first_person"),
        ("私はどこに住んでいますか", "first_person"),
        ("Summarize my project", "summary"),
        ("In the order I brought them up", "survey"),
        ("Could you show me a login form?", "request"),
    ],
)
def test_traits(text: str, trait: str) -> None:
    assert getattr(parse_question(text, now=NOW), trait)


def test_an_empty_question_has_nothing_to_look_for() -> None:
    question = parse_question("", now=NOW)

    assert question.terms == ()
    assert question.statement == ""
