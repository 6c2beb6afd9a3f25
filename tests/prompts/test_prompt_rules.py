"""Placeholders, escaped braces and JSON survive whatever a model makes of a prompt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.text.placeholders import complaint, fill, healed, is_template, placeholders

names = st.sampled_from(["{name}", "{user.id}", "{items[0]}", "{price:.2f}", "{x!r}"])
plain = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=12)
documents: st.SearchStrategy[Any] = st.recursive(
    st.integers() | plain, lambda inner: st.dictionaries(plain, inner, max_size=2), max_leaves=4
)
objects = st.dictionaries(plain, documents, max_size=2).map(json.dumps)


def doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi {name}", {"{name}"}),
        ("{a.b} {c[0]} {d!r} {e:.2f}", {"{a.b}", "{c[0]}", "{d!r}", "{e:.2f}"}),
        ("{{name}} and {{{name}}}", {"{name}"}),
        ("{day:%d %B %Y, %H:%M} on {day: it is}", {"{day:%d %B %Y, %H:%M}"}),
        ('{"a": 1}', set[str]()),
        ("{0} {} { x }", set[str]()),
        ('reply {{"to": "{name}"}}', {"{name}"}),
        ("größe {größe}", {"{größe}"}),
    ],
)
def test_placeholders_are_told_from_other_braces(text: str, found: set[str]) -> None:
    assert placeholders(text) == found


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("Hi {name}", "Hello {name}, dear", ""),
        ("Hi {name}", "Hi {name} and {name}", ""),
        ("Hi {name}", "Hello", "lost {name}"),
        ("Hi {name}", "Hi {name} of {town}", "has {town}"),
        ("Pay {price:.2f}", "Pay {price}", "lost {price:.2f}"),
        ("Hi", "Hi {name}", "has {name}"),
        ("Hi {{name}}", "Hi you", "lost {{name}}"),
        ("Hi {{name}}", "Hi {{name}} of {{town}}", "has {{town}}"),
        ("Hi {name}", "Hi {name} }", "braces do not match"),
        ('As {{"a": 1}}', "As you like", ""),
    ],
)
def test_a_prompt_that_will_not_do_is_complained_about(old: str, new: str, wrong: str) -> None:
    assert wrong in complaint(old, new)
    assert bool(complaint(old, new)) == bool(wrong)


@pytest.mark.parametrize(
    ("old", "new", "mended"),
    [
        ("Hi {name}", 'Hi {name}: {"a": {"b": 1}}', 'Hi {name}: {{"a": {{"b": 1}}}}'),
        ('{name} {{"a": 1}}', '{name} {{"a": {{"b": 1}}}}', '{name} {{"a": {{"b": 1}}}}'),
        ('{name} {{"a": 1}}', '{name} {"a": "{name}"}', '{name} {{"a": "{name}"}}'),
        ('{name} {{"a": 1}}', '{name} {{"a": 1}} {"b": 2}', '{name} {{"a": 1}} {{"b": 2}}'),
        ('Plain {"a": 1}', 'Plainer {"a": {"b": 1}}', 'Plainer {"a": {"b": 1}}'),
        ('{name} {"a": 1}', '{name}! {"a": 2}', '{name}! {"a": 2}'),
    ],
)
def test_literal_braces_are_escaped_where_the_prompt_is_a_template(
    old: str, new: str, mended: str
) -> None:
    assert healed(old, new) == mended
    assert complaint(old, mended) == ""


@given(st.lists(plain | names | objects, min_size=1), st.lists(plain | objects))
def test_a_template_stays_one_however_its_json_comes_back(
    parts: list[str], more: list[str]
) -> None:
    old = "".join(one if one in placeholders(one) else doubled(one) for one in parts)
    raw = "".join([*parts, *more])
    new = healed(old + "{name}", raw + "{name}")
    assert complaint(old + "{name}", new) == ""
    assert is_template(new)
    values = dict.fromkeys(("name", "items", "price", "x", "user"), _Anything())
    assert new.format(**values) == _filled(raw + "{name}")


@given(st.lists(plain | names | objects.map(doubled), min_size=1).map("".join))
def test_a_prompt_may_always_come_back_as_it_was(old: str) -> None:
    assert healed(old, old) == old
    assert complaint(old, old) == ""


@given(st.text(alphabet="{}ab \"':[].!", max_size=30), st.text(alphabet='{}ab":', max_size=30))
def test_no_braces_whatever_break_the_rules(old: str, new: str) -> None:
    assert complaint(old, old) == ""
    if is_template(old) and not complaint(old, healed(old, new)):
        assert placeholders(healed(old, new)) == placeholders(old)


class _Anything:
    """Fills every kind of placeholder with a star."""

    id = "*"

    def __getitem__(self, key: Any) -> str:
        return "*"

    def __format__(self, spec: str) -> str:
        return "*"

    def __repr__(self) -> str:
        return "*"


def _filled(raw: str) -> str:
    for name in ("{name}", "{user.id}", "{items[0]}", "{price:.2f}", "{x!r}"):
        raw = raw.replace(name, "*")
    return raw


def test_templates_of_ones_own_are_filled_as_far_as_they_can_be() -> None:
    assert fill("{a} {{b}}", a="1") == "1 {b}"
    assert fill('{"as": "{a}"} {c}', a="{b}") == '{"as": "{b}"} {c}'
    assert fill("{a} {{b}} {c}", a="1") == "1 {b} {c}"
    assert fill("{price:.2f} of {user[name]}", price=3, user={"name": "Ann"}) == "3.00 of Ann"
    assert fill("{price:.2f} {{b}}", price="dear") == "{price:.2f} {b}"
    assert fill("{template}", template="t") == "t"
