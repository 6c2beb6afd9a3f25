"""History: every change leaves a revision, and an erase leaves none of it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from langchain_core.embeddings import Embeddings
from langgraph.store.base import BaseStore, Op, PutOp, Result
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore
from postgres_server import fresh_schema, server_url

from longterm.commit import Policy, Skip, Write, commit
from longterm.effects.drivers import run
from longterm.errors import InvalidInputError, UnknownMemoryError
from longterm.guard import Guard
from longterm.history import History
from longterm.history.quarantine import drop, held_in
from longterm.memory.quarantine import quarantine_namespace
from longterm.memory.revision import ExtractionRun, Source
from longterm.memory.world_time import WorldTime
from longterm.stores import EmbeddedStore, PostgresStore

ANN, BOB = ("memories", "ann"), ("memories", "bob")
SAID = Source("monday", "m1", speaker="Ann", role="user", origin="user", quote="I like tea")
RUN = ExtractionRun("r", 2, 900, 100, 0.0004)


@pytest.fixture(params=["memory", "sqlite", "embedded", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[BaseStore]:
    match request.param:
        case "memory":
            yield InMemoryStore()
        case "sqlite":
            with SqliteStore.from_conn_string(":memory:") as sqlite:
                sqlite.setup()
                yield sqlite
        case "embedded":
            with EmbeddedStore(":memory:") as embedded:
                yield embedded
        case _:
            with (
                fresh_schema() as schema,
                PostgresStore(server_url(), pool_size=2, schema=schema) as postgres,
            ):
                yield postgres


def put(store: BaseStore, text: str | None, key: str = "k", **options: Any) -> None:
    value = None if text is None else {"kind": "Memory", "content": {"content": text}}
    place = options.pop("place", ANN)
    run(
        commit([Write(place, key, value)], actor=options.pop("actor", "user"), **options),
        store=store,
    )


def texts(revisions: list[Any]) -> list[Any]:
    return [one.value and one.value["content"]["content"] for one in revisions]


def now() -> datetime:
    return datetime.now(UTC)


# What is kept


def test_every_change_leaves_a_revision(store: BaseStore) -> None:
    put(store, "likes tea", actor="manager", sources=[SAID], model="m", reason="said so")
    put(store, "likes ale")
    put(store, None, actor="policy")
    first, second, third = History(store).of(ANN, "k")
    assert (first.number, first.action, first.actor) == (1, "created", "manager")
    assert (first.sources, first.model, first.reason) == ((SAID,), "m", "said so")
    assert (second.number, second.action, second.actor) == (2, "changed", "user")
    assert (third.number, third.action, third.actor) == (3, "deleted", "policy")
    assert texts([first, second, third]) == ["likes tea", "likes ale", None]
    assert first.time < second.time < third.time <= now()


async def test_the_awaited_forms_say_the_same(store: BaseStore) -> None:
    put(store, "likes tea")
    history = History(store)
    assert await history.aof(ANN, "k") == history.of(ANN, "k")
    assert await history.aas_of(ANN, now()) == history.as_of(ANN, now())


class Counting(InMemoryStore):
    """Knows what was put, batch by batch."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[int] = []

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        asked = list(ops)
        if count := sum(isinstance(op, PutOp) for op in asked):
            self.puts.append(count)
        return super().batch(asked)


def test_a_revision_is_one_more_item_in_the_same_batch() -> None:
    store = Counting()
    for text in ("likes tea", "likes ale", "likes gin"):
        put(store, text)
    items = [len(store.search(place, limit=10)) for place in (ANN, ("longterm-history", *ANN))]

    # The one before moves to its number, and the new one takes its place.
    assert store.puts == [2, 3, 3]
    assert items == [1, 3]


def test_unchanged_content_leaves_none(store: BaseStore) -> None:
    put(store, "likes tea")
    put(store, "likes tea")
    put(store, None, key="never there")
    assert len(History(store).of(ANN, "k")) == 1
    assert History(store).of(ANN, "never there") == []


