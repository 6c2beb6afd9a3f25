"""LangMem's own classes and helpers around prompts, at LangMem's paths."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, ValidationError

from longterm.errors import ConfigurationError, ConflictError
from longterm.history import History
from longterm.prompts.gradient import GradientPromptOptimizer
from longterm.prompts.metaprompt import MetaPromptOptimizer
from longterm.prompts.stateful import ReflectionState, update_general
from longterm.prompts.stateless import PromptMemory, PromptMemoryMultiple
from longterm.testing import Asked, ScriptedChatModel
from longterm.utils import (
    dumps,
    format_sessions,
    get_conversation,
    get_dialated_windows,
    get_prompt_extraction_schema,
    get_var_healer,
)

NEW = "<improved_prompt>Help {name} briefly.</improved_prompt>"
SAID = [{"role": "user", "content": "Too long!"}]


def test_prompt_memory_revises_after_one_conversation() -> None:
    model = ScriptedChatModel(NEW)
    asked: Any = {"messages": SAID, "current_prompt": "Help {name}.", "instructions": "be brief"}
    assert PromptMemory(model).invoke(asked) == "Help {name} briefly."
    assert "be brief" in model.asked[0].text
    assert "Too long!" in model.asked[0].text


async def test_prompt_memory_revises_after_several_conversations() -> None:
    memory = PromptMemoryMultiple(ScriptedChatModel(NEW))
    assert await memory([(SAID, "shorter")], "Help {name}.") == "Help {name} briefly."


@pytest.mark.parametrize("optimizer", [GradientPromptOptimizer, MetaPromptOptimizer])
def test_the_classes_of_a_kind_can_be_made_directly(optimizer: Any) -> None:
    model = ScriptedChatModel(*[NEW] * 4)
    given = {"trajectories": [(SAID, "shorter")], "prompt": "Help {name}."}
    assert optimizer(model, {"max_reflection_steps": 1}).invoke(given) == "Help {name} briefly."


STATE: Any = ReflectionState(messages=[HumanMessage("Too long!")], feedback=None, instructions="")


async def test_a_stored_prompt_is_revised_where_it_is_and_keeps_its_past() -> None:
    store = InMemoryStore()
    store.put(("prompts",), "help", {"data": "Help {name}."}, index=False)
    model = ScriptedChatModel(NEW)
    config: Any = {"configurable": {"namespace": ["prompts"], "prompt_key": "help", "model": model}}
    await update_general(STATE, config, store=store)
    item = store.get(("prompts",), "help")
    assert item is not None
    assert item.value == {"data": "Help {name} briefly."}
    assert len(History(store).of(("prompts",), "help")) == 2


async def test_a_stored_prompt_that_was_changed_meanwhile_is_not_written_over() -> None:
    store, theirs = InMemoryStore(), {"data": "Help {name} in French."}
    store.put(("prompts",), "help", {"data": "Help {name}."}, index=False)

    def meanwhile(_: Asked) -> str:
        store.put(("prompts",), "help", theirs, index=False)
        return NEW

    model = ScriptedChatModel(meanwhile)
    config: Any = {"configurable": {"namespace": ["prompts"], "prompt_key": "help", "model": model}}
    with pytest.raises(ConflictError):
        await update_general(STATE, config, store=store)
    item = store.get(("prompts",), "help")
    assert item is not None
    assert item.value == theirs


async def test_a_stored_prompt_that_is_not_named_or_not_there_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match="prompt_key"):
        await update_general(STATE, {"configurable": {}}, store=InMemoryStore())
    config: Any = {"configurable": {"namespace": ["p"], "prompt_key": "x", "model": _silent()}}
    with pytest.raises(ConfigurationError, match="no prompt"):
        await update_general(STATE, config, store=InMemoryStore())


def _silent() -> ScriptedChatModel:
    return ScriptedChatModel()


def test_windows_double_up_to_the_whole_conversation() -> None:
    said = [HumanMessage(f"m{n}") if n % 2 else AIMessage(f"m{n}") for n in range(5)]
    windows = get_dialated_windows(said)
    assert [window.count("Message") for window in windows] == [1, 2, 4, 5]
    assert windows[-1] == get_conversation(said)
    assert get_dialated_windows([]) == []


def test_sessions_are_shown_with_their_feedback() -> None:
    assert "shorter" in format_sessions([(SAID, "shorter")])
    assert "It went well." in format_sessions("It went well.")
    assert format_sessions([]) == ""


@pytest.mark.parametrize(
    ("vars", "text", "healed"),
    [
        ({"name"}, 'Hi {name}: {"a": 1}', 'Hi {name}: {{"a": 1}}'),
        ("Hi {name}", "Dear {name} {other}", "Dear {name} {{other}}"),
        ("Hi {x} {{y}}", "Hi {x} {y}", "Hi {x} {{y}}"),
        ("{x:>5} {name!r}", "{name!r} {x:>5}", "{name!r} {x:>5}"),
        (set[str](), "{x}", "{{x}}"),
        ({"x"}, "{{y}} {x}", "{{y}} {x}"),
        ({"x"}, '{"a":{"b":1}} {x}', '{{"a":{{"b":1}}}} {x}'),
    ],
)
def test_braces_that_are_no_placeholder_are_doubled(vars: Any, text: str, healed: str) -> None:
    assert get_var_healer(vars)(text) == healed
    assert healed.format(name="", x="") is not None


def test_a_required_placeholder_that_is_lost_is_an_error() -> None:
    with pytest.raises(ValueError, match="name"):
        get_var_healer({"name"}, all_required=True)("Hi")


def test_the_schema_of_a_better_prompt_refuses_a_lost_placeholder() -> None:
    schema = get_prompt_extraction_schema("Help {name}.")
    better = schema.model_validate({"analysis": "", "improved_prompt": "Help {name} now."})
    assert better.model_dump()["improved_prompt"] == "Help {name} now."
    with pytest.raises(ValidationError, match="lost"):
        schema.model_validate({"analysis": "", "improved_prompt": "Help."})


def test_anything_becomes_json() -> None:
    class Food(BaseModel):
        dish: str

    assert dumps({"food": Food(dish="拉面"), "set": 1}) == '{"food":{"dish":"拉面"},"set":1}'
