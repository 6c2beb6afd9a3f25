"""Questions, as those they are about would answer."""

import pytest

from longterm.text.questions import as_statement


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