def test_what_was_never_there_has_no_history(store: BaseStore) -> None:
    assert History(store).of(ANN, "x") == []
    assert History(store).as_of(ANN, now(), "x") is None


def test_no_search_for_memories_finds_history(store: BaseStore) -> None:
    put(store, "likes tea")
    put(store, "likes ale")
    assert len(store.search(("memories",), query="tea", limit=100)) == 1


def test_what_was_stored_before_is_kept_as_it_was_found(store: BaseStore) -> None:
    store.put(ANN, "k", {"kind": "Memory", "content": {"content": "old"}})
    put(store, "new")
    found, changed = History(store).of(ANN, "k")
    assert (found.number, found.action, changed.number, changed.action) == (
        1,
        "created",
        2,
        "changed",
    )
    assert texts([found, changed]) == ["old", "new"]


def test_only_so_many_revisions_are_kept_as_is_wanted(store: BaseStore) -> None:
    for number in range(8):
        put(store, f"{number}", policy=Policy(keep_revisions=3))
    revisions = History(store).of(ANN, "k")
    assert texts(revisions) == ["5", "6", "7"]
    assert [one.number for one in revisions] == [6, 7, 8]


def test_a_shorter_history_is_reached_little_by_little(store: BaseStore) -> None:
    for number in range(30):
        put(store, f"{number}")
    for number in range(30, 35):
        put(store, f"{number}", policy=Policy(keep_revisions=2))
    assert texts(History(store).of(ANN, "k")) == ["33", "34"]


def test_revisions_are_kept_as_long_as_is_wanted(store: BaseStore) -> None:
    for number in range(6):
        put(store, f"{number}", policy=Policy(keep_revisions=timedelta(microseconds=1)))
    assert texts(History(store).of(ANN, "k"))[-1] == "5"
    assert len(History(store).of(ANN, "k")) <= 3
    put(store, "a", key="long", policy=Policy(keep_revisions=timedelta(days=1)))
    put(store, "b", key="long", policy=Policy(keep_revisions=timedelta(days=1)))
    assert texts(History(store).of(ANN, "long")) == ["a", "b"]


def test_no_history_is_kept_where_none_is_wanted(store: BaseStore) -> None:
    put(store, "a", policy=Policy(keep_revisions=0))
    assert History(store).of(ANN, "k") == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.sampled_from("xyz")), max_size=12))
def test_the_history_says_at_each_moment_what_was_there(
    steps: list[tuple[str, str | None]],
) -> None:
    store = InMemoryStore()
    states: list[tuple[datetime, dict[str, Any]]] = [(now(), {})]
    for key, text in steps:
        put(store, text, key)
        states.append((now(), {item.key: item.value for item in store.search(ANN)}))
    history = History(store)
    for time, state in states:
        assert {item.key: item.value for item in history.as_of(ANN, time)} == state
    for key in "ab":
        revisions = history.of(ANN, key)
        assert [one.number for one in revisions] == list(range(1, len(revisions) + 1))
        assert all(one.value != other.value for one, other in pairwise(revisions))
        living = store.get(ANN, key)
        assert (revisions[-1].value if revisions else None) == (living.value if living else None)


# As of


def test_a_memory_is_read_as_it_was(store: BaseStore) -> None:
    before = now()
    put(store, "likes tea")
    then = now()
    put(store, "likes ale")
    put(store, "likes rum", "other")
    history = History(store)
    assert history.as_of(ANN, before, "k") is None
    item = history.as_of(ANN, then, "k")
    assert item.value["content"] == {"content": "likes tea"}
    assert (item.namespace, item.key) == (ANN, "k")
    assert [one.key for one in history.as_of(ANN, then)] == ["k"]
    assert sorted(one.key for one in history.as_of(ANN, now())) == ["k", "other"]


