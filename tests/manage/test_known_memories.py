"""Which known memories the model is shown."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from longterm import create_memory_store_manager
from longterm.errors import DroppedWarning
from longterm.manage.conversation_queries import conversation_queries
from longterm.testing import HashEmbeddings, ScriptedChatModel, tool_calls

PLACE = ("m",)


@pytest.fixture(params=["words", "vectors"])
def store(request: pytest.FixtureRequest) -> BaseStore:
    embed = HashEmbeddings()
    if request.param == "vectors":
        return InMemoryStore(index={"dims": embed.dims, "embed": embed})
    return InMemoryStore()


def fill(store: BaseStore, *texts: str) -> None:
    for number, text in enumerate(texts):
        store.put(PLACE, str(number), {"kind": "Memory", "content": {"content": text}})


def shown(store: BaseStore, messages: Any, **options: Any) -> str:
    model = ScriptedChatModel(tool_calls())
    create_memory_store_manager(model, namespace=PLACE, store=store, **options).invoke(messages)
    return model.asked[0].text.partition("</memories>")[0]


def test_all_that_is_known_is_shown_while_it_fits(store: BaseStore) -> None:
    fill(store, *(f"fact number {number}" for number in range(40)))
    assert shown(store, "something else").count("fact number") == 40


def test_only_so_many_are_shown_as_is_set(store: BaseStore) -> None:
    fill(store, *(f"fact number {number}" for number in range(40)))
    assert shown(store, "a fact", query_limit=3).count("fact number") == 3


def test_what_does_not_fit_is_chosen_by_the_conversation(store: BaseStore) -> None:
    fill(store, "Ann lives in Kyoto", *(f"filler {'word ' * 40}{n}" for n in range(80)))
    text = shown(store, "Kyoto is where Ann lives, she says", known_tokens=300)
    assert "Ann lives in Kyoto" in text
    assert text.count("filler") < 10


def test_the_beginning_of_a_long_conversation_counts(store: BaseStore) -> None:
    fill(store, "Ann lives in Kyoto", *(f"filler {'word ' * 40}{n}" for n in range(80)))
    said = ["I moved away from Kyoto", *["We talk of the word"] * 40, "bye"]
    assert "Ann lives in Kyoto" in shown(store, said, known_tokens=400)


def test_what_is_to_be_forgotten_goes_before_all_else(store: BaseStore) -> None:
    fill(store, "My address is Elm Street 5", *(f"filler {'word ' * 40}{n}" for n in range(80)))
    said = ["Please forget my address", *["word word word filler"] * 30]
    with pytest.warns(DroppedWarning, match="a request to forget"):
        assert "Elm Street" in shown(store, said, known_tokens=120)


def test_greetings_are_not_searched_for() -> None:
    said = [HumanMessage("Hi!"), HumanMessage("I love ramen"), AIMessage("Thanks, see you soon!")]
    assert conversation_queries(said) == ["I love ramen"]
    assert conversation_queries([HumanMessage("Hello"), HumanMessage("再见")]) != []


def test_another_programs_summary_is_no_query() -> None:
    summary = HumanMessage("Please forget the tea.", additional_kwargs={"lc_source": "summary"})
    said = [HumanMessage(f"message {n}") for n in range(30)]
    assert not [one for one in conversation_queries([summary, *said]) if "tea" in one]


def test_a_long_conversation_has_a_few_queries_over_all_of_it() -> None:
    said = [HumanMessage(f"statement number {n}") for n in range(500)]
    queries = conversation_queries(said)
    assert len(queries) <= 16
    assert all(any(f"number {n}" in query for query in queries) for n in (0, 100, 300, 499))


def test_each_subject_of_the_newest_messages_is_searched_for() -> None:
    said = [HumanMessage(text) for text in ("cello", "hi!", "caravan", "gluten", "Zoe", "garden")]
    assert conversation_queries(said) == ["garden", "gluten\nZoe", "cello\ncaravan"]
