"""LangMem's path to a graph that revises a prompt where it is stored.

The prompt is ``{"data": …}`` under ``config["configurable"]["prompt_key"]`` in the namespace
``config["configurable"]["namespace"]`` of the graph's store; ``"model"`` there revises it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.store.base import BaseStore

from longterm.commit import Write, commit, if_unchanged
from longterm.effects.drivers import arun
from longterm.effects.steps import fetch, get_op
from longterm.errors import ConfigurationError
from longterm.prompts.stateless import PromptMemory, SingleMemoryInput

__all__ = ["ReflectionState", "general_reflection_graph", "update_general"]


class ReflectionState(MessagesState):
    """A conversation, what was said of it, and how the prompt may change."""

    feedback: str | None
    instructions: str


async def update_general(
    state: ReflectionState, config: RunnableConfig, *, store: BaseStore
) -> None:
    """Revise the stored prompt after the conversation in *state*.

    Raises `ConfigurationError` where the config does not say which prompt, or with what model, and
    `ConflictError` where the prompt was changed while the model revised it.
    """
    given = config.get("configurable", {})
    key: Any = given.get("prompt_key") or config.get("prompt_key")
    if not (key and given.get("namespace") and given.get("model")):
        raise ConfigurationError(
            "Revising a stored prompt needs namespace, prompt_key and model in "
            "config['configurable']."
        )
    memory = await asyncio.to_thread(PromptMemory, given["model"])
    flow = _revised(memory, state, tuple(given["namespace"]), key, config)
    await arun(flow, config, store=store)


async def _revised(
    memory: PromptMemory,
    state: ReflectionState,
    namespace: tuple[str, ...],
    key: str,
    config: RunnableConfig,
) -> None:
    [item] = await fetch([get_op(namespace, key)])
    if item is None:
        raise ConfigurationError(f"There is no prompt {key!r} in {namespace!r} of the store.")
    before: str = item.value["data"]
    asked = SingleMemoryInput(
        messages=state["messages"],
        current_prompt=before,
        feedback=state.get("feedback") or "",
        instructions=state.get("instructions") or "",
    )
    after = await memory.flow(asked, config)
    if after != before:
        # A model takes its time, and others may have changed the prompt meanwhile.
        write = Write(namespace, key, if_unchanged(item, {"data": after}), index=False)
        await commit([write], actor="manager", reason="revised after a conversation")


def _graph() -> Any:
    graph: Any = StateGraph(ReflectionState)
    graph.add_node("update_general", update_general)
    graph.add_edge(START, "update_general")
    graph.add_edge("update_general", END)
    return graph.compile()


general_reflection_graph = _graph()