def test_a_memory_was_there_at_the_times_that_its_store_gives_it(store: BaseStore) -> None:
    # Of LangGraph's SqliteStore these are whole seconds, earlier than what they are of.
    run(commit([Write(ANN, "k", {"content": "tea"})], actor="user"), store=store)
    run(commit([Write(ANN, "gone", {"content": "x"})], actor="user"), store=store)
    item = store.get(ANN, "k")
    assert item is not None
    history = History(store)
    assert history.as_of(ANN, item.created_at, "k") is not None
    run(commit([Write(ANN, "k", {"content": "ale"})], actor="user"), store=store)
    changed = store.get(ANN, "k")
    assert changed is not None
    then = history.as_of(ANN, changed.updated_at, "k")
    assert then is not None
    assert then.value == {"content": "ale"}
    assert history.as_of(ANN, item.created_at - timedelta(seconds=1)) == []


def test_a_time_without_a_zone_is_local(store: BaseStore) -> None:
    put(store, "likes tea")
    assert len(History(store).as_of(ANN, datetime.now())) == 1  # noqa: DTZ005 - what is tested


def test_others_memories_are_not_shown(store: BaseStore) -> None:
    put(store, "likes tea", place=BOB)
    put(store, "likes tea", place=(*ANN, "work"))
    assert History(store).as_of(ANN, now()) == []


def test_what_has_no_history_counts_from_its_last_writing(store: BaseStore) -> None:
    # SqliteStore writes whole seconds, so that an item of it counts from up to one before.
    before = now() - timedelta(seconds=1 if isinstance(store, SqliteStore) else 0)
    store.put(ANN, "k", {"content": "x"})
    assert History(store).as_of(ANN, before) == []
    assert [item.value for item in History(store).as_of(ANN, now())] == [{"content": "x"}]


# Restore


def test_a_deleted_memory_is_restored(store: BaseStore) -> None:
    put(store, "likes tea", sources=[SAID])
    put(store, None)
    revision = History(store).restore(ANN, "k", 1)
    assert (revision.number, revision.action, revision.sources) == (3, "restored", (SAID,))
    item = store.get(ANN, "k")
    assert item is not None
    assert item.value == {"kind": "Memory", "content": {"content": "likes tea"}}
    assert History(store).sources(ANN, "k") == [SAID]


def test_restoring_what_is_there_changes_nothing(store: BaseStore) -> None:
    put(store, "likes tea")
    assert History(store).restore(ANN, "k", 1).number == 1
    assert len(History(store).of(ANN, "k")) == 1


def test_a_time_is_a_date_or_iso_8601_and_nothing_else(store: BaseStore) -> None:
    put(store, "likes tea")
    history: Any = History(store)
    assert [item.key for item in history.as_of(ANN, "2999-01-01")] == ["k"]
    assert history.as_of(ANN, date(2000, 1, 1)) == []
    for times in ({"time": "yesterday"}, {"valid_at": "yesterday"}, {"time": 5}):
        with pytest.raises(InvalidInputError, match="ISO 8601"):
            history.as_of(ANN, **times)


def test_only_what_was_there_is_restored(store: BaseStore) -> None:
    put(store, "likes tea")
    put(store, None)
    with pytest.raises(UnknownMemoryError, match="'k' has no revision 7"):
        History(store).restore(ANN, "k", 7)
    with pytest.raises(UnknownMemoryError, match="no memory 'other'"):
        History(store).restore(ANN, "other", 1)
    with pytest.raises(InvalidInputError, match="deleted"):
        History(store).restore(ANN, "k", 2)


# Erase


def everything(store: BaseStore) -> str:
    plain = isinstance(store, InMemoryStore | SqliteStore)
    found = store.search((), limit=10_000) if plain else []
    histories = [History(store).of(place, key) for place in (ANN, BOB) for key in ("k", "other")]
    return repr([found, histories])


def test_an_erase_leaves_only_that_it_was_and_when(store: BaseStore) -> None:
    put(store, "secret one")
    put(store, "secret two")
    put(store, "likes tea", "other")
    report = History(store).erase(ANN, "k")
    assert (report.removed["items"], report.removed["revisions"]) == (1, 2)
    assert "secret" not in everything(store)
    (left,) = History(store).of(ANN, "k")
    assert (left.action, left.value, left.sources) == ("erased", None, ())
    assert len(store.search(ANN)) == 1


