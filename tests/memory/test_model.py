"""The nouns, how they are stored, and drafts of what is to happen to them."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from longterm.memory.model import (
    Delete,
    Document,
    Draft,
    Edit,
    Insert,
    ProposalError,
    Update,
    carried_over,
    document_of,
    value_of,
)

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


TEA = Document("t", "Memory", {"content": "likes tea"})
ALE = Document("a", "Memory", {"content": "likes ale"})


def put(**fields: Any) -> Edit:
    """Return an edit that sets *fields*."""
    return lambda content: {**content, **fields}


def keys(draft: Draft) -> set[str]:
    return {change.document.id for change in draft.changes()}


def rebase(draft: Draft, current: list[Document | None]) -> tuple[Draft, list[str]]:
    """Carry each entry over to what its memory is now; return what was lost, too."""
    pairs = [carried_over(entry, now) for entry, now in zip(draft.entries, current, strict=True)]
    return Draft(tuple(entry for entry, _ in pairs)), [lost for _, lost in pairs if lost]


# What is written


def test_what_stayed_the_same_is_not_written() -> None:
    assert Draft.of([TEA, ALE]).changes() == []


def test_an_edit_that_changes_nothing_is_not_written() -> None:
    assert Draft.of([TEA]).update(0, put(content="likes tea")).changes() == []


def test_an_edit_and_its_undoing_are_not_written() -> None:
    draft = Draft.of([TEA]).update(0, put(content="x")).update(0, put(content="likes tea"))
    assert draft.changes() == []


def test_two_edits_of_one_memory_both_count() -> None:
    draft = Draft.of([TEA]).update(0, put(a=1)).update(0, put(b=2))
    (change,) = draft.changes()
    assert isinstance(change, Update)
    assert change.document.content == {"content": "likes tea", "a": 1, "b": 2}


def test_what_was_inserted_and_removed_never_existed() -> None:
    assert Draft().insert(TEA).delete(0).changes() == []


def test_what_is_known_word_for_word_is_not_added_again() -> None:
    assert Draft.of([TEA]).insert(Document("new", "Memory", TEA.content)).changes() == []


def test_equal_inserts_are_one() -> None:
    draft = Draft().insert(TEA).insert(Document("new", "Memory", TEA.content))
    assert draft.changes() == [Insert(TEA)]


def test_a_removed_memory_may_be_added_anew() -> None:
    draft = Draft.of([TEA]).delete(0).insert(Document("new", "Memory", TEA.content))
    assert keys(draft) == {"t", "new"}


def test_a_removal_takes_edits_with_it() -> None:
    assert Draft.of([TEA]).update(0, put(a=1)).delete(0).changes() == [Delete(TEA)]


def test_removing_twice_is_no_mistake() -> None:
    assert Draft.of([TEA]).delete(0).delete(0).changes() == [Delete(TEA)]


def test_a_removed_memory_cannot_be_edited() -> None:
    with pytest.raises(ProposalError, match="was removed"):
        Draft.of([TEA]).delete(0).update(0, put(a=1))


def test_a_failing_edit_leaves_the_draft_as_it_was() -> None:
    def fail(_: Any) -> Any:
        raise ProposalError("no")

    draft = Draft.of([TEA])
    with pytest.raises(ProposalError):
        draft.update(0, fail)
    assert draft == Draft.of([TEA])


# Numbers


def test_a_memory_is_found_by_number_and_by_id() -> None:
    draft = Draft.of([TEA, ALE])
    assert (draft.number(1), draft.number("a")) == (1, 1)


@pytest.mark.parametrize("target", [-1, 2, 99, "nobody", "", "0 "])
def test_an_unknown_memory_is_a_complaint_that_names_the_known(target: int | str) -> None:
    with pytest.raises(ProposalError, match=r"known ones are \[0\], \[1\]"):
        Draft.of([TEA, ALE]).number(target)


def test_where_nothing_is_known_the_complaint_says_so() -> None:
    with pytest.raises(ProposalError, match="No memories are known"):
        Draft().number(0)


# Any sequence of actions

actions = st.lists(
    st.tuples(st.sampled_from(["insert", "update", "delete"]), st.integers(0, 4), st.integers(0, 3))
)


def carried_out(draft: Draft, steps: list[tuple[str, int, int]]) -> Draft:
    for turn, (what, number, value) in enumerate(steps):
        try:
            match what:
                case "insert":
                    draft = draft.insert(Document(f"new{turn}", "Memory", {"value": value}))
                case "update":
                    draft = draft.update(draft.number(number), put(value=value))
                case _:
                    draft = draft.delete(draft.number(number))
        except ProposalError:
            continue
    return draft


@given(actions)
def test_every_change_is_of_its_own_memory(steps: list[tuple[str, int, int]]) -> None:
    changes = carried_out(Draft.of([TEA, ALE]), steps).changes()
    ids = [change.document.id for change in changes]
    assert len(ids) == len(set(ids))


@given(actions)
def test_the_operations_lead_from_the_known_to_the_living(
    steps: list[tuple[str, int, int]],
) -> None:
    draft = carried_out(Draft.of([TEA, ALE]), steps)
    stored: dict[str, Any] = {document.id: document.content for document in (TEA, ALE)}
    for change in draft.changes():
        if isinstance(change, Delete):
            del stored[change.document.id]
        else:
            stored[change.document.id] = change.document.content
    assert stored == {document.id: document.content for _, document in draft.living}


@given(actions)
def test_rebasing_on_what_did_not_change_changes_nothing(
    steps: list[tuple[str, int, int]],
) -> None:
    draft = carried_out(Draft.of([TEA, ALE]), steps)
    assert rebase(draft, [entry.before for entry in draft.entries]) == (draft, [])


# Another writer was faster


def now(**fields: Any) -> Document:
    return Document("t", "Memory", {"content": "likes tea", **fields})


def test_an_edit_is_made_again_on_what_the_memory_is_now() -> None:
    draft, lost = rebase(Draft.of([TEA]).update(0, put(a=1)), [now(b=2)])
    (change,) = draft.changes()
    assert change.document.content == {"content": "likes tea", "a": 1, "b": 2}
    assert lost == []


def test_what_somebody_else_did_already_is_not_written_again() -> None:
    draft, _ = rebase(Draft.of([TEA]).update(0, put(a=1)), [now(a=1)])
    assert draft.changes() == []


def test_a_memory_changed_meanwhile_is_not_deleted() -> None:
    draft, (reason,) = rebase(Draft.of([TEA]).delete(0), [now(b=2)])
    assert draft.changes() == []
    assert "not deleted" in reason


def test_a_memory_deleted_meanwhile_is_not_brought_back() -> None:
    draft, (reason,) = rebase(Draft.of([TEA]).update(0, put(a=1)), [None])
    assert draft.changes() == []
    assert "deleted by another writer" in reason


def test_a_memory_deleted_by_both_is_no_loss() -> None:
    draft, lost = rebase(Draft.of([TEA]).delete(0), [None])
    assert (draft.changes(), lost) == ([], [])


def test_an_edit_that_no_longer_fits_is_told() -> None:
    def only_on_tea(content: Any) -> Any:
        if "b" in content:
            raise ProposalError("not on b")
        return {**content, "a": 1}

    draft, (reason,) = rebase(Draft.of([TEA]).update(0, only_on_tea), [now(b=2)])
    assert draft.changes() == []
    assert "not on b" in reason


def test_an_insert_never_takes_the_place_of_what_is_there() -> None:
    draft, lost = rebase(Draft().insert(TEA), [now(b=2)])
    assert (draft.changes(), lost) == ([], [])


def test_a_profile_begun_by_two_at_once_keeps_what_both_said() -> None:
    draft = Draft().insert(TEA, put(content="likes tea"))
    draft, _ = rebase(draft, [Document("t", "Memory", {"age": 30})])
    (change,) = draft.changes()
    assert change.document.content == {"content": "likes tea", "age": 30}
