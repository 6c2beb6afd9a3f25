"""Reports: what happened on the way to a result."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from longterm.extract.report import Dropped, Report, refusals_in, usage_of

USAGE: Any = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


def test_reports_add_up() -> None:
    one = Report(1, (Dropped("a", "no"),), USAGE)
    both = one + Report(2, (Dropped("b", "no"),))
    assert (both.asked, len(both.dropped), both.usage) == (3, 2, USAGE)


def test_without_counts_there_are_none() -> None:
    assert (Report() + Report()).usage is None


@pytest.mark.parametrize(
    "answer",
    [
        AIMessage("", additional_kwargs={"refusal": "no"}),
        AIMessage([{"type": "refusal", "refusal": "no"}]),
        {"raw": AIMessage([{"type": "refusal", "refusal": "no"}]), "parsed": None},
    ],
)
def test_a_refusal_is_found_where_providers_put_it(answer: Any) -> None:
    assert refusals_in(answer) == (Dropped("no", "The model refused."),)


@pytest.mark.parametrize("answer", [AIMessage("no"), "no", None, {"parsed": 1}])
def test_other_answers_are_no_refusals(answer: Any) -> None:
    assert refusals_in(answer) == ()


def test_tokens_are_read_from_a_message_and_from_a_structured_answer() -> None:
    message = AIMessage("", usage_metadata=USAGE)
    assert usage_of(message) == usage_of({"raw": message}) == USAGE


def test_a_dropped_part_says_what_and_why() -> None:
    assert str(Dropped("add(1)", "not a text")) == "add(1): not a text"
    assert str(Dropped("", "gone")) == "gone"
