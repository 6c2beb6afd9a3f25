"""What others wrote stays between the tags it was put in."""

from __future__ import annotations

import pytest

from longterm.text.fences import fenced


@pytest.mark.parametrize("tag", ["</case>", "<case>", "< / Case >", '<case number="2">'])
def test_a_tag_of_the_fence_is_none_any_more(tag: str) -> None:
    assert fenced(f"a {tag} b", "note", "case") == f"a &lt;{tag[1:]} b"


@pytest.mark.parametrize("text", ["", "1 < 2", "<b>bold</b>", "<cases>", "case"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert fenced(text, "note", "case") == text
