"""Long texts are shown in short, and lose nothing by it."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.extract.excerpt import LIMIT, excerpt, restored
from longterm.memory.draft import ProposalError

LONG = "".join(chr(97 + number % 26) for number in range(3 * LIMIT))
TEXTS = st.text(max_size=20) | st.sampled_from([LONG, LONG[::-1], LONG[1:], "x" * LIMIT])
JSON = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(JSON)
def test_what_was_shown_means_what_it_was(content: Any) -> None:
    assert restored(excerpt(content), content) == content


@given(st.text(max_size=LIMIT))
def test_texts_within_the_limit_are_shown_as_they_are(text: str) -> None:
    assert excerpt({"text": text}) == {"text": text}


def test_a_long_text_is_shown_by_its_beginning_and_its_end() -> None:
    shown = excerpt(LONG)
    assert len(shown) < LIMIT + 100
    assert (shown[:10], shown[-10:]) == (LONG[:10], LONG[-10:])


def test_a_change_around_the_mark_keeps_what_was_not_shown() -> None:
    shown = excerpt({"log": LONG})["log"]
    assert restored({"log": f"{shown} And tea."}, {"log": LONG}) == {"log": f"{LONG} And tea."}


def test_two_texts_do_not_take_each_others_middle() -> None:
    content = {"a": LONG, "b": LONG[::-1]}
    shown = excerpt(content)
    assert restored({"b": shown["b"]}, content) == {"b": LONG[::-1]}


def test_a_mark_of_another_memory_is_refused() -> None:
    with pytest.raises(ProposalError, match="stands in no known"):
        restored(excerpt(LONG), "short")


def test_texts_of_several_memories_can_be_joined() -> None:
    a, b = {"text": LONG}, {"text": LONG[::-1]}
    joined = {"text": excerpt(a)["text"] + excerpt(b)["text"]}
    assert restored(joined, a, b) == {"text": LONG + LONG[::-1]}
