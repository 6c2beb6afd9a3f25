"""Namespaces and keys as columns."""

from hypothesis import given, strategies as st

from longterm.stores.names import below, from_column, to_column, to_labels, to_path

texts = st.text(st.characters())
labels = st.lists(texts.filter(lambda text: text and "." not in text), max_size=4).map(tuple)


@given(texts)
def test_every_text_comes_back(text: str) -> None:
    assert from_column(to_column(text)) == text


@given(texts)
def test_every_column_is_utf_8(text: str) -> None:
    to_column(text).encode()


@given(texts, texts)
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert (to_column(one) == to_column(other)) == (one == other)


@given(labels)
def test_every_namespace_comes_back(namespace: tuple[str, ...]) -> None:
    assert to_labels(to_path(namespace)) == namespace


@given(labels.filter(bool), labels)
def test_the_range_below_a_path_holds_what_begins_with_it(
    prefix: tuple[str, ...], other: tuple[str, ...]
) -> None:
    low, high = (bound.encode() for bound in below(to_path(prefix)))
    inside = low < to_path(other).encode() < high
    assert inside == (len(other) > len(prefix) and other[: len(prefix)] == prefix)
