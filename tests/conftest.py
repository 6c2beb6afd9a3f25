"""What every room of the tests shares: users, stores, graphs."""

import gc
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from langchain_core.runnables import RunnableConfig
from langgraph.func import entrypoint
from langgraph.graph import StateGraph
from langgraph.store.memory import InMemoryStore

from longterm.testing import HashEmbeddings

# Examples are the same in every run, and a busy machine fails no test.
settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")


@pytest.fixture(scope="module", autouse=True)
def connections_of_killed_servers_are_collected(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collect connections whose server or event loop a test ended, in the module that did it.

    psycopg warns of each where it is collected, which would be in some other test.
    """
    yield
    if "psycopg" in sys.modules and {"stores", "reflect", "conformance"} & set(request.path.parts):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture
def alice() -> RunnableConfig:
    return {"configurable": {"langgraph_user_id": "alice"}}


@pytest.fixture
def bob() -> RunnableConfig:
    return {"configurable": {"langgraph_user_id": "bob"}}


@pytest.fixture
def store() -> InMemoryStore:
    """Return a store without an index: it scores nothing."""
    return InMemoryStore()


@pytest.fixture
def embeddings() -> HashEmbeddings:
    return HashEmbeddings()


@pytest.fixture
def indexed(embeddings: HashEmbeddings) -> InMemoryStore:
    """Return a store with an index: it scores what it finds."""
    return InMemoryStore(index={"dims": embeddings.dims, "embed": embeddings})


Work = Callable[[Any], Any]


@pytest.fixture
def graph() -> Callable[[Work, InMemoryStore | None], Any]:
    """Return a builder of functional graphs that do one piece of work, with a store or without."""

    def build(work: Work, store: InMemoryStore | None) -> Any:
        def main(value: Any) -> Any:
            return work(value)

        make: Any = entrypoint  # untyped in LangGraph
        return make(store=store)(main)

    return build


@pytest.fixture
def node_graph() -> Callable[[Work, InMemoryStore | None], Any]:
    """Return a builder of graphs with one node, whose state is a dict."""

    def build(work: Work, store: InMemoryStore | None) -> Any:
        make: Any = StateGraph  # untyped in LangGraph
        building = make(dict)
        building.add_node("work", work)
        building.set_entry_point("work")
        building.set_finish_point("work")
        return building.compile(store=store)

    return build
