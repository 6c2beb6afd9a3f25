"""Carrying out proposals, and reading the numbers models write."""

from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, ConfigDict

from longterm.extract.proposal import (
    FinalError,
    Finish,
    Permissions,
    Proposal,
    ProposalApplier,
    ProposedInsert,
    ProposedUpdate,
    Unreadable,
    is_blank,
)
from longterm.extract.protocol import target_of
from longterm.extract.schema import memory_schemas
from longterm.memory.draft import Draft, ProposalError
from longterm.memory.model import Document


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
