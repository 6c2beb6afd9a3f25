"""Which messages a memory came from, by its words."""

from hypothesis import given, strategies as st
from langchain_core.messages import AIMessage, HumanMessage

from longterm.memory.attribution import Attributor, content_text

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
