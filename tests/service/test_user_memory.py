"""One user's memory, by hand and from conversations, on any store."""

import asyncio
import inspect
import warnings
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from langgraph.store.base import Op, Result
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field

import longterm
from longterm.commit import Write, commit
from longterm.effects.drivers import run
from longterm.errors import (
    ConfigurationError,
    ConflictError,
    DroppedWarning,
    InvalidInputError,
    UnknownMemoryError,
)
from longterm.history import History
from longterm.memory.revision import Source
from longterm.prompts import create_few_shot
from longterm.service import MemoryService, UserMemory
from longterm.service.exchange import written
from longterm.service.scope import MemoryScope
from longterm.testing import ScriptedChatModel, tool_calls


class Food(BaseModel):
    """A dish a person likes."""

    name: str
    liking: int = Field(ge=0, le=100)


def test_what_was_added_is_found_read_and_listed(ann: UserMemory) -> None:
    added = ann.add("Ann likes green tea")

    assert ann.get(added.id) == added
    assert (added.kind, added.content) == ("Memory", "Ann likes green tea")
    assert [one.id for one in ann.list()] == [added.id]
    assert [one.id for one in ann.search("green tea")] == [added.id]


@pytest.mark.parametrize("text", ["", "  ", "\u200b", "\0", "\u2800", "\u3164"])
def test_a_text_of_which_nothing_can_be_seen_is_refused(ann: UserMemory, text: str) -> None:
    with pytest.raises(InvalidInputError, match="not empty"):
        ann.add(text)
    assert ann.list() == []