def test_what_was_erased_cannot_be_restored(store: BaseStore) -> None:
    put(store, "secret")
    before = now()
    History(store).erase(ANN, "k")
    assert History(store).as_of(ANN, before) == []
    with pytest.raises(InvalidInputError):
        History(store).restore(ANN, "k", History(store).of(ANN, "k")[0].number)


def test_a_deleted_memory_can_be_erased(store: BaseStore) -> None:
    put(store, "secret")
    put(store, None)
    assert History(store).erase(ANN, "k").removed["revisions"] == 2
    assert "secret" not in everything(store)


def test_all_of_a_namespace_is_erased_and_nothing_else(store: BaseStore) -> None:
    put(store, "secret")
    put(store, "secret", "other")
    put(store, "kept", place=BOB)
    assert History(store).erase(ANN).removed["items"] == 2
    assert "secret" not in everything(store)
    assert len(History(store).of(BOB, "k")) == 1


def test_erasing_twice_removes_nothing_more(store: BaseStore) -> None:
    put(store, "secret")
    History(store).erase(ANN)
    assert not any(History(store).erase(ANN).removed.values())
    assert len(History(store).of(ANN, "k")) == 1


def test_the_report_says_what_is_out_of_reach(store: BaseStore) -> None:
    assert any("backups" in one for one in History(store).erase(ANN).beyond)


def test_what_came_from_an_erased_turn_is_listed_and_with_cascade_erased(
    store: BaseStore,
) -> None:
    store.put(("turns", "ann"), "t1", {"kind": "Turn", "thread": "monday", "message_id": "m1"})
    put(store, "likes tea", sources=[SAID])
    put(store, "likes ale", "other")
    history = History(store)
    assert history.erase(("turns", "ann"), "t1").derived == ((ANN, "k"),)
    store.put(("turns", "ann"), "t1", {"kind": "Turn", "thread": "monday", "message_id": "m1"})
    assert history.erase(("turns", "ann"), cascade=True).derived == ((ANN, "k"),)
    assert [item.key for item in store.search(ANN)] == ["other"]


def test_a_memory_that_stays_quotes_an_erased_turn_no_more(store: BaseStore) -> None:
    store.put(("turns", "ann"), "t1", {"kind": "Turn", "thread": "monday", "message_id": "m1"})
    other = Source("monday", "m2", origin="user", quote="And ale")
    put(store, "likes tea", sources=[SAID])
    put(store, "likes tea and ale", sources=[SAID, other])
    history = History(store)

    report = history.erase(("turns", "ann"), "t1")

    assert report.derived == ((ANN, "k"),)
    first, second = history.of(ANN, "k")
    assert (first.sources[0].message_id, first.sources[0].quote) == ("m1", "")
    assert [source.quote for source in second.sources] == ["", "And ale"]
    assert texts([first, second]) == ["likes tea", "likes tea and ale"]


def test_no_file_holds_what_a_memory_quoted_of_an_erased_turn(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path / "m.db") as store:
        store.put(("turns", "ann"), "t1", {"thread": "monday", "message_id": "m1", "content": "x"})
        put(store, "likes tea", sources=[replace(SAID, quote="My zebra42 and I like tea")])
        History(store).erase(("turns", "ann"), "t1")

        assert [f.name for f in tmp_path.iterdir() if b"zebra42" in f.read_bytes()] == []
        assert store.get(ANN, "k") is not None


def by_the_user(source: Source) -> bool:
    return source.origin == "user"


def test_what_was_imported_is_purged_and_nothing_else(store: BaseStore) -> None:
    put(store, "likes tea", sources=[SAID])
    put(store, "likes ale", "other", sources=[Source(origin="import")])

    History(store).purge(ANN, Source(origin="import"))

    assert [item.key for item in store.search(ANN)] == ["k"]


