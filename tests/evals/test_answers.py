"""Answering from memory, judged by another model."""

from pathlib import Path

import pytest
from forgeries import tags_of, texts
from hypothesis import given, settings

from longterm.evals.answers import answer_all, by_category
from longterm.evals.locomo import read_locomo
from longterm.evals.methods import Method, Stores, methods
from longterm.evals.run import record_all
from longterm.evals.suites import BEGINNING, Suite, SuiteConversation, SuiteQuestion
from longterm.settings import embedded_store
from longterm.testing import ScriptedChatModel


@pytest.fixture
def suite(locomo: Path) -> Suite:
    return read_locomo(locomo)


@pytest.fixture
def ours(suite: Suite) -> Method:
    stores = Stores.beside(embedded_store(vectors=False))
    (method,) = methods(["longterm"], stores, limit=10, budget=500)
    assert list(record_all([method], suite))
    return method


def test_the_model_reads_the_block_and_the_judge_the_right_answer(
    suite: Suite, ours: Method
) -> None:
    model = ScriptedChatModel("<think>hm</think>Lyon", "A dog", "Not known")
    judge = ScriptedChatModel("CORRECT", "The kayak is missing: WRONG", "I cannot say")

    answers = list(answer_all(ours, suite, model, judge))

    assert [one.answer for one in answers] == ["Lyon", "A dog", "Not known"]
    assert [one.right for one in answers] == [True, False, None]
    assert "Ann: I moved to Lyon last week" in model.asked[0].text
    assert "Today is 2023-05-21" in model.asked[0].text
    assert "<right>Lyon</right>" in judge.asked[0].text
    assert "<answer>Lyon</answer>" in judge.asked[0].text


@given(texts, texts, texts)
@settings(deadline=None)
def test_a_judge_compares_what_it_was_given(question: str, right: str, answer: str) -> None:
    asked = SuiteQuestion(question, "any", (), BEGINNING, f"x{right}")
    suite = Suite("s", (SuiteConversation("one", (), (asked,)),))
    stores = Stores.beside(embedded_store(vectors=False))
    (method,) = methods(["longterm"], stores, limit=10, budget=500)
    judge = ScriptedChatModel("CORRECT")

    assert list(answer_all(method, suite, ScriptedChatModel(f"x{answer}"), judge))

    tags = ("question", "right", "answer")
    shown = judge.asked[0].messages[-1].text
    assert tags_of(shown, *tags) == [f"<{mark}{tag}>" for tag in tags for mark in ("", "/")]


def test_shares_are_told_by_category(suite: Suite, ours: Method) -> None:
    model = ScriptedChatModel("Lyon", "A dog", "Rent")
    judge = ScriptedChatModel("CORRECT", "CORRECT", "INCORRECT")

    shares = by_category(list(answer_all(ours, suite, model, judge)))

    assert shares["adversarial"] == (1, 0.0)
    assert shares["all"] == (3, pytest.approx(2 / 3))
