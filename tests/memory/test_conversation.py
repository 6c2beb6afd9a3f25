"""Conversations: every form callers use, as messages, as text, as search queries."""

from datetime import UTC, date, datetime
from traceback import format_exception
from typing import Any

import pytest
from hypothesis import given, strategies as st
from langchain_core.load import dumpd
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    messages_to_dict,
)
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from longterm.errors import InvalidInputError
from longterm.memory.conversation import (
    MESSAGE_LIMIT,
    QUERY_LIMIT,
    Attributor,
    as_messages,
    as_time,
    message_text,
    message_time,
    render,
    speaker,
    unread_times,
    well_formed,
    windows,
)
from longterm.memory.model import content_text

PICTURE = "data:image/png;base64," + "iVBORw0KGgo" * 15_000
CALL = {
    "id": "1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"at": "Rome"}'},
}


# Forms


@pytest.mark.parametrize(
    "form",
    [
        "hello",
        ["hello"],
        ("user", "hello"),
        [("user", "hello")],
        {"role": "user", "content": "hello"},
        [{"role": "user", "content": "hello"}],
        {"messages": ["hello"]},
        {"messages": ["hello"], "type": "chat", "content": "a state's own"},
        HumanMessage("hello"),
        [HumanMessage("hello")],
        (HumanMessage("hello"),),
        [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
        {"type": "human", "content": "hello"},
        HumanMessage("hello").model_dump(),
        messages_to_dict([HumanMessage("hello")]),
        messages_to_dict([HumanMessage("hello")])[0],
        dumpd(HumanMessage("hello")),
    ],
)
def test_every_natural_form_is_understood(form: Any) -> None:
    (message,) = as_messages(form)
    assert isinstance(message, HumanMessage)
    assert message.text == "hello"


@pytest.mark.parametrize("nothing", [None, [], (), {"messages": []}, {"messages": None}])
def test_no_messages_are_no_error(nothing: Any) -> None:
    assert as_messages(nothing) == []


def test_a_message_that_is_taken_back_was_never_said() -> None:
    tea, ale, rum = (HumanMessage(text, id=text) for text in ("tea", "ale", "rum"))
    assert as_messages([tea, ale, RemoveMessage("tea"), rum]) == [ale, rum]
    assert as_messages([tea, RemoveMessage(REMOVE_ALL_MESSAGES), tea]) == [tea]


def test_a_call_that_a_model_garbled_keeps_its_message() -> None:
    garbled = {**CALL, "function": {"name": "weather", "arguments": '{"at": "Ro'}}
    message = {"role": "assistant", "content": "Let me look.", "tool_calls": [garbled]}
    assert [message_text(one) for one in as_messages([message])] == ["Let me look."]


def test_openai_s_tool_messages_are_understood() -> None:
    call, result = as_messages(
        [
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "1", "content": "sunny"},
        ]
    )
    assert isinstance(call, AIMessage)
    assert isinstance(result, ToolMessage)


@pytest.mark.parametrize("value", [5, object(), {"text": "hello"}, iter(["hello"])])
def test_what_is_no_list_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError, match="must be a list"):
        as_messages(value)


@pytest.mark.parametrize(
    "odd",
    [5, None, object(), {"content": "hello"}, {"role": "wizard", "content": "hello"}, ("a", 1, 2)],
)
def test_an_odd_message_is_refused_with_its_position(odd: Any) -> None:
    with pytest.raises(InvalidInputError, match="Message 1 "):
        as_messages(["fine", odd])


def test_an_odd_message_is_not_quoted() -> None:
    odd = {"text": "private words"}
    with pytest.raises(InvalidInputError) as refused:
        as_messages([odd])
    assert "private words" not in "".join(format_exception(refused.value))


def test_a_tool_message_without_its_call_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="tool_call_id"):
        as_messages([{"role": "tool", "content": "sunny"}])


# Text


def test_a_conversation_names_who_spoke() -> None:
    messages = [SystemMessage("be kind"), HumanMessage("hi", name="Ann"), AIMessage("hello")]
    assert render(messages) == "system: be kind\n\nuser (Ann): hi\n\nassistant: hello"


@pytest.mark.parametrize(
    ("message", "role"),
    [
        (HumanMessage(""), "user"),
        (AIMessage(""), "assistant"),
        (SystemMessage(""), "system"),
        (ToolMessage("", tool_call_id="1"), "tool"),
        (ChatMessage(content="", role="critic"), "critic"),
    ],
)
def test_speakers_have_openai_s_names(message: BaseMessage, role: str) -> None:
    assert speaker(message) == role