@pytest.mark.parametrize("source", ["monday", "m1", "Ann", Source("monday"), by_the_user])
def test_all_that_came_from_one_source_is_purged(store: BaseStore, source: Any) -> None:
    put(store, "likes tea", sources=[SAID])
    put(store, "likes ale", "other", sources=[Source("tuesday", origin="tool")])
    assert History(store).purge(ANN, source).removed["items"] == 1
    assert [item.key for item in store.search(ANN)] == ["other"]


# Export and import


BEYOND = {
    "memory": ["logs, replicas, snapshots"],
    "sqlite": ["logs, replicas, snapshots"],
    "embedded": [],
    "postgres": ["other running programs", "VACUUM", "replicas"],
}


def test_the_report_says_what_stays_in_this_store_and_nothing_of_others(
    store: BaseStore, request: pytest.FixtureRequest
) -> None:
    wanted = BEYOND[request.node.callspec.params["store"]]
    of_the_store = History(store).erase(ANN).beyond[3:]
    assert len(of_the_store) == len(wanted)
    assert all(what in said for what, said in zip(wanted, of_the_store, strict=True))


def test_the_report_on_a_file_speaks_of_its_copies(tmp_path: Path) -> None:
    with EmbeddedStore(tmp_path / "a.db") as embedded:
        *_, others, copies = History(embedded).erase(ANN).beyond
    assert "other running programs" in others
    assert "copies of the file" in copies


def exported(store: BaseStore) -> list[str]:
    return list(History(store).export(ANN, BOB))


def filled(store: BaseStore) -> BaseStore:
    put(store, "likes tea", sources=[SAID])
    put(store, "likes ale 🍺", actor="manager", run=RUN)
    put(store, "gone", "other", place=BOB)
    put(store, None, "other", place=BOB)
    store.put(ANN, "plain", {"content": "by another program"})
    return store


def test_half_an_emoji_goes_into_any_store_that_takes_it(
    store: BaseStore, request: pytest.FixtureRequest
) -> None:
    if isinstance(store, SqliteStore):
        why = "SqliteStore writes values by orjson, which refuses them"
        request.applymarker(pytest.mark.xfail(reason=why, raises=TypeError, strict=True))
    source = InMemoryStore()
    source.put(ANN, "k", {"content": "by another program \ud83c"})
    assert History(store).import_(exported(source)).added == 1
    other = InMemoryStore()
    assert History(other).import_(History(store).export(ANN)).added == 1
    assert other.search(ANN)[0].value == source.search(ANN)[0].value


def test_memories_go_into_any_store_with_their_history(store: BaseStore) -> None:
    filled(store)
    other = InMemoryStore()
    done = History(other).import_(exported(store))
    assert (done.added, done.kept) == (3, 0)
    for place, key in [(ANN, "k"), (BOB, "other")]:
        assert History(other).of(place, key) == History(store).of(place, key)
    assert {item.key: item.value for item in other.search(("memories",))} == {
        item.key: item.value for item in store.search(("memories",))
    }
    History(other).restore(BOB, "other", 1)
    assert len(other.search(BOB)) == 1


def test_into_each_store_the_history_comes(store: BaseStore) -> None:
    source = filled(InMemoryStore())
    History(store).import_(exported(source))
    assert History(store).of(ANN, "k") == History(source).of(ANN, "k")
    assert [one.run for one in History(store).of(ANN, "k")] == [None, RUN]
    assert texts(History(store).of(BOB, "other")) == ["gone", None]


def test_importing_twice_changes_nothing(store: BaseStore) -> None:
    lines = exported(filled(InMemoryStore()))
    History(store).import_(lines)
    before = everything(store)
    put(store, "changed since")
    done = History(store).import_(lines)
    assert (done.added, done.kept) == (0, 3)
    History(store).restore(ANN, "k", 2)
    assert before != everything(store)
    assert len(History(store).of(ANN, "k")) == 4


