"""Questions, as those they are about would answer."""

import pytest

from longterm.text.questions import as_statement, asked_terms
from longterm.text.tokenizer import query_terms


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("When did Ann move to Kyoto?", "I move to Kyoto"),
        ("What is Ann's job?", "my job"),
        ("Does Ann like Ann's job?", "I like my job"),
        ("what do I eat", "what do I eat"),
        ("Ann has Berlin in mind", "Ann has Berlin in mind"),
        ("Who lives in Berlin?", "lives in Berlin"),
        ("我住在哪里？", "我住在哪里"),
        ("Why?", "Why?"),
        ("", ""),
    ],
)
def test_a_question_becomes_a_statement(question: str, statement: str) -> None:
    assert as_statement(question) == statement


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("大輔はどこで泳いでいる？", "大輔 泳い"),
        ("她现在在哪里工作？", "工作"),
        ("Where does Ann live?", "Where does Ann live?"),
        ("どこ？", "どこ"),
        ("", ""),
    ],
)
def test_what_only_holds_a_question_together_is_not_asked_for(question: str, kept: str) -> None:
    assert asked_terms(question) == query_terms(kept)
