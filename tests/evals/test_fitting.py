"""Fitting weights, on questions whose answer is known because they were made here."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest

from longterm.errors import ConfigurationError
from longterm.evals.fitting import AskedQuestion, compared, fitted
from longterm.recall.fusion import Weights
from longterm.recall.weights import weights_in

NAMES = [one.name for one in fields(Weights)]


def examples(true: Weights, questions: int, seed: int = 0) -> list[AskedQuestion]:
    """Draw the evidence of each question by the odds that the *true* weights give."""
    dice = np.random.default_rng(seed)
    weights = np.array([asdict(true)[name] for name in NAMES])
    made: list[AskedQuestion] = []
    for number in range(questions):
        columns = dice.random((60, len(NAMES)))
        odds = np.exp(columns @ weights)
        evidence = np.zeros(60, np.bool_)
        evidence[dice.choice(60, p=odds / odds.sum())] = True
        made.append(AskedQuestion(f"c{number % 4}", columns, evidence, 1))
    return made


def test_many_questions_find_the_weights_that_made_their_answers() -> None:
    true = replace(Weights(), speaker=6.0, recency=4.0, vector=2.0)
    found = fitted(examples(true, 3000))
    for name in NAMES:
        assert getattr(found, name) == pytest.approx(getattr(true, name), abs=0.6), name


def test_no_question_leaves_the_weights_as_they_ship() -> None:
    nothing = AskedQuestion("c", np.zeros((3, len(NAMES))), np.zeros(3, np.bool_), 1)
    assert fitted([]) == fitted([nothing]) == Weights()


def test_a_few_questions_move_the_weights_only_a_little() -> None:
    made = examples(replace(Weights(), recency=9.0), 400)
    few, many = fitted(made[:4]), fitted(made)
    assert 0 < few.recency < 2.5 < many.recency


def test_fitted_weights_are_compared_on_conversations_they_have_not_seen() -> None:
    made = examples(replace(Weights(), recency=9.0, vector=0.0), 400)
    seen = compared(made)
    assert seen.questions == 400
    assert seen.fitted > seen.shipped + 0.1
    alone = compared([replace(one, conversation="c") for one in made])
    assert alone.fitted == alone.shipped  # nothing is left to fit to


def test_weights_are_used_by_the_name_of_their_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    path.write_text(json.dumps({"weights": {"vector": 2}, "recall@10": {}}))
    assert weights_in(path) == weights_in(str(path)) == Weights(vector=2.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weights": {"vektor": 1}}', '{"weights": 1}'])
def test_a_file_without_weights_says_what_one_looks_like(tmp_path: Path, text: str) -> None:
    path = tmp_path / "weights.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="holds no weights"):
        weights_in(path)
    with pytest.raises(ConfigurationError, match="FileNotFoundError"):
        weights_in(tmp_path / "none.json")
