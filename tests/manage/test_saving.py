"""Writing changes: nobody's change is overwritten, no failure goes unsaid."""

from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

from longterm.errors import PartialWriteError
from longterm.flow import Batch, run
from longterm.manage.saving import save, write_all
from longterm.memory.model import Document
from longterm.memory.operations import get_op, put_op
from longterm.memory.reconcile import Draft

PLACE = ("memories",)
TEA = Document("t", "Memory", {"content": "likes tea"})
OPS = [put_op(PLACE, key, {"content": key}) for key in ("a", "b", "c")]


def test_only_what_is_to_be_changed_is_read_again() -> None:
    draft = Draft.of([TEA, Document("u", "Memory", {})]).update(0, lambda _: {"content": "x"})
    flow = save(draft, PLACE)
    assert flow.send(None) == Batch((get_op(PLACE, "t", refresh_ttl=False),))
    flow.close()


def test_new_memories_with_random_ids_are_not_read() -> None:
    flow = save(Draft().insert(TEA), PLACE)
    assert flow.send(None) == Batch(
        (put_op(PLACE, "t", {"kind": "Memory", "content": {"content": "likes tea"}}),)
    )
    flow.close()


def test_nothing_changed_touches_no_store() -> None:
    assert run(save(Draft.of([TEA]), PLACE)) == ([], [])


def test_a_failure_tells_what_was_written_and_what_was_not(failing: Any) -> None:
    with pytest.raises(PartialWriteError, match="disk full") as error:
        run(write_all(OPS), store=failing(2))
    assert (error.value.written, error.value.failed) == (("a", "b"), ("c",))


def test_where_reading_fails_too_nothing_counts_as_written(failing: Any) -> None:
    with pytest.raises(PartialWriteError) as error:
        run(write_all(OPS), store=failing(2, reads_too=True))
    assert (error.value.written, error.value.failed) == ((), ("a", "b", "c"))


def test_a_delete_counts_as_written_when_the_memory_is_gone(failing: Any) -> None:
    store = failing(2)
    store.put(PLACE, "a", {"content": "old"})
    ops = [put_op(PLACE, "a", None), put_op(PLACE, "b", {"content": "new"})]
    with pytest.raises(PartialWriteError) as error:
        run(write_all(ops), store=store)
    assert (error.value.written, error.value.failed) == (("a",), ("b",))


def test_the_store_s_own_error_is_the_cause(failing: Any) -> None:
    with pytest.raises(PartialWriteError) as error:
        run(write_all(OPS), store=failing())
    assert isinstance(error.value.__cause__, OSError)


def test_a_bare_value_is_written_back_bare(store: InMemoryStore) -> None:
    store.put(PLACE, "n", {"text": "tea"})
    bare = Document("n", None, {"text": "tea"}, bare=True)
    run(save(Draft.of([bare]).update(0, lambda _: {"text": "ale"}), PLACE), store=store)
    assert [item.value for item in store.search(PLACE)] == [{"text": "ale"}]
