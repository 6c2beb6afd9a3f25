"""The real `langchain-openai` client against a server that speaks OpenAI's protocol."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from langchain.chat_models import init_chat_model
from langchain_openai import ChatOpenAI
from langgraph.store.memory import InMemoryStore
from openai_wire import OpenAIServer, called, refusal, said
from pydantic import BaseModel, Field
from wire_server import Failure, Invoke, Silence

from longterm import (
    create_memory_manager,
    create_memory_searcher,
    create_memory_store_manager,
    create_thread_extractor,
)
from longterm.errors import DroppedWarning, ExtractionError
from longterm.memory.model import Memory, RemoveDoc, SummarizeThread
from longterm.models.names import ProtocolName

ANN: Any = {"configurable": {"langgraph_user_id": "ann"}}
TALK = [{"role": "user", "content": "I love ramen, and I moved to Kyoto."}]


class Food(BaseModel):
    """A food the user has an opinion on."""

    name: str
    liking: int = Field(ge=0, le=100)
    cuisine: str = "unknown"
    note: str | None = None


def chat(server: OpenAIServer, **options: Any) -> ChatOpenAI:
    given: dict[str, Any] = {"model": "gpt-4o", "api_key": "k", "max_retries": 0, **options}
    return ChatOpenAI(base_url=server.url, **given)


async def test_parallel_tool_calls_become_one_memory_each(invoke: Invoke) -> None:
    script = called(("Memory", {"content": "Ann loves ramen."}), ("Memory", {"content": "Kyoto."}))
    with OpenAIServer(script) as server:
        memories = await invoke(create_memory_manager(chat(server)), {"messages": TALK})
    assert [m.content for m in memories] == [
        Memory(content="Ann loves ramen."),
        Memory(content="Kyoto."),
    ]
    (request,) = server.requests
    assert [tool["function"]["name"] for tool in request["tools"]] == ["Memory"]
    assert "tool_choice" not in request  # to call nothing is how a model says "nothing new"


async def test_an_answer_in_words_alone_keeps_nothing(invoke: Invoke) -> None:
    with OpenAIServer(said("There is nothing to remember here.")) as server:
        assert await invoke(create_memory_manager(chat(server)), {"messages": TALK}) == []


async def test_known_memories_are_changed_and_removed_by_number(invoke: Invoke) -> None:
    existing = [("a", Food(name="ramen", liking=60)), ("b", Food(name="pasta", liking=80))]
    script = called(
        ("update_Food", {"number": 0, "changes": {"liking": 95}}), ("delete_memory", {"number": 1})
    )
    with OpenAIServer(script) as server:
        manager = create_memory_manager(chat(server), schemas=[Food], enable_deletes=True)
        memories = await invoke(manager, {"messages": TALK, "existing": existing})
    assert memories == [
        ("a", Food(name="ramen", liking=95)),
        ("b", RemoveDoc(json_doc_id="b")),
    ]


async def test_a_repair_answers_every_call_and_costs_are_summed(invoke: Invoke) -> None:
    first = called(
        ("Food", {"name": "ramen", "liking": 90}),
        ("Food", {"name": "pasta", "liking": 900}),
        ("Food", '{"name": "soba", "liking": }'),
        ("remember", {"name": "tofu"}),
    )
    second = called(
        ("Food", {"name": "pasta", "liking": 90}), ("Food", {"name": "soba", "liking": 50})
    )
    with OpenAIServer(first, second) as server:
        manager = create_memory_manager(chat(server), schemas=[Food])
        with pytest.warns(DroppedWarning, match="remember"):
            memories = await invoke(manager, {"messages": TALK})
    assert not server.refused
    assert [m.content.name for m in memories] == ["ramen", "pasta", "soba"]
    results = [m["content"] for m in server.requests[1]["messages"] if m["role"] == "tool"]
    assert [text.partition(":")[0] for text in results] == ["Done", *["Not done"] * 3]
    assert memories.report.asked == 2
    assert memories.report.usage["input_tokens"] == 40
    assert memories.report.usage["output_tokens"] == 10
    assert memories.report.usage["input_token_details"]["cache_read"] == 16


async def test_several_steps_show_the_model_what_became_of_its_calls(invoke: Invoke) -> None:
    first = called(("Memory", {"content": "Ann loves ramen."}))
    second = called(("update_Memory", {"number": 0, "changes": {"content": "Ann adores ramen."}}))
    with OpenAIServer(first, second, called(("Done", {}))) as server:
        manager = create_memory_manager(chat(server))
        memories = await invoke(manager, {"messages": TALK, "max_steps": 5})
    assert not server.refused
    assert [m.content.content for m in memories] == ["Ann adores ramen."]


async def test_a_call_cut_off_in_the_middle_is_not_taken_for_a_whole_one(invoke: Invoke) -> None:
    cut = called(
        ("Memory", {"content": "Ann loves ramen."}),
        ("Memory", '{"content": "Ann moved to Ky'),
        finish="length",
    )
    with OpenAIServer(cut, called(("Memory", {"content": "Ann moved to Kyoto."}))) as server:
        memories = await invoke(create_memory_manager(chat(server)), {"messages": TALK})
    assert not server.refused
    assert [m.content.content for m in memories] == ["Ann loves ramen.", "Ann moved to Kyoto."]


@pytest.mark.parametrize("protocol", ["tools", "json", "text"])
async def test_a_refusal_is_reported(invoke: Invoke, protocol: ProtocolName) -> None:
    with OpenAIServer(refusal("I can't help with that.")) as server:
        manager = create_memory_manager(chat(server), protocol=protocol)
        with pytest.warns(DroppedWarning, match="refused"):
            memories = await invoke(manager, {"messages": TALK})
    assert memories == []
    assert memories.report.dropped[0].said == "I can't help with that."
    assert memories.report.dropped[0].reason == "The model refused."


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Failure(401, "invalid_api_key", "Incorrect API key provided"), openai.AuthenticationError),
        (Failure(429, "rate_limit_exceeded", "Rate limit reached"), openai.RateLimitError),
        (Failure(500, "server_error", "The server had an error"), openai.InternalServerError),
        (Silence(), openai.APITimeoutError),
    ],
)
@pytest.mark.parametrize("protocol", ["tools", "json", "text"])
async def test_an_error_comes_through_once_and_nothing_is_written(
    invoke: Invoke, protocol: ProtocolName, failure: Failure | Silence, error: type[Exception]
) -> None:
    store = InMemoryStore()
    with OpenAIServer(failure) as server:
        model = chat(server, timeout=0.3 if isinstance(failure, Silence) else 30)
        manager = create_memory_store_manager(model, store=store, protocol=protocol)
        with pytest.raises(error):
            await invoke(manager, {"messages": TALK}, ANN)
    assert len(server.requests) == 1
    assert store.search(("memories",)) == []


async def test_an_error_in_a_repair_writes_nothing_of_the_good_half(invoke: Invoke) -> None:
    store = InMemoryStore()
    half = called(("Food", {"name": "ramen", "liking": 90}), ("Food", {"name": "pasta"}))
    with OpenAIServer(half, Failure(429, "rate_limit_exceeded", "Rate limit reached")) as server:
        manager = create_memory_store_manager(chat(server), schemas=[Food], store=store)
        with pytest.raises(openai.RateLimitError):
            await invoke(manager, {"messages": TALK}, ANN)
    assert len(server.requests) == 2
    assert store.search(("memories",)) == []


async def test_a_store_manager_writes_what_came_over_the_wire(invoke: Invoke) -> None:
    store = InMemoryStore()
    with OpenAIServer(called(("Food", {"name": "ramen", "liking": 90}))) as server:
        manager = create_memory_store_manager(chat(server), schemas=[Food], store=store)
        puts = await invoke(manager, {"messages": TALK}, ANN)
    (item,) = store.search(("memories", "ann"))
    assert [put["value"] for put in puts] == [item.value]
    assert item.value == {
        "kind": "Food",
        "content": {"name": "ramen", "liking": 90, "cuisine": "unknown", "note": None},
    }


@pytest.mark.parametrize("protocol", ["tools", "json", "text"])
async def test_a_thread_is_summarized(invoke: Invoke, protocol: ProtocolName) -> None:
    value = {"title": "Food", "summary": "Ann loves ramen."}
    operations = {"operations": [{"action": "add", "kind": "SummarizeThread", "content": value}]}
    script = {
        "tools": called(("SummarizeThread", value)),
        "json": said(json.dumps(operations)),
        "text": said(f"Here it is:\n```json\n{json.dumps(operations)}\n```"),
    }[protocol]
    with OpenAIServer(script) as server:
        extractor = create_thread_extractor(chat(server), protocol=protocol)
        assert await invoke(extractor, {"messages": TALK}) == SummarizeThread(**value)
    if protocol == "tools":
        assert server.requests[0]["tool_choice"] == "required"


async def test_a_thread_whose_model_refuses_is_an_error_that_says_so(invoke: Invoke) -> None:
    with OpenAIServer(refusal("No.")) as server, pytest.raises(ExtractionError, match="refused"):
        await invoke(create_thread_extractor(chat(server)), {"messages": TALK})
    assert len(server.requests) == 1  # a refusal is an answer, not a mistake to correct


async def test_a_searcher_takes_parallel_queries(invoke: Invoke) -> None:
    store = InMemoryStore()
    store.put(("memories", "ann"), "a", {"kind": "Memory", "content": {"content": "ramen"}})
    script = called(("search_memory", {"query": "food"}), ("search_memory", {"query": "home"}))
    with OpenAIServer(script) as server:
        found = await invoke(
            create_memory_searcher(chat(server), store=store), {"messages": TALK}, ANN
        )
    assert [item.key for item in found] == ["a"]


async def test_json_in_words_is_read_out_of_its_fence(invoke: Invoke) -> None:
    text = """Sure!
