"""Questions without the words that only hold them together."""

import pytest
from hypothesis import given, strategies as st

from longterm.text.function_words import without_function_words
from longterm.text.scripts import folded
from longterm.text.tokenizer import query_terms


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
