"""The suite that comes with longterm: one make in English, Chinese and Japanese."""

import json
from collections import Counter
from pathlib import Path

import pytest

from longterm.errors import ConfigurationError, InvalidInputError
from longterm.evals.languages import Part, read_languages
from longterm.evals.reading import read_suite
from longterm.text.tokenizer import is_unspaced


def test_each_language_has_as_many_turns_and_questions() -> None:
    turns, questions = Counter[str](), Counter[str]()
    for one in read_languages().conversations:
        language = one.questions[0].category
        turns[language] += len(one.turns)
        questions[language] += len(one.questions)

    assert turns == {"en": 216, "zh": 216, "ja": 216, "mixed": 72}
    assert questions == {"en": 66, "zh": 66, "ja": 66, "mixed": 22}


def test_a_story_has_the_same_evidence_in_each_language() -> None:
    read = {one.name: one for one in read_languages().conversations}

    for story in "123":
        evidence = {
            language: [asked.evidence for asked in read[f"{language}-{story}"].questions]
            for language in ("en", "zh", "ja")
        }
        assert evidence["en"] == evidence["zh"] == evidence["ja"]
        assert all(evidence["en"])


def test_the_words_are_of_their_language() -> None:
    for one in read_languages().conversations:
        said = [is_unspaced(turn.text) for turn in one.turns]
        expected = {"en": 0.0, "mixed": 0.7}.get(one.questions[0].category, 1.0)
        assert sum(said) / len(said) == pytest.approx(expected, abs=0.05)


def test_facts_name_turns_and_repeat_none() -> None:
    facts = Counter[str]()
    for one in read_languages().conversations:
        turns = {turn.id: turn.text for turn in one.turns}
        facts[one.questions[0].category] += len(one.facts)
        assert all(fact.turns and turns.keys() >= set(fact.turns) for fact in one.facts)
        assert {fact.text for fact in one.facts}.isdisjoint(turns.values())

    assert facts == {"en": 106, "zh": 81, "ja": 81, "mixed": 0}


@pytest.mark.parametrize("part", ["development", "held-back"])
def test_a_part_is_half_of_the_questions(part: Part) -> None:
    whole, half = read_languages(), read_languages(part=part)

    for one, other in zip(whole.conversations, half.conversations, strict=True):
        assert len(other.questions) * 2 == len(one.questions)


def test_speakers_have_names_or_roles(tmp_path: Path) -> None:
    data = {
        "language": "en",
        "sessions": [
            {"time": "2024-05-01T09:00:00", "turns": [["Ann", "Hi"], ["assistant", "Hello"]]}
        ],
        "questions": [{"text": "Who said hi?", "evidence": ["1:1", "7:7"]}],
    }
    (tmp_path / "mine.json").write_text(json.dumps(data), "utf-8")

    (conversation,) = read_suite("languages", tmp_path).conversations
    first, second = conversation.turns

    assert (conversation.name, conversation.questions[0].evidence) == ("mine", ("1:1",))
    assert (first.speaker, first.role) == ("Ann", "user")
    assert (second.speaker, second.role) == ("", "assistant")
    assert first.time.isoformat() == "2024-05-01T09:00:00+00:00"


def test_another_form_is_an_error_that_quotes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"language": "en", "sessions": [{"turns": "secret"}]}', "utf-8")

    with pytest.raises(InvalidInputError, match=r"sessions\.0\.time") as raised:
        read_languages(file)
    assert "secret" not in str(raised.value)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"no \.json file"):
        read_languages(tmp_path)


def test_the_other_suites_need_their_files() -> None:
    with pytest.raises(ConfigurationError, match="--data"):
        read_suite("locomo", None)
