"""The functional core: messages and known memories in, memories out."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field

from longterm import (
    create_memory_manager,
    create_memory_store_manager,
    create_thread_extractor,
)
from longterm.errors import ConfigurationError, DroppedWarning, InvalidInputError
from longterm.extract.schema import plain
from longterm.manage.manager import ids_for
from longterm.memory.model import ExtractedMemory, Memory, RemoveDoc
from longterm.testing import Asked, ScriptedChatModel, tool_calls

NOTHING = tool_calls()
EVERY_PROTOCOL = pytest.mark.parametrize("protocol", ["tools", "json", "text"])

Wrap = Callable[[Any], Any]
INPUTS: list[Wrap] = [lambda messages: {"messages": messages}, lambda messages: messages]
WRAPPERS: list[Wrap] = [
    lambda model: model.bind(stop=["x"]),
    lambda model: model.with_config(tags=["t"]),
    lambda model: model.with_retry(),
    lambda model: model.with_fallbacks([model]),
]


class Food(BaseModel):
    """A food a person likes or dislikes."""

    name: str
    liking: int = Field(default=50, ge=0, le=100)


def add(text: Any) -> tuple[str, dict[str, Any]]:
    return "Memory", {"content": text}


def change(number: int, text: str) -> tuple[str, dict[str, Any]]:
    return "update_Memory", {"number": number, "changes": {"content": text}}


def remove(number: int) -> tuple[str, dict[str, Any]]:
    return "delete_memory", {"number": number}


def manager(*script: Any, **options: Any) -> Any:
    return create_memory_manager(ScriptedChatModel(*script), **options)


def in_words(*operations: dict[str, Any]) -> str:
    return json.dumps({"operations": operations})


# Results


def test_a_new_memory_has_a_uuid_and_an_instance_of_its_schema() -> None:
    (memory,) = manager(tool_calls(add("likes tea"))).invoke({"messages": "I like tea"})
    assert type(memory) is ExtractedMemory
    assert uuid.UUID(memory.id)
    assert memory.content == Memory(content="likes tea")


def test_an_update_keeps_the_id() -> None:
    existing = [("k", "likes tea")]
    result = manager(tool_calls(change(0, "likes ale"))).invoke(
        {"messages": "Ale!", "existing": existing}
    )
    assert result == [("k", Memory(content="likes ale"))]


def test_a_removal_is_a_marker() -> None:
    existing = [("k", "likes tea")]
    forgetful = manager(tool_calls(remove(0)), enable_deletes=True)
    result = forgetful.invoke({"messages": "No tea!", "existing": existing})
    assert result == [("k", RemoveDoc(json_doc_id="k"))]


def test_what_was_added_and_removed_in_one_run_leaves_no_marker() -> None:
    forgetful = manager(tool_calls(add("x")), tool_calls(remove(0)), enable_deletes=True)
    assert forgetful.invoke({"messages": "hm", "max_steps": 2}) == []


def test_what_changed_comes_first_and_the_rest_is_returned_too() -> None:
    existing = [("a", "likes tea"), ("b", "likes ale")]
    result = manager(tool_calls(change(1, "hates ale"), add("new"))).invoke(
        {"messages": "Ale!", "existing": existing}
    )
    assert [memory.content.content for memory in result] == ["hates ale", "new", "likes tea"]


def test_an_unchanged_object_comes_back_itself() -> None:
    food = Food(name="ramen")
    given = {"messages": "hm", "existing": [("k", food)]}
    (memory,) = manager(NOTHING, schemas=[Food]).invoke(given)
    assert memory.content is food


def test_nothing_worth_keeping_is_an_empty_list() -> None:
    assert manager("Nothing.").invoke({"messages": "hm"}) == []


def test_results_can_be_fed_back_and_removed_ones_stay_away() -> None:
    model = ScriptedChatModel(tool_calls(remove(0), change(1, "likes ale")), NOTHING)
    forgetful = create_memory_manager(model, enable_deletes=True)
    first = forgetful.invoke({"messages": "No tea!", "existing": [("a", "tea"), ("b", "ale")]})
    second = forgetful.invoke({"messages": "hm", "existing": first})
    assert second == [("b", Memory(content="likes ale"))]
    assert "a" not in [memory.id for memory in second]


@EVERY_PROTOCOL
def test_every_protocol_leads_to_the_same_memories(protocol: Any) -> None:
    by_tools = tool_calls(add("likes ramen"), change(0, "likes ale"), remove(1))
    by_words = in_words(
        {"action": "add", "kind": "Memory", "content": {"content": "likes ramen"}},
        {"action": "change", "number": 0, "changes": {"content": "likes ale"}},
        {"action": "remove", "number": 1},
    )
    answer = by_tools if protocol == "tools" else by_words
    result = manager(answer, protocol=protocol, enable_deletes=True).invoke(
        {"messages": "hm", "existing": [("a", "likes tea"), ("b", "likes cars")]}
    )
    assert [one.content for one in result] == [
        Memory(content="likes ale"),
        RemoveDoc(json_doc_id="b"),
        Memory(content="likes ramen"),
    ]


@EVERY_PROTOCOL
def test_in_every_protocol_a_repair_asks_for_what_failed(protocol: Any) -> None:
    bad, good = (
        [tool_calls(add(content)) for content in (5, "five")]
        if protocol == "tools"
        else [in_words({"action": "add", "content": {"content": c}}) for c in (5, "five")]
    )
    model = ScriptedChatModel(bad, good)
    (memory,) = create_memory_manager(model, protocol=protocol).invoke("hm")
    assert memory.content == Memory(content="five")
    assert "Not done: content: Input should be a valid string" in model.asked[1].text


# Schemas


def test_several_kinds_come_from_one_conversation() -> None:
    answer = tool_calls(add("lives in Rome"), ("Food", {"name": "ramen", "liking": 95}))
    result = manager(answer, schemas=[Memory, Food]).invoke({"messages": "hm"})
    assert [one.content for one in result] == [
        Memory(content="lives in Rome"),
        Food(name="ramen", liking=95),
    ]


@pytest.mark.parametrize("schema", [Food, {**Food.model_json_schema(), "title": "Food"}])
def test_a_single_schema_needs_no_list(schema: Any) -> None:
    answer = tool_calls(("Food", {"name": "ramen", "liking": 95}))
    (in_hand,) = manager(answer, schemas=schema).invoke({"messages": "hm"})
    assert plain(in_hand.content) == {"name": "ramen", "liking": 95}
    stored = create_memory_store_manager(
        ScriptedChatModel(answer), schemas=schema, store=InMemoryStore(), namespace=("m",)
    )
    (kept,) = stored.invoke({"messages": "hm"})
    assert kept["value"] == {"kind": "Food", "content": {"name": "ramen", "liking": 95}}


@pytest.mark.parametrize("schemas", [5, "Food", [5], ["Food"]])
def test_what_is_no_schema_is_refused_alone_and_in_a_list(schemas: Any) -> None:
    with pytest.raises(ConfigurationError, match="is not a schema"):
        manager(schemas=schemas)


def test_a_profile_is_begun_and_then_kept_current() -> None:
    script = [
        tool_calls(("Food", {"name": "ramen"})),
        tool_calls(("update_Food", {"number": 0, "changes": {"liking": 95}})),
    ]
    profile = manager(*script, schemas=[Food], enable_inserts=False)
    begun = profile.invoke({"messages": "ramen"})
    kept = profile.invoke({"messages": "love it", "existing": begun})
    assert kept == [(begun[0].id, Food(name="ramen", liking=95))]


def test_a_profile_removed_and_written_anew_in_one_answer_is_the_same_profile() -> None:
    answer = tool_calls(remove(0), ("Food", {"name": "miso ramen"}))
    profile = manager(answer, schemas=[Food], enable_inserts=False, enable_deletes=True)
    kept = profile.invoke({"messages": "miso!", "existing": [("k", Food(name="ramen", liking=9))]})
    assert kept == [("k", Food(name="miso ramen"))]


def test_a_profile_written_anew_and_removed_after_that_is_asked_about_again() -> None:
    answer = tool_calls(("Food", {"name": "miso ramen"}), remove(0))
    again = tool_calls(("Food", {"name": "miso ramen"}))
    profile = manager(answer, again, schemas=[Food], enable_inserts=False, enable_deletes=True)
    kept = profile.invoke({"messages": "miso!", "existing": [("k", Food(name="ramen"))]})
    assert kept == [("k", Food(name="miso ramen"))]


@pytest.mark.parametrize(
    "make", [create_memory_manager, create_memory_store_manager, create_thread_extractor]
)
def test_a_time_that_cannot_be_read_is_warned_of_wherever_memories_are_made(make: Any) -> None:
    answer = tool_calls(("Food", {"name": "tea"}))
    options = {"store": InMemoryStore()} if make is create_memory_store_manager else {}
    schema = {"schema": Food} if make is create_thread_extractor else {"schemas": [Food]}
    model = ScriptedChatModel(answer, tool_calls(), tool_calls())
    said = {"role": "user", "content": "I like tea", "timestamp": "last week"}
    config = {"configurable": {"langgraph_user_id": "ann"}}
    with pytest.warns(UserWarning, match="time of message 0 cannot be read"):
        make(model, **schema, **options).invoke({"messages": [said]}, config)


def test_what_is_disabled_is_refused_even_if_the_model_does_it() -> None:
    calls = [tool_calls(add("x"), change(0, "y"), remove(0))] * 3
    locked = manager(*calls, enable_updates=False)
    with pytest.warns(DroppedWarning, match="not permitted"):
        result = locked.invoke({"messages": "hm", "existing": [("k", "tea")]})
    assert [one.content.content for one in result] == ["x", "tea"]


# Input


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "I like tea"}],
        [HumanMessage("I like tea")],
        [("user", "I like tea")],
        ["I like tea"],
        "I like tea",
    ],
)
@pytest.mark.parametrize("wrap", INPUTS)
def test_messages_come_in_any_form(messages: Any, wrap: Any) -> None:
    model = ScriptedChatModel(NOTHING)
    create_memory_manager(model).invoke(wrap(messages))
    assert "user: I like tea" in model.asked[0].text


@pytest.mark.parametrize("nothing", [[], None, {"messages": []}, {"messages": None}])
def test_no_messages_cost_no_question(nothing: Any) -> None:
    model = ScriptedChatModel()
    assert create_memory_manager(model).invoke(nothing) == []
    assert model.asked == ()


def test_no_messages_return_what_is_known() -> None:
    assert manager().invoke({"messages": [], "existing": [("k", "tea")]}) == [
        ("k", Memory(content="tea"))
    ]


@pytest.mark.parametrize("input", [{"message": "hi"}, {"messages": 5}, 5, {"messages": [5]}])
def test_an_unknown_input_is_a_clear_error(input: Any) -> None:
    with pytest.raises(InvalidInputError):
        manager().invoke(input)


@pytest.mark.parametrize("steps", [0, -1, 1.5, "two"])
def test_steps_are_whole_numbers_from_one(steps: Any) -> None:
    with pytest.raises(InvalidInputError, match="max_steps"):
        manager().invoke({"messages": "hi", "max_steps": steps})


def test_pictures_never_reach_the_prompt_as_bytes() -> None:
    model = ScriptedChatModel(NOTHING)
    url = "data:image/png;base64," + "iVBORw0KGgo" * 15_000
    picture = {"type": "image_url", "image_url": {"url": url}}
    create_memory_manager(model).invoke([{"role": "user", "content": [picture]}])
    assert "[image]" in model.asked[0].text
    assert len(model.asked[0].text) < 5_000


def test_two_megabytes_of_text_are_shown_by_their_ends() -> None:
    model = ScriptedChatModel(NOTHING)
    create_memory_manager(model).invoke("begin " + "words " * 350_000 + "end")
    assert "begin " in model.asked[0].text
    assert len(model.asked[0].text) < 110_000


def test_half_an_emoji_can_be_sent_to_a_model() -> None:
    model = ScriptedChatModel(NOTHING)
    create_memory_manager(model).invoke({"messages": "tea \ud83c", "existing": ["ale \ud83c"]})
    assert model.asked[0].text.encode()


# Ways to call


async def test_sync_async_and_call_give_the_same() -> None:
    answer = tool_calls(change(0, "likes ale"))
    one = manager(answer, answer, answer)
    existing = [("k", "likes tea")]
    given = {"messages": "hm", "existing": existing}
    assert one.invoke(given) == await one.ainvoke(given) == await one("hm", existing)


def test_batch_runs_every_conversation() -> None:
    one = manager(tool_calls(add("x")), tool_calls(add("x")))
    assert [len(result) for result in one.batch(["a", "b"])] == [1, 1]


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_a_wrapped_model_is_a_model(wrap: Wrap) -> None:
    model = ScriptedChatModel(tool_calls(add("likes tea")))
    (memory,) = create_memory_manager(wrap(model)).invoke("hm")
    assert memory.content == Memory(content="likes tea")


@pytest.mark.parametrize("wrap", WRAPPERS[1:])
def test_a_wrapped_model_is_held_to_a_json_schema(wrap: Wrap) -> None:
    model = ScriptedChatModel(in_words({"action": "add", "content": {"content": "likes tea"}}))
    (memory,) = create_memory_manager(wrap(model), protocol="json").invoke("hm")
    assert memory.content == Memory(content="likes tea")


def test_results_survive_a_checkpoint() -> None:
    keeper: Any = manager(tool_calls(add("likes tea")))

    def main(text: str) -> Any:
        return keeper.invoke(text)

    make: Any = entrypoint  # untyped in LangGraph
    work = make(checkpointer=InMemorySaver())(main)
    (memory,) = work.invoke("tea", {"configurable": {"thread_id": "1"}})
    assert memory.content.content == "likes tea"


def test_a_manager_of_no_known_model_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        create_memory_manager("nobody:knows")


# What is reported


def test_what_was_dropped_is_warned_of_and_the_result_is_the_same() -> None:
    with pytest.warns(DroppedWarning, match="valid string"):
        result = manager(tool_calls(add("good"), add(5)), "no").invoke("hm")
    assert len(result) == 1
    assert result.report.asked == 2
    assert len(result.report.dropped) == 1


def test_a_model_that_raises_is_asked_once() -> None:
    model = ScriptedChatModel(TimeoutError("slow"))
    with pytest.raises(TimeoutError, match="slow"):
        create_memory_manager(model).invoke({"messages": "hm", "existing": ["tea"]})
    assert len(model.asked) == 1


def test_an_empty_answer_is_no_error() -> None:
    assert manager(AIMessage("")).invoke("hm") == []


# Ids


@given(st.text(), st.text())
def test_ids_of_a_job_come_from_the_job_and_the_content(one: str, other: str) -> None:
    def made(job: str, content: str) -> str:
        return ids_for({"configurable": {"longterm_job_id": job}})("Memory", {"content": content})

    assert made("job", one) == made("job", one)
    assert (made("job", one) == made("job", other)) == (one == other)
    assert made("job", one) != made("another job", one)


def test_without_a_job_every_id_is_new() -> None:
    new_id = ids_for({})
    assert new_id("Memory", "x") != new_id("Memory", "x")


def test_a_huge_memory_is_shown_in_short_and_kept_whole() -> None:
    report = "Ann's report. " + "word " * 400_000 + "The end."

    def add_a_line(asked: Asked) -> AIMessage:
        assert len(asked.text) < 20_000
        shown = re.search(r"Ann's report\. .*The end\.", asked.text)
        assert shown
        changes = {"content": f"{shown.group()} Signed."}
        return tool_calls(("update_Memory", {"number": 0, "changes": changes}))

    manager = create_memory_manager(ScriptedChatModel(add_a_line))
    known = [("1", Memory(content=report))]
    (changed,) = manager.invoke({"messages": "Sign it.", "existing": known})
    assert isinstance(changed.content, Memory)
    assert changed.content.content == f"{report} Signed."


def test_arguments_nested_beyond_all_meaning_are_asked_for_again() -> None:
    deep: Any = {}
    for _ in range(5_000):
        deep = {"content": deep}
    model = ScriptedChatModel(
        tool_calls(("Memory", deep)), tool_calls(("Memory", {"content": "Ann sings"}))
    )
    (memory,) = create_memory_manager(model).invoke({"messages": "I am Ann, I sing."})
    assert memory.content == Memory(content="Ann sings")


def test_what_was_dropped_is_warned_about_at_the_callers_line() -> None:
    with pytest.warns(DroppedWarning) as warned:
        manager("Hello!", "Hello!").invoke({"messages": "I like tea"})
    assert {one.filename for one in warned} == {__file__}
