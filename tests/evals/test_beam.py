"""Reading BEAM."""

import json
from pathlib import Path

import pytest

from longterm.errors import ConfigurationError, InvalidInputError
from longterm.evals.beam import read_beam
from longterm.evals.reading import read_suite


def test_turns_have_roles_times_and_no_marks(beam: Path) -> None:
    (conversation,) = read_beam(beam).conversations

    assert [turn.text for turn in conversation.turns] == [
        "I use Flask 2.3",
        "Flask it is.",
        "Always answer in verse",
        "Now Flask 3.0",
    ]
    assert [turn.role for turn in conversation.turns] == ["user", "assistant", "user", "user"]
    assert f"{conversation.turns[0].time:%Y-%m-%d}" == "2024-03-15"
    assert f"{conversation.turns[3].time:%Y-%m-%d}" == "2024-03-16"
    assert [session for session, _ in conversation.sessions] == ["0001", "0002"]


def test_evidence_is_found_however_it_is_nested(beam: Path) -> None:
    asked = {one.category: one for one in read_beam(beam).conversations[0].questions}

    assert asked["knowledge_update"].evidence == ("0", "3")
    assert asked["new_category"].evidence == ("2",)
    assert asked["abstention"].evidence == ()
    assert asked["abstention"].answer == "It was never said."


def test_a_conversation_is_named_by_its_folder(beam: Path) -> None:
    assert [one.name for one in read_beam(beam).conversations] == ["1"]
    assert [one.name for one in read_beam(beam / "1").conversations] == ["1"]
    assert [one.name for one in read_beam(beam / "1" / "chat.json").conversations] == ["1"]


def test_questions_may_lie_deeper_or_be_missing(beam: Path) -> None:
    (beam / "1" / "probing_questions").mkdir()
    questions = beam / "1" / "probing_questions.json"
    questions.rename(beam / "1" / "probing_questions" / "probing_questions.json")
    (beam / "10").mkdir()
    (beam / "10" / "chat.json").write_text(json.dumps([{"turns": [[{"content": "hi"}]]}]), "utf-8")

    first, last = read_beam(beam).conversations

    assert len(first.questions) == 3
    assert [turn.id for turn in last.turns] == ["0"]
    assert last.questions == ()


def test_a_folder_of_something_else_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"chat\.json"):
        read_suite("beam", tmp_path)


def test_data_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nothing at"):
        read_suite("beam", tmp_path / "nowhere")
