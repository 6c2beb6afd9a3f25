"""Where no word tells which message a memory came from, the store's embeddings do."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from longterm import create_memory_store_manager
from longterm.manage.sources import ConversationSources
from longterm.memory.conversation import as_messages
from longterm.memory.revision import Source
from longterm.stores import EmbeddedStore
from longterm.testing import ScriptedChatModel, tool_calls

SAID = [
    HumanMessage("I see the dentist after lunch", id="1"),
    HumanMessage("No milk in my coffee any more, please", id="2"),
    HumanMessage("The match begins at nine", id="3"),
]
PARAPHRASE = "Cannot drink dairy"


class Kitchen(Embeddings):
    """Knows that milk is dairy, and which texts it was asked about."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.texts += texts
        about_milk = [any(word in text for word in ("milk", "dairy")) for text in texts]
        return [[1.0, 0.0] if milk else [0.1, 0.9] for milk in about_milk]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


Stores = Callable[[Any], BaseStore]


@pytest.fixture(params=["memory", "embedded"])
def opened(request: pytest.FixtureRequest) -> Iterator[Stores]:
    with ExitStack() as stores:

        def open_store(index: Any) -> BaseStore:
            if request.param == "memory":
                return InMemoryStore(index=index)
            return stores.enter_context(EmbeddedStore(":memory:", index=index))

        yield open_store


def sources(
    memory: str,
    messages: Sequence[BaseMessage],
    embed: Embeddings | None = None,
    opened: Stores = lambda index: InMemoryStore(index=index),
) -> list[Source]:
    store = opened(None if embed is None else {"embed": embed, "dims": 2})
    model = ScriptedChatModel(tool_calls(("Memory", {"content": memory})))
    manager = create_memory_store_manager(model, namespace=("m",), store=store)
    [put] = manager.invoke({"messages": list(messages)})
    return manager.sources(put["key"])


def test_a_paraphrase_names_the_message_that_is_near(opened: Stores) -> None:
    assert sources(PARAPHRASE, SAID, Kitchen(), opened)[0].message_id == "2"
    assert [one.message_id for one in sources(PARAPHRASE, SAID, None, opened)] == [None]


def test_a_message_without_words_is_not_embedded_and_no_source() -> None:
    kitchen = Kitchen()
    found = sources(PARAPHRASE, [HumanMessage("", id="0"), *SAID[1:]], kitchen)
    assert sorted(str(one.message_id) for one in found) == ["2", "3"]
    assert "" not in kitchen.texts


def test_the_time_of_a_source_has_a_zone() -> None:
    said = {"role": "user", "content": "I see the dentist after lunch"}
    times = ["2024-05-03T14:00:00", "2024-05-03T14:00:00+02:00"]
    messages = as_messages([{**said, "timestamp": time} for time in times])
    found = ConversationSources(messages, None).of_content("Sees the dentist")
    assert [one.time and one.time.isoformat() for one in found] == [
        "2024-05-03T14:00:00+00:00",
        "2024-05-03T14:00:00+02:00",
    ]


def test_what_words_explain_costs_no_embedding_of_the_conversation() -> None:
    kitchen = Kitchen()
    assert sources("Sees the dentist after lunch", SAID, kitchen)[0].message_id == "1"
    assert SAID[0].text not in kitchen.texts  # nor any other message by itself


@pytest.mark.filterwarnings("ignore::longterm.errors.DroppedWarning")
def test_nearness_never_makes_an_origin_better() -> None:
    messages = [
        *SAID[:2],
        tool_calls(("fetch", {"url": "menu"})),
        ToolMessage("Guests take oats here", tool_call_id="call_0", id="9"),
    ]
    found = sources(PARAPHRASE, messages, Kitchen())
    assert found[0].message_id == "2"
    assert "tool" in {one.origin for one in found}


def test_texts_that_the_model_cannot_read_are_near_to_nothing() -> None:
    class Silent(Kitchen):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [[0.0, 0.0] for _ in texts]

    assert sources(PARAPHRASE, SAID, Silent())
