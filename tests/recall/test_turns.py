"""Messages become turns, word for word and only once."""

import json
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from hypothesis import given, settings, strategies as st
from langchain_core.messages import HumanMessage
from langgraph.store.base import Item

from longterm.memory.conversation import as_messages, turn_key
from longterm.memory.model import indexed_fields
from longterm.recall.candidates import as_candidate
from longterm.recall.turns import Turn, turns
from longterm.stores import EmbeddedStore
from longterm.text.tokenizer import terms

NOW = datetime(2023, 6, 1, tzinfo=UTC)
LONG = "She said — quite often — that naïve readers skip the beginning? " * 40
CHINESE = "我喜欢拉面 " * 90


def made(*messages: object, thread: str = "one", limit: int = 1000) -> list[Turn]:
    return turns(as_messages(list(messages)), thread=thread, now=NOW, limit=limit)


def item(value: dict[str, object], key: str = "k") -> Item:
    return Item(value=value, key=key, namespace=("n",), created_at=NOW, updated_at=NOW)


def test_who_what_when_and_where_are_kept() -> None:
    (turn,) = made(
        {
            "role": "user",
            "name": "Ann",
            "content": "Hi",
            "id": "m1",
            "timestamp": "2023-05-08T10:00",
        }
    )

    assert (turn.text, turn.speaker, turn.role) == ("Hi", "Ann", "user")
    assert turn.time == datetime(2023, 5, 8, 10, 0, tzinfo=UTC)
    assert (turn.thread, turn.position, turn.message_id) == ("one", 0, "m1")


def test_a_message_without_a_time_has_that_of_the_one_before() -> None:
    _, second = made({"role": "user", "content": "a", "timestamp": 1_600_000_000}, "b")

    assert second.time == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)


def test_keys_follow_from_ids_and_threads() -> None:
    (first,) = made({"role": "user", "content": "a", "id": "1"})
    (edited,) = made({"role": "user", "content": "b", "id": "1"})
    (elsewhere,) = made({"role": "user", "content": "a", "id": "1"}, thread="two")

    assert first.key == edited.key != elsewhere.key


@given(st.text(), st.text(min_size=1))
def test_a_key_is_the_uuid_of_its_thread_and_id(thread: str, message_id: str) -> None:
    named = json.dumps([thread, message_id])

    assert turn_key(thread, message_id) == str(uuid5(uuid5(NAMESPACE_URL, "longterm/turn"), named))


def test_the_same_words_twice_are_two_turns() -> None:
    first, second = made("ok", "ok")

    assert first.key != second.key
    assert second.before == first.key


def test_system_messages_and_empty_ones_are_no_turns() -> None:
    assert not made({"role": "system", "content": "Be nice"}, {"role": "user", "content": " "})


def test_another_programs_summary_is_no_turn() -> None:
    summary = HumanMessage("They met.", additional_kwargs={"lc_source": "summarization"})
    assert [turn.text for turn in made(summary, "Hi")] == ["Hi"]


def test_calls_and_pictures_are_noted() -> None:
    call = {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c", "name": "add", "args": {"a": 1}, "type": "tool_call"}],
    }
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}

    assert [turn.text for turn in made(call, picture)] == ['[calls add({"a": 1})]', "[image]"]


def test_a_long_message_keeps_both_ends() -> None:
    (turn,) = made("a" * 600 + "z" * 600, limit=100)

    assert turn.text.startswith("aaa")
    assert turn.text.endswith("zzz")
    assert "1100 characters left out" in turn.text


def test_of_hardly_any_room_nothing_is_left_but_the_note() -> None:
    (turn,) = made("a" * 600, limit=1)

    assert turn.text == "\n[… 600 characters left out …]\n"


def test_a_long_turn_has_a_vector_for_each_piece() -> None:
    (short,) = made("a few words")
    (long,) = made(" ".join(["word"] * 200))

    assert indexed_fields(short.value) == ["content"]
    assert indexed_fields(long.value) == ["content", "pieces[*]"]


def test_a_turn_comes_back_from_the_store() -> None:
    (turn,) = made({"role": "user", "name": "Ann", "content": "Hi", "id": "m1"})

    found = as_candidate(item(turn.value, turn.key))

    assert (found.kind, found.text, found.speaker, found.role) == ("turn", "Hi", "Ann", "user")
    assert (found.time, found.message_id, found.written) == (NOW, "m1", NOW.timestamp())


def test_everything_else_is_a_memory() -> None:
    plain = as_candidate(item({"kind": "Memory", "content": {"content": "Likes tea"}}))
    shaped = as_candidate(item({"kind": "Food", "content": {"dish": "ramen", "spice": 2}}))
    tool = as_candidate(item({"content": "Likes tea"}))

    assert [one.text for one in (plain, shaped, tool)] == [
        "Likes tea",
        "dish: ramen; spice: 2",
        "Likes tea",
    ]
    assert {one.kind for one in (plain, shaped, tool)} == {"memory"}


@given(st.lists(st.text(min_size=1, max_size=12), max_size=8))
def test_recording_again_gives_the_same_keys(texts: list[str]) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    keys = [turn.key for turn in made(*messages)]

    assert [turn.key for turn in made(*messages)] == keys
    assert len(set(keys)) == len(keys)


@settings(deadline=None)
@given(
    st.lists(st.text(max_size=60) | st.sampled_from([LONG, "我喜欢拉面 " * 90, "?"]), max_size=4)
)
def test_the_terms_that_a_store_brings_along_are_those_of_the_text(texts: list[str]) -> None:
    said = made(*texts, limit=30_000)
    with EmbeddedStore(":memory:") as store:
        for turn in said:
            store.put(("n",), turn.key, turn.value, index=indexed_fields(turn.value))
        hits = store.hybrid_search(("n",), "", full_scan_limit=10)
        rows = [hit.encoded for hit in hits]

    read = [as_candidate(row.decode(), row) for row in rows]

    assert {one.text for one in read} == {turn.text for turn in said}
    assert [one.reading for one in read] == [as_candidate(row.decode()).reading for row in rows]
    assert any(one.packed_terms for one in read) == any(map(terms, texts))


def test_what_is_found_by_other_texts_is_read_anew() -> None:
    (turn,) = made("Ann has moved to Lyon")
    with EmbeddedStore(":memory:") as store:
        store.put(("n",), "k", turn.value, index=["speaker"])
        (hit,) = store.hybrid_search(("n",), "", full_scan_limit=10)

    read = as_candidate(hit.encoded.decode(), hit.encoded)

    assert read.packed_terms is None
    assert read.reading == as_candidate(hit.item).reading
