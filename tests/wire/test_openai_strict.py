"""Structured output of the real `langchain-openai` client, strict where a schema allows it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from openai_wire import OpenAIServer, said
from pydantic import BaseModel, Field
from typing_extensions import TypedDict
from wire_server import Invoke

from longterm import create_memory_manager, create_thread_extractor
from longterm.errors import DroppedWarning
from longterm.memory.model import RemoveDoc

TALK = [{"role": "user", "content": "I love ramen, and I moved to Kyoto."}]


class Mood(StrEnum):
    LOVE = "love"
    HATE = "hate"


class Place(BaseModel):
    city: str
    country: str = "Japan"


class Food(BaseModel):
    """A food the user has an opinion on."""

    name: str = Field(min_length=2, pattern=r"^\w+$")
    liking: int = Field(default=50, ge=0, le=100)
    mood: Mood = Mood.LOVE
    where: Place | None = None
    found: list[Place] = Field(default_factory=list[Place])
    note: str | None = None


class Tagged(BaseModel):
    """A thing with free keys, which strict mode cannot express."""

    name: str
    tags: dict[str, int]


def chat(server: OpenAIServer, **options: Any) -> ChatOpenAI:
    given: dict[str, Any] = {"model": "gpt-4o", "api_key": "k", "max_retries": 0, **options}
    return ChatOpenAI(base_url=server.url, **given)


def answer(*operations: dict[str, Any]) -> dict[str, Any]:
    return said(json.dumps({"operations": operations}))


def is_strict(request: dict[str, Any]) -> bool:
    return bool(request["response_format"]["json_schema"].get("strict"))


async def test_a_new_memory_comes_strict_with_its_gaps_filled_by_null(invoke: Invoke) -> None:
    content = {
        "name": "ramen",
        "liking": None,
        "mood": "love",
        "where": {"city": "Kyoto", "country": None},
        "found": [{"city": "Osaka", "country": None}],
        "note": None,
    }
    with OpenAIServer(answer({"action": "add", "kind": "Food", "content": content})) as server:
        manager = create_memory_manager(chat(server), schemas=[Food], protocol="json")
        (memory,) = await invoke(manager, {"messages": TALK})
    assert not server.refused
    assert is_strict(server.requests[0])
    assert memory.content == Food(
        name="ramen", where=Place(city="Kyoto"), found=[Place(city="Osaka")]
    )


async def test_a_change_comes_strict_as_a_list_of_its_fields(invoke: Invoke) -> None:
    existing = [
        ("a", Food(name="ramen", note="at noon", where=Place(city="Kyoto", country="JP"))),
        ("b", Food(name="pasta")),
    ]
    edits = [
        {"field": "liking", "value": 95},
        {"field": "note", "value": None},
        {"field": "where", "value": {"city": "Nara", "country": None}},
    ]
    script = answer(
        {"action": "change", "number": 0, "changes": edits}, {"action": "remove", "number": 1}
    )
    with OpenAIServer(script) as server:
        manager = create_memory_manager(
            chat(server), schemas=[Food], enable_deletes=True, protocol="json"
        )
        memories = await invoke(manager, {"messages": TALK, "existing": existing})
    assert not server.refused
    assert is_strict(server.requests[0])
    assert memories == [
        ("a", Food(name="ramen", liking=95, where=Place(city="Nara"))),
        ("b", RemoveDoc(json_doc_id="b")),
    ]


async def test_several_kinds_and_memories_of_no_kind_stay_strict(invoke: Invoke) -> None:
    class Job(TypedDict, total=False):
        title: str
        since: int

    existing = [("t", "Note", "likes trains"), ("a", "Food", {"name": "ramen"})]
    script = answer(
        {"action": "add", "kind": "Job", "content": {"title": "cook", "since": None}},
        {"action": "change", "number": 0, "changes": {"content": "loves trains"}},
    )
    with OpenAIServer(script) as server:
        manager = create_memory_manager(chat(server), schemas=[Food, Job], protocol="json")
        memories = await invoke(manager, {"messages": TALK, "existing": existing})
    assert is_strict(server.requests[0])
    assert [memory.content for memory in memories] == [
        "loves trains",
        {"title": "cook"},
        Food(name="ramen"),
    ]


async def test_a_repair_in_strict_mode_is_accepted(invoke: Invoke) -> None:
    def food(name: str) -> dict[str, Any]:
        nothing = {"liking": None, "mood": None, "where": None, "found": None, "note": None}
        return {"action": "add", "kind": "Food", "content": {"name": name, **nothing}}

    with OpenAIServer(answer(food("ramen"), food("miso ramen")), answer(food("miso"))) as server:
        manager = create_memory_manager(chat(server), schemas=[Food], protocol="json")
        memories = await invoke(manager, {"messages": TALK})
    assert not server.refused
    assert [memory.content.name for memory in memories] == ["ramen", "miso"]
    assert memories.report.usage["total_tokens"] == 50


async def test_a_schema_strict_mode_cannot_express_is_sent_without_it(invoke: Invoke) -> None:
    content: dict[str, Any] = {"name": "ramen", "tags": {"salty": 3}}
    with OpenAIServer(answer({"action": "add", "kind": "Tagged", "content": content})) as server:
        manager = create_memory_manager(chat(server), schemas=[Tagged], protocol="json")
        (memory,) = await invoke(manager, {"messages": TALK})
    assert not server.refused
    assert not is_strict(server.requests[0])
    assert memory.content == Tagged(**content)


@pytest.mark.parametrize("half", ['{"operations": [{"act', ""])
async def test_an_answer_the_client_found_cut_off_is_asked_for_again(
    invoke: Invoke, half: str
) -> None:
    whole = answer({"action": "add", "kind": "Memory", "content": {"content": "Ann is in Rome."}})
    with OpenAIServer(said(half, finish="length"), whole) as server:
        manager = create_memory_manager(chat(server), protocol="json")
        (memory,) = await invoke(manager, {"messages": TALK})
    assert memory.content.content == "Ann is in Rome."


async def test_an_answer_the_client_found_whole_is_kept_though_its_tokens_ran_out(
    invoke: Invoke,
) -> None:
    whole = {"action": "add", "kind": "Memory", "content": {"content": "Ann is in Rome."}}
    text = json.dumps({"operations": [whole]})
    with OpenAIServer(said(text + "\n\n\n", finish="length")) as server:
        manager = create_memory_manager(chat(server), protocol="json")
        assert len(await invoke(manager, {"messages": TALK})) == 1


async def test_an_answer_the_client_found_filtered_is_reported(invoke: Invoke) -> None:
    with OpenAIServer(said("", finish="content_filter")) as server:
        manager = create_memory_manager(chat(server), protocol="json")
        with pytest.warns(DroppedWarning, match="refused"):
            assert await invoke(manager, {"messages": TALK}) == []


async def test_options_bound_to_the_model_stay_on_it(invoke: Invoke) -> None:
    with OpenAIServer(answer()) as server:
        model = chat(server).bind(temperature=0.5)
        assert await invoke(create_memory_manager(model, protocol="json"), {"messages": TALK}) == []
    assert server.requests[0]["temperature"] == 0.5
    assert is_strict(server.requests[0])


async def test_one_value_is_read_strict_out_of_a_thread(invoke: Invoke) -> None:
    script = answer(
        {"action": "add", "kind": "Place", "content": {"city": "Kyoto", "country": None}}
    )
    with OpenAIServer(script) as server:
        extractor = create_thread_extractor(chat(server), Place, protocol="json")
        assert await invoke(extractor, {"messages": TALK}) == Place(city="Kyoto")
    assert is_strict(server.requests[0])