@pytest.mark.parametrize("shape", ["fields", "parts", "levels"])
def test_a_memory_has_ten_thousand_values_and_no_more(ann: UserMemory, shape: str) -> None:
    def content(values: int) -> Any:  # the object itself and its list are values, too
        match shape:
            case "fields":
                return {str(number): number for number in range(values - 1)}
            case "parts":
                return {"all": [0] * (values - 2)}
            case _:
                return {"all": [{"one": 1}] * ((values - 2) // 2)}

    kept = ann.add(content(10_000), id="large")
    # By the store API it has the same limit, whatever stands around its content.
    with longterm.open(":memory:", embeddings=None) as other:
        stored = {"kind": "Large", "content": content(10_000)}
        other.items.put(("memories", "ann"), "large", stored)
        for more in (stored | {"content": content(10_002)}, stored | {"beside": 1}):
            with pytest.raises(InvalidInputError, match="10,000 values"):
                other.items.put(("memories", "ann"), "large", more)
    with pytest.raises(InvalidInputError, match="10,000 values"):
        ann.edit("large", content(10_002))
    with pytest.raises(InvalidInputError, match="10,000 values"):
        ann.add(content(10_002))
    assert ann.list() == [kept]


@pytest.mark.parametrize(
    "content", ["half \ud83d", {"a": "\ud83d"}, {"\ud83d": 1}, {"a": float("nan")}, {"a": [1e999]}]
)
def test_what_no_answer_could_hold_is_refused(ann: UserMemory, content: Any) -> None:
    with pytest.raises(InvalidInputError, match="halves of emoji"):
        ann.add(content)
    kept = ann.add("tea")
    with pytest.raises(InvalidInputError, match="halves of emoji"):
        ann.edit(kept.id, content)
    with pytest.raises(InvalidInputError, match="halves of emoji"):
        ann.add("tea", id="\ud83d")
    assert ann.list() == [kept]


def test_what_was_said_is_kept_without_the_half_of_an_emoji(ann: UserMemory) -> None:
    assert ann.record("I like tea \ud83c", thread="monday \ud83c") == 1
    (turn,) = ann.turns()
    assert (turn.text, turn.thread) == ("I like tea \ufffd", "monday \ufffd")


def test_what_another_program_stored_is_shown_as_json_all_the_same(ann: UserMemory) -> None:
    value = {"kind": "Note", "content": {"text": "half \ud83d", "much": float("inf")}}
    ann.store.put(("memories", "ann"), "k", value)
    record = ann.get("k")
    assert record is not None
    assert record.as_json()["content"] == {"text": "half \ufffd", "much": None}
    assert ann.stats().memories == 1


def test_what_the_store_keeps_is_kind_and_content(ann: UserMemory) -> None:
    added = ann.add("Ann likes tea")
    item = ann.store.get(("memories", "ann"), added.id)
    assert item is not None
    assert item.value == {"kind": "Memory", "content": {"content": "Ann likes tea"}}


def test_an_edit_puts_another_content_in_its_place(ann: UserMemory) -> None:
    added = ann.add("Ann likes tea")
    edited = ann.edit(added.id, "Ann likes coffee")

    assert edited.content == "Ann likes coffee"
    assert edited.id == added.id
    assert edited.updated_at > added.updated_at


def test_an_edit_of_another_revision_is_a_conflict(ann: UserMemory) -> None:
    added = ann.add("Ann likes tea")
    with pytest.raises(ConflictError, match="read it again"):
        ann.edit(added.id, "Ann likes coffee", expected_revision=added.revision + 1)
    with pytest.raises(ConflictError):
        ann.forget(added.id, expected_revision=added.revision + 1)
    assert ann.get(added.id) == added


def test_what_was_forgotten_is_gone(ann: UserMemory) -> None:
    added = ann.add("Ann likes tea")
    ann.forget(added.id)

    assert ann.get(added.id) is None
    assert ann.list() == []
    with pytest.raises(UnknownMemoryError):
        ann.forget(added.id)
    with pytest.raises(UnknownMemoryError):
        ann.edit(added.id, "Ann likes coffee")


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_of_what_was_forgotten_that_is_shown_which_can_be_restored(keep: int) -> None:
    with longterm.open(":memory:", embeddings=None, keep_revisions=keep) as service:
        ann = service.user("ann")
        ann.forget(ann.add("Ann likes tea").id)
        assert [one.content for one in ann.forgotten()] == ["Ann likes tea"] * (keep > 1)


def test_what_a_store_has_let_go_is_not_shown_as_forgotten() -> None:
    now = datetime.now(UTC)
    options: dict[str, Any] = {"ttl": {"default_ttl": 60}, "clock": lambda: now}
    with longterm.open(":memory:", embeddings=None, **options) as service:
        ann = service.user("ann")
        ann.add("Ann likes tea")
        ann.record("I like tea")
        key, _ = service.keys.create(user="ann")
        now += timedelta(hours=2)
        assert cast("Any", service.store).sweep_ttl() == 2
        assert ann.forgotten() == []
        assert ann.turns() == []
        assert len(ann.export()) == 2
        assert service.keys.list() == [key]  # it ends when it is revoked, and never before


def test_adding_the_same_twice_under_an_id_adds_it_once(ann: UserMemory) -> None:
    first = ann.add("Ann likes tea", id="drink")
    assert ann.add("Ann likes tea", id="drink") == first
    with pytest.raises(ConflictError):
        ann.add("Ann likes coffee", id="drink")


@pytest.mark.parametrize(
    "odd",
    [
        {"message_id": ["1"], "thread": {"t": 1}},
        {"time": 5},
        {"time": "soon"},
        {"time": "2026-05-04T10:00:00"},
        {"position": "first"},
        {"position": {"x": 1}},
    ],
    ids=str,
)
def test_what_another_program_wrote_among_the_turns_stops_no_reading_and_no_erase(
    ann: UserMemory, odd: dict[str, Any]
) -> None:
    ann.record("I like tea", thread="t")
    ann.store.put(("turns", "ann"), "odd", {"kind": "Turn", "content": "I like rice", **odd})
    ann.store.put(("memories", "ann"), "odd", {"kind": ["Food"], "content": {"name": "soup"}})

    assert {turn.text for turn in ann.turns()} == {"I like tea", "I like rice"}
    assert "rice" in ann.recall("What do I like?").text
    assert [one.id for one in ann.as_of(valid_at=date(2026, 5, 4)).list()] == ["odd"]
    assert "tea" in ann.as_of(valid_at=date(2026, 5, 4)).recall("What do I like?").text

    ann.erase()

    assert (ann.turns(), ann.list()) == ([], [])


class Faster(InMemoryStore):
    """A store to which another writes just after the first read."""

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        asked = list(ops)
        answers = super().batch(asked)
        if (another := vars(self).pop("another", None)) is not None:
            another()
        return answers


def test_adding_the_same_at_the_same_moment_adds_it_once() -> None:
    store = Faster()
    with longterm.open(store, embeddings=None) as service:
        ann = service.user("ann")

        def both(content: str, other: str, id: str) -> list[str]:
            vars(store)["another"] = lambda: ann.add(other, id=id)
            return [ann.add(content, id=id).content]

        assert both("tea", "tea", "drink") == ["tea"]
        with pytest.raises(ConflictError):
            both("rice", "soup", "food")


@pytest.mark.parametrize("content", ["", " ", {}, None, 5, [1], object()])
def test_what_is_no_memory_is_refused(ann: UserMemory, content: Any) -> None:
    with pytest.raises(InvalidInputError):
        ann.add(content)
    assert ann.list() == []


def test_a_memory_that_passes_for_a_turn_is_refused(ann: UserMemory) -> None:
    with pytest.raises(InvalidInputError, match="reserved"):
        ann.add("Ann said so", kind="Turn")


def test_a_uuid_is_an_id_and_what_is_none_is_refused(ann: UserMemory) -> None:
    id: Any = uuid4()
    assert ann.add("Ann likes tea", id=id).id == str(id)
    assert ann.erase(id).removed["items"] == 1
    other: Any = b"a"
    with pytest.raises(InvalidInputError, match="a text, not"):
        ann.erase(other)
    with pytest.raises(InvalidInputError, match="a text, not"):
        ann.add("Ann likes figs", id=other)
    assert ann.list() == []


@pytest.mark.parametrize("options", [{"content": b"tea"}, {"content": "tea", "kind": " "}])
def test_what_no_kind_of_memory_is_made_of_is_refused(ann: UserMemory, options: Any) -> None:
    with pytest.raises(InvalidInputError):
        ann.add(**options)
    assert ann.list() == []


@pytest.mark.parametrize("question", [None, 5, ["tea?"], [{"role": "user", "content": "tea?"}]])
def test_a_question_is_a_text(ann: UserMemory, question: Any) -> None:
    for memory in (ann, ann.as_of()):
        with pytest.raises(InvalidInputError, match="A question is a text, not"):
            memory.recall(question)


def test_what_waits_for_nobody_is_looked_up_in_quarantine(ann: UserMemory) -> None:
    with pytest.raises(UnknownMemoryError, match="quarantined"):
        ann.release("a")


def test_schemas_check_what_is_added_by_hand() -> None:
    with longterm.open(":memory:", embeddings=None, schemas=[Food]) as service:
        ann = service.user("ann")
        assert ann.add({"name": "ramen", "liking": 90}).kind == "Food"
        assert ann.add(Food(name="miso", liking=80)).content == {"name": "miso", "liking": 80}
        with pytest.raises(InvalidInputError, match="not a Food"):
            ann.add({"name": "ramen", "liking": 900}, kind="Food")
        assert {one.content["name"] for one in ann.list(kind="Food")} == {"ramen", "miso"}


def test_pages_of_a_list_hold_each_memory_once(ann: UserMemory) -> None:
    ids = {ann.add(f"fact {number}").id for number in range(7)}
    pages = [ann.list(limit=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert {one.id for page in pages for one in page} == ids


def test_users_never_see_each_other_nor_what_lies_below(service: MemoryService) -> None:
    service.user("ann").add("Ann likes tea")
    service.scope("ann", "work").add("Ann works in Lyon")
    service.user("anna").record("Anna likes jazz")

    assert [one.content for one in service.user("ann").list()] == ["Ann likes tea"]
    assert [one.content for one in service.scope("ann", "work").list()] == ["Ann works in Lyon"]
    assert "jazz" not in service.user("ann").recall("What does Anna like?").text
    assert "Lyon" not in service.user("ann").recall("Where does Ann work?").text
    assert service.users() == ["ann", "anna"]


@pytest.mark.parametrize("user_id", ["a.b@c", "安", "with space", "langgraph", "{x}", 7, "*"])
def test_any_id_is_a_user(service: MemoryService, user_id: str | int) -> None:
    service.user(user_id).add("likes tea")
    assert service.users() == [str(user_id)]
    assert len(service.user(user_id).list()) == 1


@pytest.mark.parametrize(
    "value", ["", "\u200b", None, True, [], {}, b"ann", float("nan"), 1.5, ("ann",)]
)
def test_what_is_no_id_is_no_user(service: MemoryService, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not an id"):
        service.user(value)
    with pytest.raises(ConfigurationError, match="is not an id"):
        service.scope("team", value)
    if value is not None:  # a key for every user
        with pytest.raises(InvalidInputError, match="is not an id"):
            service.keys.create(user=value)


def test_a_scope_has_a_label(service: MemoryService) -> None:
    with pytest.raises(ConfigurationError, match="at least one label"):
        service.scope()


def test_turns_are_recorded_once_and_recalled(ann: UserMemory) -> None:
    chat = [{"role": "user", "content": "I moved to Lyon last week"}]
    assert ann.record(chat, thread="t") == 1
    assert ann.record(chat, thread="t") == 0
    assert "Lyon" in ann.recall("Where did I move?").text


def test_without_a_model_remembering_keeps_the_turns(ann: UserMemory) -> None:
    assert ann.remember("I moved to Lyon last week") == []
    assert ann.stats().turns == 1


def test_a_model_makes_memories_of_what_is_remembered() -> None:
    model = ScriptedChatModel(tool_calls(("Memory", {"content": "Ann moved to Lyon"})))
    with longterm.open(InMemoryStore(), model=model) as service:
        ann = service.user("ann")
        (change,) = ann.remember("I moved to Lyon last week", thread="t")

        assert (change.action, change.content) == ("created", "Ann moved to Lyon")
        assert ann.get(change.id) is not None
        assert ann.stats().turns == 1


def test_what_is_remembered_in_the_background_is_there_when_the_service_closes() -> None:
    model = ScriptedChatModel(tool_calls(("Memory", {"content": "Ann moved to Lyon"})))
    store = InMemoryStore()
    with longterm.open(store, model=model) as service:
        assert service.user("ann").remember("I moved to Lyon", wait=False) == []
    with longterm.open(store) as service:
        assert [one.content for one in service.user("ann").list()] == ["Ann moved to Lyon"]


@pytest.mark.parametrize("wait", [True, False])
def test_what_extraction_used_is_counted_by_day_and_outlives_the_service(*, wait: bool) -> None:
    store = InMemoryStore()
    for _ in range(2):
        reply = tool_calls(("Memory", {"content": "Ann moved to Lyon"}))
        reply.usage_metadata = {"input_tokens": 90, "output_tokens": 10, "total_tokens": 100}
        with longterm.open(store, model=ScriptedChatModel(reply)) as service:
            service.user("ann").remember("I moved to Lyon", wait=wait)
    with longterm.open(store) as service:
        ann = service.user("ann")
        assert ann.stats().tokens == 200
        assert ann.stats().cost is None  # the cost of a script is unknown
        [today] = ann.costs()
        assert (today.runs, today.input_tokens, today.output_tokens) == (2, 180, 20)
        assert service.user("bo").stats().tokens == 0
        ann.erase()
        assert ann.costs() == []


def test_what_one_run_used_and_left_out_comes_with_what_it_changed() -> None:
    lyon, nothing = ("Memory", {"content": "Ann moved to Lyon"}), ("Memory", {"content": " "})
    reply = tool_calls(lyon, nothing)
    reply.usage_metadata = {"input_tokens": 90, "output_tokens": 10, "total_tokens": 100}
    model = ScriptedChatModel(reply, tool_calls(), tool_calls())
    with longterm.open(InMemoryStore(), model=model) as service, warnings.catch_warnings():
        warnings.simplefilter("ignore", DroppedWarning)
        learned = service.user("ann").remember("I moved to Lyon")
    assert [change.content for change in learned] == ["Ann moved to Lyon"]
    assert (learned.tokens, learned.cost) == (100, None)
    assert len(learned.left_out) == 1
    assert "Lyon" not in learned.left_out[0]


@pytest.mark.parametrize("model", [None, ScriptedChatModel(tool_calls())])
def test_a_time_that_cannot_be_read_is_in_what_was_left_out(model: Any) -> None:
    said = [{"role": "user", "content": "I moved to Lyon", "timestamp": "last week"}]
    with (
        longterm.open(InMemoryStore(), model=model) as service,
        pytest.warns(UserWarning, match="time of"),
    ):
        learned = service.user("ann").remember(said)
    assert [note[:21] for note in learned.left_out] == ["The time of message 0"]


def test_where_nothing_is_extracted_nothing_is_used(ann: UserMemory) -> None:
    learned = ann.remember("I moved to Lyon")
    assert learned.as_json() == {"changes": [], "tokens": 0, "cost": 0, "left_out": []}


def test_a_misspelt_option_is_named_with_the_method_that_was_called(ann: UserMemory) -> None:
    record: Any = ann.record
    with pytest.raises(TypeError, match=r"UserMemory\.record\(\).*'thred'"):
        record("I moved to Lyon", thred="monday")
    assert ann.arecord.__qualname__ == "UserMemory.arecord"


async def test_every_method_has_an_awaited_form(service: MemoryService) -> None:
    ann = service.user("ann")
    added = await ann.aadd("Ann likes tea")
    await ann.aedit(added.id, "Ann likes coffee")
    await ann.arecord("I moved to Lyon")

    assert [one.content for one in await ann.alist()] == ["Ann likes coffee"]
    assert "Lyon" in (await ann.arecall("Where did I move?")).text
    assert await service.ausers() == ["ann"]
    await ann.aforget(added.id)
    assert await ann.aget(added.id) is None


# --- what was ---


def test_every_change_leaves_a_revision(ann: UserMemory) -> None:
    id = ann.add("Ann likes tea").id
    assert ann.edit(id, "Ann likes coffee", expected_revision=1).revision == 2
    ann.forget(id)

    actions = [(one.number, one.action, one.actor) for one in ann.history(id)]
    assert actions == [(1, "created", "user"), (2, "changed", "user"), (3, "deleted", "user")]
    assert ann.restore(id, 1).content == "Ann likes tea"
    assert [one.revision for one in ann.list()] == [4]
    with pytest.raises(UnknownMemoryError, match="no revision 99"):
        ann.restore(id, 99)
    with pytest.raises(InvalidInputError, match="not 'yesterday'"):
        ann.as_of(cast("Any", "yesterday"))


def test_the_past_is_read_and_never_written(ann: UserMemory) -> None:
    id = ann.add("Ann likes tea").id
    ann.record("I moved to Lyon")
    then = datetime.now(UTC)
    ann.edit(id, "Ann likes coffee")
    ann.add("Ann plays chess")
    past = ann.as_of(then)

    assert [one.content for one in past.list()] == ["Ann likes tea"]
    assert [one.content for one in past.search("tea")] == ["Ann likes tea"]
    assert getattr(past.get(id), "content", None) == "Ann likes tea"
    assert [one.revision for one in past.list()] == [1]
    assert ann.as_of(then - timedelta(days=1)).list() == []
    assert isinstance(past, UserMemory)


def test_the_past_may_be_asked_for_an_earlier_one_and_no_later(ann: UserMemory) -> None:
    first = ann.add("Ann likes tea")
    then = ann.as_of(first.created_at)
    ann.edit(first.id, "Ann likes figs")
    for time, known in (
        (first.created_at - timedelta(seconds=1), []),
        (first.created_at, ["Ann likes tea"]),
        (datetime.now(UTC) + timedelta(days=1), ["Ann likes tea"]),
    ):
        found = then.recall("What does Ann like?", as_of=time)
        assert [item.text for item in found.items] == known


def test_the_past_has_no_turn_and_no_revision_of_later(ann: UserMemory) -> None:
    id = ann.add("Ann likes tea").id
    ann.record("I moved to Lyon")
    then = datetime.now(UTC)
    ann.edit(id, "Ann likes coffee")
    ann.record("I moved to Rome")
    past = ann.as_of(then)

    assert [one.text for one in past.turns()] == ["I moved to Lyon"]
    assert past.turns(offset=1) == []
    assert [one.number for one in past.history(id)] == [1]
    assert past.sources(id) == []


async def ended(method: Any) -> None:
    answer = method("x")
    if inspect.isawaitable(answer):
        await answer


#: What reads `UserMemory.as_of`.
READS = {"as_of", "get", "history", "list", "recall", "search", "sources", "turns"}


def test_the_past_refuses_whatever_is_not_said_to_read_it(ann: UserMemory) -> None:
    past: Any = ann.as_of()
    allowed = {"store", *READS, *(f"a{name}" for name in READS)}
    for name in vars(UserMemory).keys() | vars(MemoryScope).keys():
        if name.startswith("_") or name.endswith("_flow") or name in allowed:
            continue
        with pytest.raises(ConfigurationError, match="only be read"):
            asyncio.run(ended(getattr(past, name)))


class Batches(InMemoryStore):
    """Counts its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        self.count += 1
        return super().batch(ops)


def test_revisions_that_are_items_are_read_once_for_the_past() -> None:
    store = Batches()
    ann = longterm.open(store, embeddings=None).user("ann")
    id = ann.add("Ann likes tea").id
    ann.edit(id, "Ann likes coffee")
    then = datetime.now(UTC)
    namespace = ("memories", "ann")
    store.count = 0
    assert len(History(store).as_of(namespace, then)) == 1
    reads, store.count = store.count, 0

    assert [one.revision for one in ann.as_of(then).list()] == [2]
    assert store.count == reads


def test_a_memory_names_the_message_it_came_from() -> None:
    model = ScriptedChatModel(tool_calls(("Memory", {"content": "Ann moved to Lyon"})))
    with longterm.open(InMemoryStore(), model=model) as service:
        ann = service.user("ann")
        (change,) = ann.remember("I moved to Lyon last week", thread="t")
        assert change.revision == 1
        assert all(source.thread_id == "t" for source in ann.sources(change.id))


def test_an_export_is_imported_once_and_whole(ann: UserMemory, tmp_path: Path) -> None:
    id = ann.add("Ann likes tea").id
    ann.edit(id, "Ann likes coffee")
    ann.record("I moved to Lyon", thread="t")
    file = tmp_path / "ann.jsonl"
    ann.export(file)
    assert file.stat().st_mode & 0o777 == 0o600

    with longterm.open(":memory:", embeddings=None) as other:
        bo = other.user("bo")
        assert bo.import_(file).added == 2
        assert bo.import_(file).added == 0
        assert [one.action for one in bo.history(id)] == ["created", "changed"]
        assert "Lyon" in bo.recall("Where did I move?").text
        assert other.users() == ["bo"]
        assert [line for line in bo.export() if "coffee" in line]


def test_an_export_that_breaks_off_leaves_the_one_before(ann: UserMemory, tmp_path: Path) -> None:
    ann.add("tea")
    file = tmp_path / "ann.jsonl"
    ann.export(file)
    before = file.read_text()
    ann.add("rice")

    with suppress(KeyboardInterrupt), written(file) as half:
        half.write("{")
        raise KeyboardInterrupt

    assert file.read_text() == before
    ann.export(file)
    assert len(file.read_text().splitlines()) == len(before.splitlines()) + 1
    assert [one.name for one in tmp_path.iterdir()] == ["ann.jsonl"]


def test_what_mem0_answers_is_imported_as_it_is(ann: UserMemory) -> None:
    found: Any = {"results": [{"id": "a", "memory": "Ann likes tea"}]}
    assert ann.import_(found).added == 1
    assert ann.import_(found["results"]).kept == 1
    assert [one.content for one in ann.list()] == ["Ann likes tea"]


def test_a_file_that_is_not_there_is_named(ann: UserMemory, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none\.jsonl"):
        ann.import_(tmp_path / "none.jsonl")
    with pytest.raises(InvalidInputError, match="cannot be written"):
        ann.export(tmp_path / "nowhere" / "out.jsonl")


def test_an_erase_leaves_nothing_but_that_it_was(ann: UserMemory, service: MemoryService) -> None:
    service.user("bo").add("Bo likes jazz")
    id = ann.add("Ann likes tea").id
    ann.edit(id, "Ann likes coffee")
    ann.record("I moved to Lyon", thread="t")

    report = ann.erase()

    assert report.removed["items"] == 2
    assert [one.action for one in ann.history(id)] == ["erased"]
    assert ann.list() == []
    assert ann.recall("Where did I move?").text == ""
    if not isinstance(service.store, InMemoryStore):  # which lists what was emptied, too
        assert service.users() == ["bo"]
    assert not any("tea" in line or "Lyon" in line for line in ann.export())


def test_an_erase_reaches_the_examples_that_prompts_are_given(ann: UserMemory) -> None:
    ann.add("Asked for a diagram, drew one, and it helped")
    examples = create_few_shot(("memories", "ann"), store=ann.store)
    assert "diagram" in examples.invoke("Draw me a diagram").text

    report = ann.erase()

    assert examples.invoke("Draw me a diagram").text == ""
    assert any("checkpointer" in one for one in report.beyond)


def test_one_memory_is_erased_by_itself(ann: UserMemory) -> None:
    gone, kept = ann.add("Ann likes tea").id, ann.add("Ann likes coffee").id
    ann.erase(gone)
    assert [one.id for one in ann.list()] == [kept]


def test_what_came_from_a_tool_is_purged(ann: UserMemory) -> None:
    kept = ann.add("Ann likes tea").id
    source = Source(thread_id="monday", speaker="web", origin="tool")
    write = Write(("memories", "ann"), "bad", {"content": "x"}, sources=(source,))
    run(commit([write], actor="manager"), store=ann.store)

    assert ann.purge("web").removed["items"] == 1
    assert [one.id for one in ann.list()] == [kept]


def test_now_may_be_written_out_and_a_wrong_one_is_an_error(ann: UserMemory) -> None:
    times: list[Any] = ["2024-05-08T10:00:00+00:00", "soon"]
    ann.record("I moved to Lyon", thread="t", now=times[0])
    (turn,) = ann.turns()
    assert turn.time == datetime(2024, 5, 8, 10, tzinfo=UTC)
    with pytest.raises(InvalidInputError, match="now"):
        ann.record("I moved to Lyon", now=times[1])
