"""Carrying out proposals, and reading the numbers models write."""

from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, ConfigDict

from longterm.extract.proposal import (
    LIMIT,
    FinalError,
    Finish,
    Permissions,
    Proposal,
    ProposalApplier,
    ProposedInsert,
    ProposedUpdate,
    Unreadable,
    excerpt,
    is_blank,
    label,
    restored,
    speaks_of,
)
from longterm.extract.protocol import target_of
from longterm.extract.schema import memory_schemas
from longterm.memory.model import Document, Draft, ProposalError


class Person(BaseModel):
    """A person."""

    model_config = ConfigDict(extra="forbid")

    name: str
    nickname: str | None = None
    notes: dict[str, str] = {}
    employer: str | None


KINDS = memory_schemas([Person])
APPLIER = ProposalApplier(KINDS, Permissions(), lambda _kind, _content: "new")
ANN = Document("p", "Person", {"name": "Ann", "nickname": "A", "notes": {}, "employer": "Acme"})


def applied(draft: Draft, proposal: Proposal) -> Draft:
    return APPLIER.apply(draft, proposal)[0]


def changed(changes: Any) -> Any:
    return applied(Draft.of([ANN]), ProposedUpdate(0, changes)).entries[0].document.content


def test_an_addition_enters_the_draft_checked() -> None:
    draft = applied(Draft(), ProposedInsert(KINDS[0], {"name": "Bob", "employer": None}))
    assert draft.entries[0].document == Document(
        "new", "Person", {"name": "Bob", "nickname": None, "notes": {}, "employer": None}
    )


def test_a_field_of_an_addition_may_be_named_by_its_place_in_an_object() -> None:
    named = {"name": "Bob", "employer": None, "notes.tea": "green", "/notes/home": "Rome"}
    draft = applied(Draft(), ProposedInsert(KINDS[0], named))
    assert draft.entries[0].document.content["notes"] == {"tea": "green", "home": "Rome"}


def test_a_place_in_what_is_no_object_is_an_unknown_field() -> None:
    class Named(BaseModel):
        name: str

    kinds = memory_schemas([Named])
    applier = ProposalApplier(kinds, Permissions(), lambda _kind, _content: "new")
    given = ProposedInsert(kinds[0], {"name": "Bob", "name.first": "Robert"})
    draft, ignored = applier.apply(Draft(), given)
    assert draft.entries[0].document.content == {"name": "Bob"}
    assert ignored == "Named has no field name.first; the rest is kept."


def test_to_finish_changes_nothing() -> None:
    assert applied(Draft.of([ANN]), Finish()) == Draft.of([ANN])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \u3000\n",
        "\u200b",
        "\0",
        "\xad",
        "\ufeff",
        "\u2800",
        "\u3164",
        "\u115f\u1160",
        "\uffa0",
    ],
)
def test_what_cannot_be_seen_is_no_memory(text: str) -> None:
    with pytest.raises(FinalError, match="nothing in it"):
        applied(Draft(), ProposedInsert(KINDS[0], {"name": text, "employer": None}))
    assert not is_blank(f"{text}人")


def test_what_cannot_be_read_is_a_complaint_with_its_reason() -> None:
    with pytest.raises(ProposalError, match="why"):
        applied(Draft(), Unreadable("why"))


def test_a_null_empties_a_field_that_must_be_there() -> None:
    assert changed({"employer": None})["employer"] is None


def test_a_null_empties_a_field_with_a_default() -> None:
    assert changed({"nickname": None})["nickname"] is None


def test_null_in_the_only_field_says_something() -> None:
    class Alarm(BaseModel):
        hour: int | None = 9

    kinds = memory_schemas([Alarm])
    applier = ProposalApplier(kinds, Permissions(), lambda _kind, _content: "new")
    draft = Draft.of([Document("a", "Alarm", {"hour": 9})])
    after, _ = applier.apply(draft, ProposedUpdate(0, {"hour": None}))
    assert after.entries[0].document.content == {"hour": None}


