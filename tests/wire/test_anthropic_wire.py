"""The real `langchain-anthropic` client against a server that speaks Anthropic's protocol."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic_wire import AnthropicServer, blocks, text_block, thinking_block, use
from langchain.chat_models import init_chat_model
from langchain_anthropic import ChatAnthropic
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field
from wire_server import Failure, Invoke, Silence

from longterm import (
    create_memory_manager,
    create_memory_searcher,
    create_memory_store_manager,
    create_thread_extractor,
)
from longterm.errors import DroppedWarning
from longterm.memory.model import RemoveDoc, SummarizeThread
from longterm.models.names import ProtocolName

ANN: Any = {"configurable": {"langgraph_user_id": "ann"}}
TALK = [{"role": "user", "content": "I love ramen, and I moved to Kyoto."}]


class Food(BaseModel):
    """A food the user has an opinion on."""

    name: str
    liking: int = Field(ge=0, le=100)
    note: str | None = None


def chat(server: AnthropicServer, **options: Any) -> ChatAnthropic:
    given: dict[str, Any] = {
        "model": "claude-sonnet-5",
        "api_key": "k",
        "max_retries": 0,
        **options,
    }
    return ChatAnthropic(base_url=server.root, **given)


async def test_words_and_parallel_tool_uses_become_one_memory_each(invoke: Invoke) -> None:
    script = blocks(
        text_block("I will remember that."),
        use("Memory", {"content": "Ann loves ramen."}),
        use("Memory", {"content": "Ann lives in Kyoto."}),
    )
    with AnthropicServer(script) as server:
        memories = await invoke(create_memory_manager(chat(server)), {"messages": TALK})
    assert [m.content.content for m in memories] == ["Ann loves ramen.", "Ann lives in Kyoto."]
    assert [tool["name"] for tool in server.requests[0]["tools"]] == ["Memory"]
    assert memories.report.usage["input_tokens"] == 30
    assert memories.report.usage["output_tokens"] == 7


async def test_words_alone_keep_nothing(invoke: Invoke) -> None:
    with AnthropicServer(blocks(text_block("Nothing new."))) as server:
        assert await invoke(create_memory_manager(chat(server)), {"messages": TALK}) == []


async def test_an_empty_answer_keeps_nothing(invoke: Invoke) -> None:
    with AnthropicServer(blocks()) as server:
        assert await invoke(create_memory_manager(chat(server)), {"messages": TALK}) == []


async def test_known_memories_are_changed_and_removed_by_number(invoke: Invoke) -> None:
    existing = [("a", Food(name="ramen", liking=60)), ("b", Food(name="pasta", liking=80))]
    script = blocks(
        use("update_Food", {"number": 0, "changes": {"liking": 95}}),
        use("delete_memory", {"number": 1}),
    )
    with AnthropicServer(script) as server:
        manager = create_memory_manager(chat(server), schemas=[Food], enable_deletes=True)
        memories = await invoke(manager, {"messages": TALK, "existing": existing})
    assert memories == [("a", Food(name="ramen", liking=95)), ("b", RemoveDoc(json_doc_id="b"))]


async def test_a_repair_answers_every_tool_use_and_costs_are_summed(invoke: Invoke) -> None:
    first = blocks(
        thinking_block("Two foods."),
        text_block("Noted."),
        use("Food", {"name": "ramen", "liking": 90}),
        use("Food", {"name": "pasta", "liking": "a lot"}),
    )
    with AnthropicServer(first, blocks(use("Food", {"name": "pasta", "liking": 90}))) as server:
        manager = create_memory_manager(chat(server), schemas=[Food])
        memories = await invoke(manager, {"messages": TALK})
    assert not server.refused
    assert [m.content.name for m in memories] == ["ramen", "pasta"]
    assert memories.report.usage["input_tokens"] == 60
    assert memories.report.usage["output_tokens"] == 14
    assert server.requests[1]["messages"][1]["content"][0]["type"] == "thinking"


async def test_several_steps_show_the_model_what_became_of_its_calls(invoke: Invoke) -> None:
    first = blocks(use("Memory", {"content": "Ann loves ramen."}))
    second = blocks(
        use("update_Memory", {"number": 0, "changes": {"content": "Ann adores ramen."}})
    )
    with AnthropicServer(first, second, blocks(use("Done", {}))) as server:
        manager = create_memory_manager(chat(server))
        memories = await invoke(manager, {"messages": TALK, "max_steps": 5})
    assert not server.refused
    assert [m.content.content for m in memories] == ["Ann adores ramen."]


async def test_a_tool_use_cut_off_by_max_tokens_is_asked_for_again(invoke: Invoke) -> None:
    cut = blocks(
        use("Memory", {"content": "Ann loves ramen."}),
        use("Memory", {"content": "Ann moved to Ky"}),
        stop="max_tokens",
    )
    rest = blocks(use("Memory", {"content": "Ann moved to Kyoto."}))
    with AnthropicServer(cut, rest) as server:
        memories = await invoke(create_memory_manager(chat(server)), {"messages": TALK})
    assert not server.refused
    assert [m.content.content for m in memories] == ["Ann loves ramen.", "Ann moved to Kyoto."]


async def test_words_cut_off_after_whole_tool_uses_cost_nothing(invoke: Invoke) -> None:
    cut = blocks(
        use("Memory", {"content": "Ann loves ramen."}), text_block("I al"), stop="max_tokens"
    )
    with AnthropicServer(cut) as server:
        memories = await invoke(create_memory_manager(chat(server)), {"messages": TALK})
    assert [m.content.content for m in memories] == ["Ann loves ramen."]


@pytest.mark.parametrize("protocol", ["tools", "json", "text"])
async def test_a_refusal_is_reported(invoke: Invoke, protocol: ProtocolName) -> None:
    with AnthropicServer(blocks(stop="refusal")) as server:
        manager = create_memory_manager(chat(server), protocol=protocol)
        with pytest.warns(DroppedWarning, match="refused"):
            memories = await invoke(manager, {"messages": TALK})
    assert memories == []


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Failure(401, "authentication_error", "invalid x-api-key"), anthropic.AuthenticationError),
        (Failure(429, "rate_limit_error", "over your limit"), anthropic.RateLimitError),
        (Failure(529, "overloaded_error", "Overloaded"), anthropic.InternalServerError),
        (Silence(), anthropic.APITimeoutError),
    ],
)
async def test_an_error_comes_through_once_and_nothing_is_written(
    invoke: Invoke, failure: Failure | Silence, error: type[Exception]
) -> None:
    store = InMemoryStore()
    with AnthropicServer(failure) as server:
        model = chat(server, timeout=0.3 if isinstance(failure, Silence) else 30)
        manager = create_memory_store_manager(model, store=store)
        with pytest.raises(error):
            await invoke(manager, {"messages": TALK}, ANN)
    assert len(server.requests) == 1
    assert store.search(("memories",)) == []


@pytest.mark.parametrize("known", [True, False])
async def test_structured_output_takes_limits_and_optional_fields(
    invoke: Invoke,
    known: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    existing = [("a", Food(name="ramen", liking=60))] if known else []
    change = {"action": "change", "number": 0, "changes": {"liking": 95}}
    add = {"action": "add", "kind": "Food", "content": {"name": "ramen", "liking": 95}}
    script = blocks(text_block(json.dumps({"operations": [change if known else add]})))
    with AnthropicServer(script) as server:
        manager = create_memory_manager(chat(server), schemas=[Food], protocol="json")
        (memory,) = await invoke(manager, {"messages": TALK, "existing": existing})
    assert not server.refused
    assert server.requests[0]["output_config"]["format"]["type"] == "json_schema"
    assert memory.content == Food(name="ramen", liking=95)


async def test_a_repair_of_structured_output_is_accepted(invoke: Invoke) -> None:
    def operations(liking: int) -> dict[str, Any]:
        add = {"action": "add", "kind": "Food", "content": {"name": "ramen", "liking": liking}}
        return blocks(text_block(json.dumps({"operations": [add]})))

    with AnthropicServer(operations(950), operations(95)) as server:
        manager = create_memory_manager(chat(server), schemas=[Food], protocol="json")
        (memory,) = await invoke(manager, {"messages": TALK})
    assert not server.refused
    assert memory.content == Food(name="ramen", liking=95)


@pytest.mark.parametrize("protocol", ["tools", "text"])
async def test_a_thread_is_summarized_after_an_empty_answer(
    invoke: Invoke, protocol: ProtocolName
) -> None:
    value = {"title": "Food", "summary": "Ann loves ramen."}
    answer = blocks(
        use("SummarizeThread", value) if protocol == "tools" else text_block(json.dumps(value))
    )
    with AnthropicServer(blocks(), answer) as server:
        extractor = create_thread_extractor(chat(server), protocol=protocol)
        assert await invoke(extractor, {"messages": TALK}) == SummarizeThread(**value)
    assert not server.refused
    if protocol == "tools":
        assert server.requests[0]["tool_choice"]["type"] == "any"


async def test_a_searcher_takes_parallel_queries(invoke: Invoke) -> None:
    store = InMemoryStore()
    store.put(("memories", "ann"), "a", {"kind": "Memory", "content": {"content": "ramen"}})
    script = blocks(
        use("search_memory", {"query": "food"}), use("search_memory", {"query": "home"})
    )
    with AnthropicServer(script) as server:
        searcher = create_memory_searcher(chat(server), store=store)
        found = await invoke(searcher, {"messages": TALK}, ANN)
    assert [item.key for item in found] == ["a"]


async def test_init_chat_model_reaches_the_wire(invoke: Invoke) -> None:
    script = blocks(use("Memory", {"content": "Ann loves ramen."}))
    with AnthropicServer(script) as server:
        model = init_chat_model(
            "anthropic:claude-sonnet-5", base_url=server.root, api_key="k", max_retries=0
        )
        memories = await invoke(create_memory_manager(model), {"messages": TALK})
    assert [m.content.content for m in memories] == ["Ann loves ramen."]
