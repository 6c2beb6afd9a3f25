"""Reading LoCoMo, as uneven as it comes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from longterm.errors import InvalidInputError
from longterm.evals.locomo import read_corrections, read_locomo
from longterm.evals.reading import read_suite


def test_turns_come_in_the_order_of_sessions_with_speaker_and_time(locomo: Path) -> None:
    (conversation,) = read_locomo(locomo).conversations
    first, second, third, last = conversation.turns

    assert (first.id, first.speaker, first.role) == ("D1:1", "Ann", "user")
    assert first.time == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert second.time > first.time
    assert third.id == "D1:3"
    assert (last.text, last.time.day) == ("I bought a red kayak", 20)
    assert [session for session, _ in conversation.sessions] == ["0001", "0002"]


def test_a_picture_is_told_by_its_caption(locomo: Path) -> None:
    assert read_locomo(locomo).conversations[0].turns[1].text == "Look [image: a dog]"


def test_citations_are_read_in_every_spelling_and_unknown_turns_left_out(locomo: Path) -> None:
    questions = read_locomo(locomo).conversations[0].questions

    assert [one.evidence for one in questions] == [("D1:1",), ("D1:2", "D2:1"), (), ("D1:3",)]


def test_categories_have_names_and_unknown_ones_stay(locomo: Path) -> None:
    categories = [one.category for one in read_locomo(locomo).conversations[0].questions]
    assert categories == ["single-hop", "multi-hop", "adversarial", "seven"]


def test_observations_are_facts_that_name_their_turns(locomo: Path) -> None:
    facts = read_locomo(locomo).conversations[0].facts

    assert [(one.text, one.turns) for one in facts] == [
        ("Ann lives in France since May 2023.", ("D1:1",)),
        ("Bo owns a boat.", ("D2:1", "D1:2")),
    ]


def test_to_a_trick_question_the_right_answer_is_that_it_is_not_known(locomo: Path) -> None:
    asked = read_locomo(locomo).conversations[0].questions
    assert "not known" in asked[2].answer
    assert not asked[3].answer


def test_questions_are_asked_after_the_last_turn(locomo: Path) -> None:
    (conversation,) = read_locomo(locomo).conversations
    assert conversation.questions[0].now > conversation.turns[-1].time


def test_corrected_citations_replace_wrong_ones(locomo: Path, tmp_path: Path) -> None:
    errors = [
        {
            "question": "Where did Ann move to?",
            "error_type": "WRONG_CITATION",
            "cited_evidence": ["D1:1", "D9:9"],
            "correct_evidence": ["D1:3"],
        },
        {"question": "Who is new here?", "error_type": "AMBIGUOUS", "cited_evidence": ["D1:3"]},
    ]
    path = tmp_path / "errors.json"
    path.write_text(json.dumps(errors), "utf-8")

    questions = read_locomo(locomo, read_corrections(path)).conversations[0].questions

    assert [questions[0].evidence, questions[3].evidence] == [("D1:3",), ("D1:3",)]


def test_a_folder_holds_files_of_which_the_first_to_name_a_conversation_counts(
    locomo: Path,
) -> None:
    again = locomo.with_name("more.json")
    other = json.loads(locomo.read_text("utf-8"))[0] | {"sample_id": "conv-2"}
    again.write_text(json.dumps([*json.loads(locomo.read_text("utf-8")), other]), "utf-8")
    locomo.with_name("errors.json").write_text('[{"question": "no conversation"}]', "utf-8")

    names = [one.name for one in read_locomo(locomo.parent).conversations]

    assert names == ["conv-1", "conv-2"]


def test_a_conversation_without_dates_or_questions_is_one_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "bare.json"
    path.write_text('{"conversation": {"session_1": [{"text": "hello"}]}}', "utf-8")

    (conversation,) = read_locomo(path).conversations

    assert [turn.text for turn in conversation.turns] == ["hello"]
    assert conversation.questions == ()


@pytest.mark.parametrize("content", ["[]", "{}", '{"conversation": {"session_1": []}}'])
def test_a_file_of_something_else_is_an_error_that_says_what_to_give(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "x.json"
    path.write_text(content, "utf-8")
    with pytest.raises(InvalidInputError, match=r"locomo10\.json"):
        read_suite("locomo", path)


def test_a_file_that_is_not_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{", "utf-8")
    with pytest.raises(InvalidInputError, match=r"x\.json is not JSON"):
        read_locomo(path)
