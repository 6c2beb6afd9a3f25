"""The graphs to deploy, without a server; tests/reflect/test_remote.py has one."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig, RunnableLambda

from longterm.errors import ConfigurationError
from longterm.graphs import optimization, reflection, reflection_graph
from longterm.graphs.deployed import _literal
from longterm.memory.namespace import NamespaceTemplate, escape_label
from longterm.testing import ScriptedChatModel


async def test_a_reflector_sees_the_thread_that_is_reflected() -> None:
    async def reflect(payload: Any, config: RunnableConfig) -> Any:
        return payload, config.get("configurable", {})["thread_id"]

    graph = reflection_graph(RunnableLambda(lambda _: None, afunc=reflect))
    config = RunnableConfig(configurable={"thread_id": "run", "reflected_thread_id": "chat"})
    assert await graph.ainvoke({"messages": []}, config) == ({"messages": []}, "chat")


async def test_the_graph_that_is_shipped_needs_a_model() -> None:
    with pytest.raises(ConfigurationError, match="needs a model"):
        await reflection.ainvoke({"messages": []})


@pytest.mark.parametrize("label", ["ann", "a.b@c", "{thread_id}", "%2E", "langgraph", "{", "}}"])
def test_a_namespace_that_was_filled_is_not_filled_again(label: str) -> None:
    filled = (escape_label(label), "notes")
    assert NamespaceTemplate(_literal(filled)).location(RunnableConfig(configurable={})) == filled


BETTER = "<improved_prompt>Help in short.</improved_prompt>"
THREADS = [([{"role": "user", "content": "Explain"}], "too long")]


@pytest.mark.parametrize(
    ("prompts", "name"), [("Help.", "prompt"), ([{"name": "help", "prompt": "Help."}], "help")]
)
async def test_prompts_are_improved_with_the_model_in_the_config(prompts: Any, name: str) -> None:
    model = ScriptedChatModel(BETTER)
    config = RunnableConfig(configurable={"model": model, "kind": "prompt_memory"})
    done = await optimization.ainvoke({"prompts": prompts, "threads": THREADS}, config)
    (improved,) = done["updated_prompts"]
    assert (improved["name"], improved["prompt"]) == (name, "Help in short.")


async def test_improving_prompts_needs_a_model_too() -> None:
    with pytest.raises(ConfigurationError, match="needs a model"):
        await optimization.ainvoke({"prompts": "Help.", "threads": THREADS})


@pytest.mark.parametrize("graph", [reflection, optimization])
def test_a_server_can_show_the_schema_of_the_input(graph: Any) -> None:
    assert graph.get_input_jsonschema()["type"] == "object"
