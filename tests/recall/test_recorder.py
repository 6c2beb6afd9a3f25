"""Recording, which waits for no embedding model."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig

from longterm import create_conversation_recorder, create_recall
from longterm.stores import EmbeddedStore
from longterm.testing import HashEmbeddings

ANN: RunnableConfig = {"configurable": {"langgraph_user_id": "ann", "thread_id": "monday"}}


class Silent(HashEmbeddings):
    """A model that answers no document until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        assert self.may_answer.wait(30)
        return super().embed_documents(texts)


def test_a_turn_is_recorded_before_the_model_has_answered() -> None:
    model = Silent()
    with EmbeddedStore(":memory:", index={"embed": model, "dims": 64}) as store:
        recorder = create_conversation_recorder(store=store)
        (kept,) = recorder.invoke({"messages": [("user", "I moved to Lyon")]}, ANN)
        assert kept["value"]["content"] == "I moved to Lyon"
        assert model.documents == []
        assert store.stats().pending == 1
        model.may_answer.set()
        found = create_recall(store=store).invoke("Where did I move?", ANN)
        assert [item.text for item in found.items] == ["I moved to Lyon"]
        assert found.items[0].parts["vector"] > 0


@pytest.mark.parametrize(("given", "lasts"), [({}, False), ({"ttl": None}, True)])
def test_the_time_to_live_of_the_store_is_that_of_turns(
    given: dict[str, Any], *, lasts: bool
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with EmbeddedStore(":memory:", ttl={"default_ttl": 60}, clock=lambda: now) as store:
        create_conversation_recorder(store=store, **given).invoke("I moved to Lyon", ANN)
        now += timedelta(hours=2)
        store.sweep_ttl()
        assert bool(store.search(("turns", "ann"))) == lasts


def test_a_time_that_cannot_be_read_is_warned_of() -> None:
    with EmbeddedStore(":memory:") as store:
        recorder = create_conversation_recorder(store=store)
        said = {"role": "user", "content": "I moved to Lyon", "timestamp": "last week"}
        with pytest.warns(UserWarning, match="time of message 0 cannot be read") as warned:
            assert len(recorder.invoke({"messages": [said]}, ANN)) == 1
        assert warned[0].filename == __file__