def test_a_message_shows_its_own_time() -> None:
    message = HumanMessage("hi", additional_kwargs={"timestamp": "2024-05-03T14:00:00"})
    assert render([message]) == "[2024-05-03 14:00] user: hi"


def test_a_date_is_the_time_when_it_begins() -> None:
    assert as_time(date(2024, 5, 3)) == as_time("2024-05-03T00:00:00")


def test_a_dict_s_time_is_the_message_s() -> None:
    (message,) = as_messages([{"role": "user", "content": "hi", "created_at": 1_714_744_800}])
    assert message_time(message) == datetime(2024, 5, 3, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [1_714_744_800, 1_714_744_800.0, 1_714_744_800_000, "1714744800", "1714744800.0"],
)
def test_seconds_and_milliseconds_are_times(value: Any) -> None:
    message = AIMessage("", response_metadata={"time": value})
    assert message_time(message) == datetime(2024, 5, 3, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", [True, None, "soon", 0.53, -5, float("nan"), float("inf"), 10**30, {}, []]
)
def test_what_is_no_time_is_no_error(value: Any) -> None:
    assert message_time(AIMessage("", response_metadata={"time": value})) is None


def test_messages_whose_time_cannot_be_read_are_named() -> None:
    def said(**more: Any) -> BaseMessage:
        return HumanMessage("hi", additional_kwargs=more)

    fine = [said(), said(timestamp=1_714_744_800), said(timestamp=""), said(time="12 ms")]
    assert unread_times(fine) is None
    assert (unread_times([*fine, said(timestamp="soon")]) or "").startswith("The time of message 4")
    odd = unread_times([said(timestamp="03/05/2024")] * 5) or ""
    assert "message 0, 1, 2 and 2 more" in odd
    assert "03/05" not in odd
    assert unread_times([said(timestamp="soon", created_at="2024-05-03")]) is None


def test_a_picture_becomes_a_note() -> None:
    picture = {"type": "image_url", "image_url": {"url": PICTURE}}
    message = HumanMessage([{"type": "text", "text": "my cat"}, picture])
    assert message_text(message) == "my cat\n[image]"


def test_a_picture_in_words_becomes_a_note() -> None:
    assert message_text(HumanMessage(f"look: {PICTURE}")) == "look: [data]"


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "input_audio", "input_audio": {"data": "…"}}, "[audio]"),
        ({"type": "file", "file": {"file_data": PICTURE}}, "[file]"),
        ({"type": "thinking", "thinking": "hm"}, ""),
        ({"type": "tool_use", "name": "f", "input": {}}, ""),
        ({"type": "refusal", "refusal": "no"}, "no"),
        ({"type": "tool_result", "content": [{"type": "text", "text": "sunny"}]}, "sunny"),
        ({"type": "tool_result", "content": None}, "[tool_result]"),
        ({"odd": 1}, '{"odd": 1}'),
    ],
)
def test_blocks_of_providers_are_read(block: Any, text: str) -> None:
    assert message_text(HumanMessage([block])) == text


def test_a_call_and_its_result_are_shown() -> None:
    (call,) = as_messages([{"role": "assistant", "content": "", "tool_calls": [CALL]}])
    assert message_text(call) == '[calls weather({"at": "Rome"})]'


def test_an_over_long_message_keeps_both_ends() -> None:
    text = message_text(HumanMessage("begin " + "x" * 2_000_000 + " end"))
    assert text.startswith("begin ")
    assert text.endswith(" end")
    assert len(text) < MESSAGE_LIMIT + 100


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_any_text_can_be_sent(text: str) -> None:
    assert message_text(HumanMessage(text)).encode() is not None
    assert well_formed(well_formed(text)) == well_formed(text)


def test_two_halves_of_an_emoji_are_joined() -> None:
    assert well_formed("\ud83d\ude00") == "😀"
    assert well_formed("\ud83d!") == "\ufffd!"


# Search queries


conversations = st.lists(
    st.text(max_size=5_000) | st.sampled_from(["x" * 3_000, "tea"]), max_size=30
)


@given(conversations, st.integers(0, 6))
def test_windows_keep_within_their_limits(texts: list[str], count: int) -> None:
    queries = windows(as_messages(texts), count)
    assert len(queries) <= count
    assert all(0 < len(query) <= QUERY_LIMIT for query in queries)
    assert len(set(queries)) == len(queries)


