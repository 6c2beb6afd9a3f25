"""Namespaces: filled from the config, escaped without two ever meeting."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from langchain_core.runnables import RunnableConfig
from langgraph.store.memory import InMemoryStore

from longterm.errors import ConfigurationError
from longterm.memory.namespace import NamespaceTemplate, escape_label, unescape_label

#: Everything Python calls a text, halves of emoji included, and often what gets escaped.
labels = st.text(st.characters(codec=None, exclude_categories=())) | st.lists(
    st.sampled_from(["%", ".", "\0", "2", "5", "E", "6C", "u", "D800", "\ud800", "langgraph", "a"])
).map("".join)


def filled(template: Any, **values: Any) -> tuple[str, ...]:
    return NamespaceTemplate(template)({"configurable": values})


# Escaping


@given(labels)
def test_escaping_is_reversible(label: str) -> None:
    assert unescape_label(escape_label(label)) == label


@pytest.mark.parametrize("root", ["longterm-history", "longterm-server", "longterm-"])
def test_no_id_reaches_what_longterm_keeps_for_itself(root: str) -> None:
    (first,) = filled("{user_id}", user_id=root)
    assert not first.startswith("longterm-")
    assert unescape_label(first) == root
    assert filled(("chat", "{user_id}"), user_id=root) == ("chat", root)
    assert filled("longterm-of-{user_id}", user_id="ann") == ("longterm-of-ann",)


@given(labels, labels)
def test_different_labels_stay_different(one: str, other: str) -> None:
    assert (escape_label(one) == escape_label(other)) == (one == other)


@given(labels.filter(bool))
def test_every_store_takes_an_escaped_label(label: str) -> None:
    store, namespace = InMemoryStore(), (escape_label(label),)
    store.put(namespace, "k", {"content": "tea"})
    assert store.get(namespace, "k") is not None
    assert "\0" not in namespace[0]
    assert namespace[0].encode("utf-8")


@pytest.mark.parametrize("label", ["alice", "a@b", "two words", "😀", "ü", "100%", "a-b_c"])
def test_an_ordinary_label_stays_as_it_is(label: str) -> None:
    assert escape_label(label) == label


# Filling


@pytest.mark.parametrize(
    ("user", "label"),
    [
        ("ann@example.org", "ann@example%2Eorg"),
        (7, "7"),
        ("two words", "two words"),
        ("😀", "😀"),
        ("\ud83d", "%uD83D"),
        ("langgraph", "%6Canggraph"),
        ("a{b}", "a{b}"),
    ],
)
def test_any_user_id_makes_a_namespace(user: Any, label: str) -> None:
    assert filled(("memories", "{user}"), user=user) == ("memories", label)


def test_a_placeholder_inside_a_label_is_filled() -> None:
    assert filled(("chat", "user-{user}"), user="ann") == ("chat", "user-ann")


def test_several_placeholders_in_a_label_are_filled() -> None:
    assert filled("{org}-{user}", org="acme", user="ann") == ("acme-ann",)


def test_braces_in_a_user_id_are_not_filled_again() -> None:
    assert filled(("{user}",), user="{org}", org="acme") == ("{org}",)


def test_doubled_braces_are_literal() -> None:
    assert filled(("{{user}}",), user="ann") == ("{user}",)


def test_a_namespace_without_placeholders_needs_no_config() -> None:
    assert NamespaceTemplate(("memories", "all"))() == ("memories", "all")


@pytest.mark.parametrize("template", ["memories", ("memories",), ["memories"]])
def test_a_text_a_tuple_and_a_list_are_templates(template: Any) -> None:
    assert NamespaceTemplate(template)() == ("memories",)


def test_a_template_of_a_template_is_equal_to_it() -> None:
    template = NamespaceTemplate(("memories", "{user}"))
    assert NamespaceTemplate(template) == template
    assert hash(NamespaceTemplate(template)) == hash(template)
    assert template.placeholders == ("user",)


# What cannot work


def test_a_missing_value_names_the_placeholder_and_what_was_given() -> None:
    with pytest.raises(ConfigurationError, match=r"\{user\}.*\['org', 'thread_id'\]"):
        filled(("{user}",), thread_id="1", org="acme", __pregel_x="hidden")


@pytest.mark.parametrize(
    "blank", [None, "", " ", "\u200b", "\u3164", "\u115f\u200d", "\u2800\t", "\x01"]
)
def test_a_blank_id_has_no_namespace(blank: Any) -> None:
    with pytest.raises(ConfigurationError, match="memories without an owner"):
        filled(("{user}",), user=blank)


@pytest.mark.parametrize(
    "value", [True, False, [], ["ann"], {}, b"", b"ann", (), float("nan"), 7.0, object(), int]
)
def test_what_is_no_id_has_no_namespace(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"needs \{user\}, but .* is not an id"):
        filled(("{user}",), user=value)


def test_a_uuid_is_an_id() -> None:
    assert filled(("{user}",), user=UUID(int=7)) == (str(UUID(int=7)),)


def test_a_configuration_error_is_an_ordinary_exception() -> None:
    assert issubclass(ConfigurationError, Exception)


@pytest.mark.parametrize(
    "template", [("{user",), ("user}",), (5,), ("a", ""), (), "", "{}", "{a!r}", "{a:>5}"]
)
def test_a_malformed_template_is_refused_at_once(template: Any) -> None:
    with pytest.raises(ConfigurationError):
        NamespaceTemplate(template)


def test_a_label_without_a_placeholder_is_given_as_written_and_located_where_a_store_takes_it() -> (
    None
):
    template = NamespaceTemplate(("a.b", "{user}"))
    config = RunnableConfig(configurable={"user": "c.d"})
    assert template(config) == ("a.b", "c%2Ed")
    assert template.location(config) == ("a%2Eb", "c%2Ed")