@pytest.mark.parametrize(
    ("known", "changes"),
    [
        ({"nuts": ["pecan"], "note": ""}, {"nuts": []}),
        ({"nuts": [], "note": "", "by_season": {"may": ["figs"]}}, {"by_season": {"may": []}}),
    ],
)
def test_a_list_with_nothing_left_in_it_says_something(known: Any, changes: Any) -> None:
    class Allergies(BaseModel):
        nuts: list[str] = []
        note: str = ""
        by_season: dict[str, list[str]] = {}

    applier = ProposalApplier(
        memory_schemas([Allergies]), Permissions(), lambda _kind, _content: "new"
    )
    after, _ = applier.apply(
        Draft.of([Document("a", "Allergies", known)]), ProposedUpdate(0, changes)
    )
    left = Allergies(**after.entries[0].document.content)
    assert not left.nuts
    assert not left.by_season.get("may")


def test_a_null_inside_an_object_removes_its_key() -> None:
    noted = Draft.of([Document("p", "Person", {**ANN.content, "notes": {"a": "1", "b": "2"}})])
    edited = applied(noted, ProposedUpdate(0, {"notes": {"a": None}}))
    assert edited.entries[0].document.content["notes"] == {"b": "2"}


def test_a_change_of_an_unheard_field_is_refused_where_the_schema_forbids_it() -> None:
    with pytest.raises(ProposalError, match="age"):
        changed({"age": 5})


@pytest.mark.parametrize("changes", [None, "text", 5, [], {}])
def test_odd_changes_are_refused_or_change_nothing(changes: Any) -> None:
    try:
        assert changed(changes) == ANN.content
    except ProposalError:
        return


# Numbers


@pytest.mark.parametrize("value", [3, 3.0, "3", " 3 ", "[3]", "[ 3 ]", "003"])
def test_a_number_is_read_in_the_forms_models_write(value: Any) -> None:
    assert target_of(value) == 3


@pytest.mark.parametrize(
    "value", [0.7, float("nan"), float("inf"), None, "#3", "3.5", {}, "9" * 99, "[0], [1]"]
)
def test_what_is_no_number_is_an_id(value: Any) -> None:
    assert target_of(value) == str(value)


@given(st.integers(0, 10**8))
def test_every_number_is_read(number: int) -> None:
    assert target_of(f"[{number}]") == target_of(float(number)) == target_of(number) == number


LONG = "".join(chr(97 + number % 26) for number in range(3 * LIMIT))
TEXTS = st.text(max_size=20) | st.sampled_from([LONG, LONG[::-1], LONG[1:], "x" * LIMIT])
JSON = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(JSON)
def test_what_was_shown_means_what_it_was(content: Any) -> None:
    assert restored(excerpt(content), draft(content)) == content


@given(st.text(max_size=LIMIT))
def test_texts_within_the_limit_are_shown_as_they_are(text: str) -> None:
    assert excerpt({"text": text}) == {"text": text}


def test_a_long_text_is_shown_by_its_beginning_and_its_end() -> None:
    shown = excerpt(LONG)
    assert len(shown) < LIMIT + 100
    assert (shown[:10], shown[-10:]) == (LONG[:10], LONG[-10:])


def test_a_change_around_the_mark_keeps_what_was_not_shown() -> None:
    shown = excerpt({"log": LONG})["log"]
    assert restored({"log": f"{shown} And tea."}, draft({"log": LONG})) == {
        "log": f"{LONG} And tea."
    }


def test_two_texts_do_not_take_each_others_middle() -> None:
    content = {"a": LONG, "b": LONG[::-1]}
    shown = excerpt(content)
    assert restored({"b": shown["b"]}, draft(content)) == {"b": LONG[::-1]}


def test_a_mark_of_another_memory_is_refused() -> None:
    with pytest.raises(ProposalError, match="stands in no known"):
        restored(excerpt(LONG), draft("short"))


def test_texts_of_several_memories_can_be_joined() -> None:
    a, b = {"text": LONG}, {"text": LONG[::-1]}
    joined = {"text": excerpt(a)["text"] + excerpt(b)["text"]}
    assert restored(joined, draft(a, b)) == {"text": LONG + LONG[::-1]}


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
