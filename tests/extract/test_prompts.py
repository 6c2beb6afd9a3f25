"""The words sent to a model: text is fenced, so that it stays data."""

import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.extract.prompts import (
    INSTRUCTIONS,
    MEMORY_FRAME,
    known_block,
    session,
    system,
)
from longterm.memory.model import Document

FENCE = re.compile(r"<\s*/?\s*(memories|conversation)\b", re.IGNORECASE)

nasty = st.lists(
    st.sampled_from(["<", "/", " ", "memories", "CONVERSATION", ">", "\n", "&lt;", "x", '"', "\\"])
).map("".join)


contents: st.SearchStrategy[Any] = st.recursive(
    nasty | st.text() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(nasty, inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.builds(Document, nasty, st.none() | nasty, contents), max_size=4))
def test_a_known_memory_is_one_line_that_breaks_no_fence(known: list[Document]) -> None:
    lines = known_block(list(enumerate(known))).split("\n")
    assert len(lines) == max(1, len(known))
    assert not any(FENCE.search(line) for line in lines)


@given(contents)
def test_a_known_memory_is_shown_whole(content: Any) -> None:
    line = known_block([(3, Document("id", "Memory", content))])
    assert line.startswith("[3] Memory ")
    assert json.loads(line.removeprefix("[3] Memory ")) == content


def test_a_model_is_shown_numbers_not_ids() -> None:
    assert "the-id" not in known_block([(0, Document("the-id", None, "tea"))])


@given(nasty, nasty)
def test_a_session_has_exactly_its_own_fences(known: str, conversation: str) -> None:
    shown = session(known_block([(0, Document("k", None, known))]), conversation, None)
    assert len(FENCE.findall(shown)) == 2 * (1 + bool(conversation))


def test_today_is_told_where_the_messages_carry_no_time() -> None:
    assert "Today is Friday, 2024-05-03." in session("", "hi", date(2024, 5, 3))
    assert "Today" not in session("", "hi", None)


@pytest.mark.parametrize("words", ["{x}", "{", "}", "{instructions}", "100%", "{0}", "{{"])
def test_braces_in_instructions_stay(words: str) -> None:
    assert words in system(MEMORY_FRAME, words, [])


def test_the_fixed_words_are_few() -> None:
    assert len(system(MEMORY_FRAME, INSTRUCTIONS, [])) < 2_000
