"""What a callback handler sees: the manager's own run, and the model's run inside it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

from longterm import create_memory_manager, create_memory_store_manager
from longterm.manage.manager import MemoryManager
from longterm.testing import ScriptedChatModel, tool_calls

TALK: Any = {"messages": [{"role": "user", "content": "I love ramen."}]}


class Watcher(BaseCallbackHandler):
    """Writes down every run that starts, ends or fails, with what was reported of it."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.ended: list[UUID] = []
        self.failed: list[UUID] = []

    @override
    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
        self.started.append({"sort": "chain", "inputs": inputs, **kwargs})

    @override
    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.started.append({"sort": "model", **kwargs})

    @override
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self.ended.append(run_id)

    @override
    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self.ended.append(run_id)

    @override
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self.failed.append(run_id)

    @override
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self.failed.append(run_id)


@pytest.fixture(params=["sync", "async"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


async def call(mode: str, manager: Any, config: Any) -> Any:
    return manager.invoke(TALK, config) if mode == "sync" else await manager.ainvoke(TALK, config)


def manager_of(*script: Any) -> MemoryManager:
    return create_memory_manager(ScriptedChatModel(*script))


async def test_the_run_and_the_model_s_run_inside_it_are_seen(mode: str) -> None:
    watcher = Watcher()
    await call(mode, manager_of(tool_calls()), {"callbacks": [watcher]})
    chain, model = watcher.started
    assert (chain["sort"], chain["inputs"]) == ("chain", TALK)
    assert (model["sort"], model["parent_run_id"]) == ("model", chain["run_id"])
    assert watcher.ended == [model["run_id"], chain["run_id"]]


async def test_tags_metadata_and_name_arrive(mode: str) -> None:
    watcher = Watcher()
    config = {
        "callbacks": [watcher],
        "tags": ["nightly"],
        "metadata": {"tenant": "x"},
        "run_name": "remember",
    }
    await call(mode, manager_of(tool_calls()), config)
    chain, model = watcher.started
    assert chain["name"] == "remember"
    assert "nightly" in chain["tags"]
    assert "nightly" in model["tags"]
    assert chain["metadata"]["tenant"] == model["metadata"]["tenant"] == "x"


async def test_every_question_of_a_repair_is_a_run_of_its_own(mode: str) -> None:
    watcher, half = Watcher(), tool_calls(("Memory", {"content": 7}))
    manager = manager_of(half, tool_calls(("Memory", {"content": "ramen"})))
    await call(mode, manager, {"callbacks": [watcher]})
    assert [run["sort"] for run in watcher.started] == ["chain", "model", "model"]


async def test_an_error_is_seen_on_both_runs(mode: str) -> None:
    watcher = Watcher()
    with pytest.raises(RuntimeError, match="down"):
        await call(mode, manager_of(RuntimeError("down")), {"callbacks": [watcher]})
    chain, model = watcher.started
    assert watcher.failed == [model["run_id"], chain["run_id"]]


async def test_with_config_on_the_manager_counts_as_well(mode: str) -> None:
    watcher = Watcher()
    manager = manager_of(tool_calls()).with_config(callbacks=[watcher], tags=["always"])
    await call(mode, manager, None)
    assert all("always" in run["tags"] for run in watcher.started)
    assert len(watcher.started) == 2


async def test_a_store_manager_shows_its_query_model_too(mode: str) -> None:
    watcher = Watcher()
    queries = ScriptedChatModel(tool_calls(("search_memory", {"query": "ramen"})))
    store = InMemoryStore()
    store.put(("memories",), "k", {"content": "likes ramen"})
    manager = create_memory_store_manager(
        ScriptedChatModel(tool_calls()),
        query_model=queries,
        known_tokens=0,
        store=store,
        namespace=("memories",),
    )
    await call(mode, manager, {"callbacks": [watcher]})
    assert [run["sort"] for run in watcher.started] == ["chain", "model", "model"]