```json
{"operations": [{"action": "add", "kind": "Food", "content": {"name": 'ramen', "liking": 90,}}]}
```"""
    with OpenAIServer(said(text)) as server:
        manager = create_memory_manager(chat(server), schemas=[Food], protocol="text")
        memories = await invoke(manager, {"messages": TALK})
    assert [m.content for m in memories] == [Food(name="ramen", liking=90)]
    assert not {"tools", "response_format"} & set(server.requests[0])


async def test_words_cut_off_by_max_tokens_keep_what_was_whole(invoke: Invoke) -> None:
    whole = '{"action": "add", "kind": "Memory", "content": {"content": "Ann loves ramen."}}'
    cut = '{"action": "add", "kind": "Memory", "content": {"content": "Ann moved to Ky'
    rest = '{"operations": [{"action": "add", "content": {"content": "Ann moved to Kyoto."}}]}'
    with OpenAIServer(
        said(f'{{"operations": [{whole}, {cut}', finish="length"), said(rest)
    ) as server:
        manager = create_memory_manager(chat(server), protocol="text")
        memories = await invoke(manager, {"messages": TALK})
    assert [m.content.content for m in memories] == ["Ann loves ramen.", "Ann moved to Kyoto."]


async def test_init_chat_model_and_options_bound_to_it_reach_the_wire(invoke: Invoke) -> None:
    with OpenAIServer(said("Nothing.")) as server:
        model = init_chat_model(
            "openai:gpt-4o", base_url=server.url, api_key="k", max_retries=0
        ).bind(temperature=0.5)
        await invoke(create_memory_manager(model), {"messages": TALK})
    assert server.requests[0]["temperature"] == 0.5
    assert server.requests[0]["tools"]


async def test_a_model_by_its_name_reaches_the_wire(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(called(("Memory", {"content": "Ann loves ramen."}))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        memories = await invoke(create_memory_manager("openai:gpt-4o"), {"messages": TALK})
    assert [m.content.content for m in memories] == ["Ann loves ramen."]
    assert server.requests[0]["model"] == "gpt-4o"
