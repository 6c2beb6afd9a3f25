"""Facts stand in the time of what they tell, beside the turns they came from."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

import longterm
from longterm.commit import Write, commit
from longterm.effects.drivers import run
from longterm.history import History
from longterm.memory.revision import Source
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.retriever import create_recall
from longterm.stores import EmbeddedStore
from longterm.testing import ScriptedChatModel, tool_calls

ANN: Any = {"configurable": {"langgraph_user_id": "ann", "thread_id": "t1"}}
OTHER: Any = {"configurable": {"langgraph_user_id": "ann", "thread_id": "t2"}}
MEMORIES = ("memories", "ann")
SAID = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)


@pytest.fixture(params=["memory", "embedded"])
def store(request: pytest.FixtureRequest) -> Iterator[BaseStore]:
    if request.param == "memory":
        yield InMemoryStore()
    else:
        with EmbeddedStore(":memory:") as embedded:
            yield embedded


def learn(store: BaseStore, key: str, text: str | None, *sources: Source) -> None:
    value = None if text is None else {"kind": "Memory", "content": {"content": text}}
    run(commit([Write(MEMORIES, key, value, sources=sources)], actor="manager"), store=store)


def test_a_fact_has_the_time_of_what_it_tells(store: BaseStore) -> None:
    learn(store, "m", "Ann lives in Lyon", Source("t1", "1", SAID, speaker="Ann", origin="user"))

    (item,) = create_recall(store=store).invoke("Where does Ann live?", OTHER).items

    assert item.time == SAID
    assert item.sources[0].message_id == "1"


def test_times_with_and_without_a_zone_stand_side_by_side(store: BaseStore) -> None:
    bare, later = SAID.replace(tzinfo=None), SAID + timedelta(hours=1)
    learn(store, "m", "Ann lives in Lyon", Source("t1", "1", bare), Source("t1", "2", later))
    learn(store, "n", "Ann lives with a cat", Source("t1", "1", bare))

    items = create_recall(store=store).invoke("Where does Ann live?", OTHER).items

    assert {item.key: item.time for item in items} == {"m": later, "n": SAID}


def test_what_is_kept_of_a_fact_quotes_an_erased_turn_no_more(store: BaseStore) -> None:
    said = {"role": "user", "content": "I came to Lyon for the lamps", "id": "1"}
    (turn,) = create_conversation_recorder(store=store).invoke({"messages": [said]}, ANN)
    learn(store, "m", "Ann lives in Lyon", Source("t1", "1", quote="I came to Lyon for the lamps"))
    recall = create_recall(store=store, namespace=MEMORIES)

    def quotes() -> list[str]:
        (item,) = recall.invoke("Where does Ann live?").items
        return [source.quote for source in item.sources]

    assert quotes() == ["I came to Lyon for the lamps"]

    History(store).erase(turn["namespace"], turn["key"])

    assert quotes() == [""]


def test_a_fact_stands_under_its_turn(store: BaseStore) -> None:
    said = {"role": "user", "content": "We came here", "id": "1", "timestamp": "2023-05-08T13:56"}
    create_conversation_recorder(store=store).invoke({"messages": [said]}, ANN)
    learn(store, "m", "Ann lives in Lyon", Source("t1", "1", SAID, origin="user"))

    recalled = create_recall(store=store).invoke("Where does Ann live?", OTHER)

    assert "[2023-05-08, Monday]\nuser: We came here\n  fact: Ann lives in Lyon" in recalled.text
    assert "from: user, 2023-05-08, thread t1, message 1" in recalled.explain()


def test_a_fact_stands_under_the_turn_of_a_message_without_an_id() -> None:
    facts = ScriptedChatModel(tool_calls(("Memory", {"content": "Ann has a green Brompton bike"})))
    with longterm.open(":memory:", model=facts, embeddings=None) as memory:
        ann = memory.user("ann")
        ann.remember(
            ["I ride a green Brompton to the old harbour.", "It rains a lot here."], thread="t1"
        )

        recalled = ann.recall("What bike does Ann have in the rain?")

    assert recalled.text.splitlines()[3:-1] == [
        "user: I ride a green Brompton to the old harbour.",
        "  fact: Ann has a green Brompton bike",
        "user: It rains a lot here.",
    ]


@pytest.mark.parametrize("id", ["", "m1"])
def test_a_memory_brings_its_turn_before_others_of_its_time(id: str) -> None:
    said = [{"role": "user", "content": f"The train {n} is late"} for n in range(900)]
    said.insert(450, {"role": "user", "content": "We came here in May", "id": id})
    with EmbeddedStore(":memory:") as store:
        create_conversation_recorder(store=store).invoke({"messages": said}, ANN)
        (turn, *_) = store.search(("turns", "ann"), query="came May")
        learn(store, "m", "Ann lives in Lyon", Source("t1", id or turn.key, None, origin="user"))

        found = create_recall(store=store).invoke("Does Ann live in Lyon?", OTHER)

    assert [item.key for item in found.items[:2]] == ["m", turn.key]


def test_recall_as_of_a_time_knows_what_was_known_then(store: BaseStore) -> None:
    learn(store, "m", "Ann lives in Lyon")
    learn(store, "gone", "Ann likes to live by the sea")
    (first,) = History(store).of(MEMORIES, "m")
    (gone,) = History(store).of(MEMORIES, "gone")
    then = max(first.time, gone.time)
    learn(store, "m", "Ann lives in Rome")
    learn(store, "gone", None)
    recall = create_recall(store=store)

    now = recall.invoke("Where does Ann live?", OTHER).text
    before = recall.invoke({"question": "Where does Ann live?", "as_of": then}, OTHER).text

    assert "Rome" in now
    assert "Lyon" not in now
    assert "Lyon" in before
    assert "sea" in before
    assert "Rome" not in before