ODD: list[dict[str, Any]] = [
    {"number": "1"},
    {"number": 0},
    {"number": [1]},
    {"value": "tea"},
    {"action": "made"},
    {"actor": ["user"]},
    {"reason": {"x": 1}},
    {"time": "2999-01-01T00:00:00+00:00"},
    {"time": "0001-01-01T00:00:00+14:00"},
    {"sources": [{"thread_id": ["t"]}]},
    {"sources": [{"origin": "moon"}]},
    {"sources": {"thread_id": "t"}},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_what_is_no_revision_is_not_imported(store: BaseStore, odd: dict[str, Any]) -> None:
    lines = exported(filled(InMemoryStore()))
    at, line = next((at, line) for at, line in enumerate(lines) if '"number":2' in line)
    data = json.loads(line)
    data["revisions"][0] |= odd
    with pytest.raises(InvalidInputError, match=f"Line {at + 1} of the import"):
        History(store).import_([*lines[:at], json.dumps(data), *lines[at + 1 :]])
    with pytest.raises(InvalidInputError, match="Line 1 of the import"):
        History(store).import_([json.dumps(data | {"value": ["tea"], "revisions": []})])
    assert History(store).of(tuple(data["namespace"]), data["key"]) == []


def test_the_times_of_an_import_have_a_zone(store: BaseStore) -> None:
    source = filled(InMemoryStore())
    History(store).import_([line.replace("+00:00", "") for line in exported(source)])
    assert History(store).of(ANN, "k") == History(source).of(ANN, "k")
    assert History(store).as_of(ANN, datetime(2999, 1, 1, tzinfo=UTC)) != []


TURN = {"kind": "Turn", "content": "I like tea", "speaker": "ann", "time": "2026-03-01T08:00:00Z"}
SAID_ANN = ("turns", "ann")


def with_a_turn(store: BaseStore) -> list[str]:
    put(filled(store), "from a tool", "tool's", sources=[replace(SAID, origin="tool")])
    store.put(SAID_ANN, "t", dict(TURN))
    return list(History(store).export(ANN, SAID_ANN))


def test_turns_that_are_imported_have_no_history_here_either(store: BaseStore) -> None:
    assert History(store).import_(with_a_turn(InMemoryStore())).added == 4
    assert store.get(SAID_ANN, "t") is not None
    assert History(store).of(SAID_ANN, "t") == []


def test_no_import_brings_back_what_was_erased_here(store: BaseStore) -> None:
    lines = with_a_turn(store)
    History(store).erase(ANN)
    History(store).erase(SAID_ANN)
    put(store, "another one of this name", "plain")

    done = History(store).import_(lines)

    assert (done.added, done.kept, done.erased) == (0, 1, 3)
    assert done.counts == {"added": 0, "kept": 1, "erased": 3}
    assert [item.key for item in store.search(ANN)] == ["plain"]
    assert list(store.search(SAID_ANN)) == []


def test_an_import_may_be_asked_to_bring_back_what_was_erased(store: BaseStore) -> None:
    lines = with_a_turn(store)
    History(store).erase(ANN)
    History(store).erase(SAID_ANN)

    done = History(store).import_(lines, bring_back_erased=True)

    assert (done.added, done.erased) == (4, 0)
    erased, back = History(store).of(ANN, "k")
    assert (erased.action, back.action, back.actor) == ("erased", "created", "import")
    assert texts([back]) == ["likes ale 🍺"]
    assert History(store).sources(ANN, "tool's")[0].origin == "tool"
    assert store.get(SAID_ANN, "t") is not None
    again = History(store).import_(lines, bring_back_erased=True)
    assert (again.added, again.kept) == (0, 4)


def test_an_import_may_go_to_another_namespace(store: BaseStore) -> None:
    History(store).import_(exported(filled(InMemoryStore())), namespace=("memories", "eve"))
    assert len(store.search(("memories", "eve"))) == 2


def test_what_cannot_be_read_names_its_line(store: BaseStore) -> None:
    lines = [*exported(filled(InMemoryStore())), '{"what": 1}']
    with pytest.raises(InvalidInputError, match=f"Line {len(lines)}"):
        History(store).import_(lines)
    with pytest.raises(InvalidInputError, match="newer"):
        History(store).import_(['{"longterm_export": 99}'])
    for binary in (b"\xff\xfe\0", b"SQLite format 3\0\xfb"):
        with pytest.raises(InvalidInputError, match=r"Line 1 .* no JSON"):
            History(store).import_([binary])


@pytest.mark.parametrize("indent", [None, 2])
def test_mem0_s_export_is_read(store: BaseStore, indent: int | None) -> None:
    memories = [
        {
            "id": "9e1",
            "memory": "Likes ramen",
            "user_id": "ann",
            "created_at": "2025-03-01T10:00:00-08:00",
        },
        {"id": "9e2", "memory": "Lives in Kyoto", "user_id": "ann"},
    ]
    text = json.dumps({"results": memories}, indent=indent)
    assert History(store).import_(text.splitlines()).added == 2
    assert {item.key for item in store.search(ANN)} == {"9e1", "9e2"}
    (revision,) = History(store).of(ANN, "9e1")
    assert (revision.time.year, revision.sources[0].origin) == (2025, "import")


async def test_exporting_awaits_as_well(store: BaseStore) -> None:
    filled(store)
    lines = [line async for line in History(store).aexport(ANN, BOB)]
    assert lines[1:] == exported(store)[1:]


def test_an_export_of_many_pages_has_everything_once(store: BaseStore) -> None:
    value = {"kind": "Memory", "content": {"content": "likes tea"}}
    written = [Write(ANN, str(number), value) for number in range(1_203)]
    run(commit(written, actor="user"), store=store)
    run(commit([Write(ANN, one.key, None) for one in written[::3]], actor="user"), store=store)
    keys = [json.loads(line).get("key") for line in History(store).export(ANN)]
    assert len(keys) == len({*keys}) == 1 + 1_203
    other = EmbeddedStore(":memory:") if isinstance(store, InMemoryStore) else InMemoryStore()
    assert History(other).import_(History(store).export(ANN)).added == 1_203
    assert len(other.search(ANN, limit=2_000)) == 802
    assert History(other).restore(ANN, "0", 1).action == "restored"
    assert History(other).import_(History(store).export(ANN)).added == 0


@pytest.mark.parametrize("change", ["edit", "delete"])
def test_what_is_written_while_an_export_is_read_hides_nothing(
    store: BaseStore, change: str
) -> None:
    value = {"kind": "Memory", "content": {"content": "likes tea"}}
    written = [Write(ANN, str(number), value) for number in range(2_100)]
    run(commit(written, actor="user"), store=store)
    edited = {**value, "content": {"content": "likes figs"}} if change == "edit" else None
    lines = History(store).export(ANN)
    keys = {json.loads(next(lines)).get("key") for _ in range(10)}
    run(commit([Write(ANN, str(n), edited) for n in (5, 2_095)], actor="user"), store=store)
    keys |= {json.loads(line).get("key") for line in lines}
    assert {one.key for one in written} <= keys


def test_an_import_lists_memories_in_the_order_in_which_they_were_written() -> None:
    source, other = EmbeddedStore(":memory:"), EmbeddedStore(":memory:")
    for text in ("tea", "figs", "plums"):
        put(source, text, text)
    History(other).import_(History(source).export(ANN))
    assert [item.key for item in other.search(ANN)] == ["plums", "figs", "tea"]


def test_mem0_s_metadata_comes_along_and_what_is_no_time_names_its_line(store: BaseStore) -> None:
    one = {"id": "1", "memory": "likes tea", "user_id": "ann", "metadata": {"topic": "drinks"}}
    assert History(store).import_([json.dumps([one])]).added == 1
    item = store.get(ANN, "1")
    assert item is not None
    assert item.value["metadata"] == {"topic": "drinks"}
    with pytest.raises(InvalidInputError, match="Line 2"):
        History(store).import_([json.dumps(one), json.dumps({**one, "updated_at": "soon"})])


def test_a_hundred_thousand_items_are_not_held_at_once() -> None:
    def endless() -> Iterator[str]:
        yield '{"longterm_export": 1}'
        for number in range(3_000):
            assert len(store.search(ANN, limit=10_000)) > number - 1_100
            yield json.dumps(
                {"namespace": list(ANN), "key": str(number), "value": {"content": "x"}}
            )

    store = InMemoryStore()
    assert History(store).import_(endless()).added == 3_000


def test_a_skip_leaves_no_revision(store: BaseStore) -> None:
    run(commit([Write(ANN, "k", lambda _: Skip())], actor="user"), store=store)
    assert History(store).of(ANN, "k") == []


@pytest.mark.parametrize("wrong", [(), ("",), ("a", ""), (1,)])
def test_a_namespace_is_a_tuple_of_texts(store: BaseStore, wrong: Any) -> None:
    with pytest.raises(InvalidInputError):
        History(store).of(wrong, "k")


class Beverages(Embeddings):
    """Knows that tea and oolong are one thing, and counts how often it is asked."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.texts += texts
        return [[1.0, 0.0] if "tea" in text or "oolong" in text else [0.0, 1.0] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def test_what_was_then_is_found_by_vectors_where_the_store_has_them() -> None:
    beverages = Beverages()
    store = InMemoryStore(index={"embed": beverages, "dims": 2, "fields": ["content.content"]})
    put(store, "likes oolong", "a")
    put(store, "likes ale", "b")
    put(store, "plays chess", "c")
    then = now()
    put(store, "likes ale", "a")
    put(store, None, "c")
    beverages.texts.clear()

    found = run(History(store).state(ANN, then, query="tea"), store=store)

    assert [item.key for item in found] == ["a"]
    assert "likes ale" not in beverages.texts  # what is as it was is not embedded again


def test_what_had_no_history_comes_in_with_its_time(store: BaseStore) -> None:
    theirs = InMemoryStore()
    theirs.put(ANN, "k", {"content": "likes tea"})
    [item] = theirs.search(ANN)
    before = now()

    assert History(store).import_(History(theirs).export(ANN)).added == 1

    [revision] = History(store).of(ANN, "k")
    assert (revision.time, revision.actor) == (item.updated_at, "import")
    assert [one.key for one in History(store).as_of(ANN, before)] == ["k"]


# When it was true in the world


def worked(store: BaseStore, key: str, employer: str, start: str | None, end: str | None) -> None:
    content = {"employer": employer, "since": start, "until": end}
    write = Write(ANN, key, {"kind": "Job", "content": content})
    run(commit([write], actor="user"), store=store)


def test_what_was_true_at_a_day_is_found_whenever_it_was_learned(store: BaseStore) -> None:
    worked(store, "a", "Acme", "2018", "2021-05-01")
    before = now()
    worked(store, "b", "Bolt", "2021-05-01", None)
    history = History(store, world_times={"Job": WorldTime("since", "until")})

    def keys(time: datetime | None, valid_at: date) -> list[str]:
        return [one.key for one in history.as_of(ANN, time, valid_at=valid_at)]

    assert keys(None, date(2020, 1, 1)) == ["a"]
    assert keys(None, date(2023, 1, 1)) == ["b"]
    assert keys(before, date(2023, 1, 1)) == []
    assert history.as_of(ANN, None, "a", valid_at=date(2023, 1, 1)) is None
    assert len(history.as_of(ANN)) == 2


def test_what_is_dropped_and_held_again_has_no_history(store: BaseStore) -> None:
    guard = Guard(actions={"card": "quarantine"})
    value = {"kind": "Memory", "content": {"content": "Ann pays by 4539 1488 0343 6467"}}
    write, place = Write(ANN, "k", value), quarantine_namespace(ANN)
    ids: set[str] = set()
    for _ in range(2):
        run(commit([write], actor="tool", policy=Policy(guard=guard)), store=store)
        held = run(held_in(ANN), store=store)
        ids |= {one.id for one in held}
        run(drop(held), store=store)

    (id,) = ids
    assert History(store).of(place, id) == []
    assert store.search(place) == []
