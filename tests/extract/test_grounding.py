"""A change under a number that is a slip does not reach the wrong memory."""

import pytest

from longterm.extract.grounding import label, speaks_of
from longterm.memory.draft import Draft
from longterm.memory.model import Document


def draft(*contents: object) -> Draft:
    return Draft.of([Document(str(n), "Memory", one) for n, one in enumerate(contents)])


HOMES = draft("Ann lives in Kyoto", "Ann loves ramen")
FOODS = draft({"food": "sushi", "cuisine": "Japanese"}, {"food": "ramen", "cuisine": "Japanese"})


@pytest.mark.parametrize(
    ("number", "said", "written"),
    [
        (0, "I left Kyoto", None),
        (0, "I moved", "Ann lives in Osaka"),
        (1, "Ramen? Never again!", None),
    ],
)
def test_a_word_of_the_memory_in_what_is_said_or_written_is_enough(
    number: int, said: str, written: str | None
) -> None:
    assert speaks_of(HOMES, number, said, written)


def test_a_word_that_several_memories_share_says_nothing() -> None:
    assert not speaks_of(HOMES, 1, "Ann quit Sony", "Ann quit Sony")


def test_a_document_is_told_by_its_first_field() -> None:
    assert speaks_of(FOODS, 1, "I like miso", {"food": "miso ramen", "cuisine": "Japanese"})
    assert not speaks_of(FOODS, 0, "I like miso", {"food": "miso", "cuisine": "Japanese"})


def test_chinese_is_compared_by_pairs_of_characters() -> None:
    known = draft("小安五月搬到了京都", "小安喜欢拉面")
    assert speaks_of(known, 0, "我上周搬到大阪了")
    assert not speaks_of(known, 1, "我上周搬到大阪了")


def test_the_only_memory_is_told_by_any_of_its_words() -> None:
    assert speaks_of(draft("Ann lives in Kyoto"), 0, "", "Ann lives in Osaka")


@pytest.mark.parametrize(
    ("content", "expected"),
    [({"a": "x  y", "b": 1}, "x y"), ("text", "text"), ({}, "(empty)"), ({"n": 3}, "3")],
)
def test_a_label_is_the_first_value(content: object, expected: str) -> None:
    assert label(Document("1", None, content)) == expected
