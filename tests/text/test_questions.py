"""Questions: what they ask for, and how those they are about would answer."""

import pytest
from hypothesis import given, strategies as st

from longterm.text.questions import as_statement, asked_terms, without_function_words
from longterm.text.tokenizer import folded, query_terms


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


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("大輔はどこで泳いでいる？", ["大輔", "泳い"]),
        ("美咲の姪の名前は何ですか。", ["美咲", "姪", "名前", "何"]),
        ("きなこは元気ですか？", ["きな", "なこ", "元気"]),
        ("林悦的书店是哪一天开业的？", ["林悦", "书店", "开业"]),
        ("你现在在做什么工作？", ["做", "工作"]),
    ],
)
def test_what_is_left_is_what_is_asked_about(question: str, left: list[str]) -> None:
    assert query_terms(without_function_words(question)) == [folded(word) for word in left]


@pytest.mark.parametrize("text", ["Where is the harbour?", "Где ты живёшь?", "", "어디에 살아요?"])
def test_other_scripts_stay_as_they_are(text: str) -> None:
    assert without_function_words(text) == text


@given(st.text(alphabet="はのている泳大輔的是什么店ケーキ?a "))
def test_nothing_is_added(text: str) -> None:
    assert set(without_function_words(text)) <= {*text, " "}
