"""The nouns, and how they are stored."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.memory.model import Document, document_of, value_of

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
values = st.dictionaries(st.sampled_from(["kind", "content", "at", "x"]), json_values)


@given(values)
def test_reading_and_storing_a_value_gives_it_back(value: dict[str, Any]) -> None:
    assert value_of(document_of("k", value)) == value


@given(st.text(), st.none() | st.text(), json_values, st.dictionaries(st.just("at"), json_values))
def test_storing_and_reading_a_document_gives_it_back(
    key: str, kind: str | None, content: Any, beside: dict[str, Any]
) -> None:
    document = Document(key, kind, content, beside)
    assert document_of(key, value_of(document)) == document


def test_a_manager_s_value_has_a_kind() -> None:
    value = {"kind": "Memory", "content": {"content": "tea"}}
    assert document_of("k", value) == Document("k", "Memory", {"content": "tea"})


def test_a_tool_s_value_has_none() -> None:
    assert document_of("k", {"content": "tea"}) == Document("k", None, "tea")


def test_any_other_value_is_its_own_content() -> None:
    assert document_of("k", {"text": "tea"}) == Document("k", None, {"text": "tea"}, bare=True)


def test_what_stands_beside_is_handed_on() -> None:
    document = document_of("k", {"kind": "Memory", "content": 1, "source": "import"})
    assert value_of(document)["source"] == "import"


@pytest.mark.parametrize("kind", [None, 5, ["Memory"]])
def test_a_kind_that_is_no_text_is_kept_beside(kind: Any) -> None:
    value = {"kind": kind, "content": "tea"}
    assert document_of("k", value).kind is None
    assert value_of(document_of("k", value)) == value