def test_windows_see_more_than_the_last_message() -> None:
    texts = [f"message {n}" for n in range(8)]
    queries = windows(as_messages(texts))
    assert queries[0] == "message 7"
    assert queries[1] == "message 5\nmessage 6"
    assert all(any(text in query for query in queries) for text in texts)


def test_system_messages_and_pictures_make_no_query() -> None:
    picture = HumanMessage([{"type": "image_url", "image_url": {"url": PICTURE}}])
    assert windows([SystemMessage("be kind")]) == []
    assert all("base64" not in query for query in windows([picture, HumanMessage("hi")]))


def test_a_long_message_does_not_push_the_others_out() -> None:
    queries = windows(as_messages(["x" * 5_000, "likes tea", "hello"]))
    assert "likes tea" in queries[1]


@given(
    st.text() | st.sampled_from(["<memory>\nRemembered from earlier conversations: tea", "\ud83c"])
)
def test_a_text_says_the_same_alone_and_in_blocks(text: str) -> None:
    blocks: Any = [{"type": "text", "text": text}]
    assert message_text(HumanMessage(text)) == message_text(HumanMessage(blocks))


SAID = [
    HumanMessage("Hi Bob, how are you today?", name="Ann"),
    HumanMessage("I am fine, my sister visits me from Lisbon", name="Bob"),
    HumanMessage("How long has she been a doctor?", name="Ann"),
    HumanMessage("Nine years!", name="Bob"),
    HumanMessage("明日は京都でラーメンを食べます", name="Ann"),
]


def test_the_message_that_shares_the_rare_words_comes_first() -> None:
    assert Attributor(SAID).of("Bob's sister lives in Lisbon")[0] == 1


def test_an_answer_is_found_through_its_question() -> None:
    assert 3 in Attributor(SAID).of("Bob's sister has been a doctor for nine years")


def test_what_follows_a_statement_is_no_answer_to_it() -> None:
    said = [
        HumanMessage("I ride a green Brompton to the old harbour."),
        HumanMessage("It rains a lot here."),
    ]
    assert Attributor(said).of("Ann has a green Brompton bike") == [0]


@given(
    st.text(alphabet="tea ale.京都ü'", max_size=12), st.text(alphabet="tea ale.京都ü'", max_size=12)
)
def test_one_message_alone_is_a_source_where_it_were_one_among_others(
    content: str, message: str
) -> None:
    alone, others = [HumanMessage(message)], [HumanMessage("9"), HumanMessage("8")]
    assert Attributor(alone).of(content) == Attributor([*alone, *others]).of(content)


def test_japanese_is_attributed() -> None:
    assert Attributor(SAID).of("京都のラーメンが好き") == [4]


def test_what_shares_no_word_points_nowhere() -> None:
    assert Attributor(SAID).of("vegetarian") == []
    assert Attributor([]).of("vegetarian") == []


def test_only_what_is_new_counts() -> None:
    said = [HumanMessage("I live in Kyoto"), AIMessage("ok"), HumanMessage("I have a cat")]
    assert Attributor(said).of("lives in Kyoto, has a cat", "lives in Kyoto") == [2]
    assert Attributor(said).of("lives in Kyoto", "lives in Kyoto") == [0]


def test_all_texts_in_a_content_count() -> None:
    assert content_text({"a": ["x", {"b": 7}], "c": None, "d": True}).split() == ["x", "7"]


@given(st.lists(st.text(max_size=20), max_size=8), st.text(max_size=30), st.integers(1, 4))
def test_no_more_messages_are_cited_than_asked_for(
    said: list[str], content: str, limit: int
) -> None:
    cited = Attributor([HumanMessage(text) for text in said]).of(content, limit=limit)
    assert len(cited) == len(set(cited)) <= limit
    assert all(0 <= place < len(said) for place in cited)


def test_words_tell_where_a_message_shares_a_fifth_of_them() -> None:
    assert Attributor(SAID).decides("Bob's sister lives in Lisbon")
    assert not Attributor(SAID).decides("Her brother studied medicine")
    assert not Attributor(SAID).decides(
        "In summer Carla, Lisbon born, sails, reads novels, paints walls, bakes bread, grows beans"
    )
    assert not Attributor([]).decides("vegetarian")


def test_what_is_near_counts_beside_what_shares_words() -> None:
    said = Attributor(SAID)
    assert said.of("vegetarian", nearness=[0.1, 0.2, 0.1, 0.9, 0.0])[0] == 3
    both = said.of("Bob's sister lives in Lisbon", nearness=[0.0, 0.9, 0.1, 0.8, 0.1])
    assert both[0] == 1
    assert len(both) == 3
