"""What is recorded once, whatever a graph does with its messages: history, pauses, other agents."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent  # type: ignore[reportUnknownVariableType]
from langchain.agents.middleware import (
    HumanInTheLoopMiddleware,
    ModelRequest,
    SummarizationMiddleware,
    dynamic_prompt,
)
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command

from longterm.integrations.middleware import LongtermMiddleware
from longterm.manage.store_manager import create_memory_store_manager
from longterm.testing import Reply, ScriptedChatModel, tool_calls

ANN: Any = {"configurable": {"user_id": "ann", "thread_id": "1"}}
NO_THREAD: Any = {"configurable": {"user_id": "ann"}}


def memory(*replies: Reply) -> LongtermMiddleware:
    learning = ScriptedChatModel(*(replies or ["Nothing."] * 9))
    return LongtermMiddleware.of(learning, user="{user_id}")


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def said(store: InMemoryStore) -> list[str]:
    turns = [item.value for item in store.search(("turns", "ann"), limit=100)]
    return [turn["content"] for turn in sorted(turns, key=lambda turn: turn["position"])]


@tool
def look_up() -> str:
    """Look it up."""
    return "It is at six."


def test_a_caller_that_hands_over_the_whole_history_has_each_message_recorded_once() -> None:
    store = InMemoryStore()
    answers = ["Hello!", tool_calls(("look_up", {})), "At six.", "Welcome."]
    agent: Any = create_agent(
        ScriptedChatModel(*answers), tools=[look_up], middleware=[memory()], store=store
    )
    history: list[dict[str, str]] = []
    for words in ("Hi", "When do I play?", "Thanks"):
        history.append(user(words))
        answer = agent.invoke({"messages": history}, ANN)["messages"][-1].text
        history.append({"role": "assistant", "content": answer})

    recorded = ["Hi", "Hello!", "When do I play?", "[calls look_up({})]", "It is at six."]
    assert sorted(said(store)) == sorted([*recorded, "At six.", "Thanks", "Welcome."])


def test_the_same_words_again_in_one_conversation_are_recorded_again() -> None:
    store = InMemoryStore()
    agent: Any = create_agent(
        ScriptedChatModel("Tea?", "Sugar?", "Here."), middleware=[memory()], store=store
    )
    history: list[dict[str, str]] = []
    for words in ("Serve me", "Yes", "Yes"):
        history.append(user(words))
        answer = agent.invoke({"messages": history}, ANN)["messages"][-1].text
        history.append({"role": "assistant", "content": answer})
    assert said(store) == ["Serve me", "Tea?", "Yes", "Sugar?", "Yes", "Here."]


@pytest.mark.parametrize("saver", [None, InMemorySaver()])
def test_a_question_that_is_asked_anew_is_recorded_anew(saver: InMemorySaver | None) -> None:
    """In a thread that the graph keeps itself, and without one: each run is a conversation."""
    store = InMemoryStore()
    agent: Any = create_agent(
        ScriptedChatModel("Rain.", "Rain."), middleware=[memory()], store=store, checkpointer=saver
    )
    for _ in range(2):
        agent.invoke({"messages": [user("How is the weather?")]}, ANN if saver else NO_THREAD)
    assert sorted(said(store)) == sorted(["How is the weather?", "Rain."] * 2)


def test_ids_of_the_callers_own_are_kept() -> None:
    store = InMemoryStore()
    agent: Any = create_agent(ScriptedChatModel("Hello!"), middleware=[memory()], store=store)
    agent.invoke({"messages": [{**user("Hi"), "id": "m-17"}]}, ANN)
    ids = {item.value["message_id"] for item in store.search(("turns", "ann"))}
    assert "m-17" in ids


def test_a_run_that_waits_for_approval_is_recorded_when_it_goes_on() -> None:
    store = InMemoryStore()
    chat = ScriptedChatModel(tool_calls(("look_up", {})), "At six.")
    agent: Any = create_agent(
        chat,
        tools=[look_up],
        middleware=[memory("Nothing."), HumanInTheLoopMiddleware(interrupt_on={"look_up": True})],
        store=store,
        checkpointer=InMemorySaver(),
    )
    assert "__interrupt__" in agent.invoke({"messages": [user("When?")]}, ANN)
    assert said(store) == []
    agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), ANN)
    assert said(store) == ["When?", "[calls look_up({})]", "It is at six.", "At six."]


def test_the_summary_of_another_middleware_is_nobodys_words() -> None:
    store = InMemoryStore()
    shortening: Any = SummarizationMiddleware(
        ScriptedChatModel(*["They greeted each other."] * 9),
        trigger=("tokens", 60),
        keep=("messages", 2),
    )
    agent: Any = create_agent(
        ScriptedChatModel(*["Hello, hello, hello! " * 8] * 5),
        middleware=[shortening, memory()],
        store=store,
        checkpointer=InMemorySaver(),
    )
    for number in range(5):
        agent.invoke({"messages": [user(f"Hello number {number}! " * 8)]}, ANN)
    assert len(said(store)) == 10
    assert not any("greeted" in text for text in said(store))


def test_two_agents_on_one_history_record_it_once() -> None:
    store, ours = InMemoryStore(), memory()
    builder: Any = StateGraph(MessagesState)
    for name in ("first", "second"):
        asked: Any = create_agent(ScriptedChatModel(f"I am the {name}."), middleware=[ours])
        builder.add_node(name, asked)
    builder.add_edge(START, "first")
    builder.add_edge("first", "second")
    builder.compile(store=store).invoke({"messages": [user("Who are you?")]}, ANN)
    assert said(store) == ["Who are you?", "I am the first.", "I am the second."]


def test_a_prompt_that_is_made_for_each_call_stands_before_the_memory() -> None:
    @dynamic_prompt
    def polite(request: ModelRequest[Any]) -> str:
        return "You are polite."

    chat = ScriptedChatModel("Nice!", "Rome.")
    ours = memory(tool_calls(("Memory", {"content": "Ann lives in Rome"})), "Nothing.")
    both: list[Any] = [polite, ours]
    agent: Any = create_agent(chat, middleware=both, store=InMemoryStore())
    agent.invoke({"messages": [user("I live in Rome")]}, NO_THREAD)
    agent.invoke({"messages": [user("Where do I live?")]}, NO_THREAD)
    (system,) = [message.text for message in chat.asked[1].messages if message.type == "system"]
    assert system.startswith("You are polite.")
    assert "fact: Ann lives in Rome" in system


def test_a_thread_of_the_first_release_goes_on() -> None:
    chat = ScriptedChatModel("Nice!", "Rome.")
    ours = memory(tool_calls(("Memory", {"content": "Ann lives in Rome"})), "Nothing.")
    agent: Any = create_agent(
        chat, middleware=[ours], store=InMemoryStore(), checkpointer=InMemorySaver()
    )
    agent.update_state(ANN, {"longterm_recalled": "<memory>of old</memory>"})
    agent.invoke({"messages": [user("I live in Rome")]}, ANN)
    agent.invoke({"messages": [user("Where do I live?")]}, ANN)
    assert "of old" not in chat.asked[0].text
    assert "fact: Ann lives in Rome" in chat.asked[1].text


def test_two_managers_in_one_agent_are_told_apart_by_name() -> None:
    def learning(place: str, fact: str) -> LongtermMiddleware:
        model = ScriptedChatModel(tool_calls(("Memory", {"content": fact})), "Nothing.")
        manager = create_memory_store_manager(model, namespace=(place, "{user_id}"))
        return LongtermMiddleware(manager, name=place)

    chat = ScriptedChatModel("Nice!", "Rome.")
    both = [
        learning("facts", "Ann lives in Rome"),
        learning("episodes", "A picture of Rome helped"),
    ]
    agent: Any = create_agent(chat, middleware=both, store=InMemoryStore())
    agent.invoke({"messages": [user("I live in Rome")]}, NO_THREAD)
    agent.invoke({"messages": [user("Where in Rome?")]}, NO_THREAD)
    (system,) = [message.text for message in chat.asked[1].messages if message.type == "system"]
    assert system.count("fact: Ann lives in Rome") == 1
    assert system.count("fact: A picture of Rome helped") == 1
