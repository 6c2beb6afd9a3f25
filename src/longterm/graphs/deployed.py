"""The graphs: a reflector and an optimiser, with what the assistant's config says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.func import entrypoint

from longterm.errors import ConfigurationError
from longterm.manage.store_manager import create_memory_store_manager
from longterm.memory.namespace import Namespace, unescape_label
from longterm.prompts import create_multi_prompt_optimizer
from longterm.types import MemoryStoreManagerInput, MultiPromptOptimizerInput, Prompt

__all__ = ["graph_model", "optimization", "reflection", "reflection_graph"]


def reflection_graph(reflector: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """Return a graph that gives its input to *reflector*, on the store of the server."""

    async def reflection(payload: dict[str, Any], config: RunnableConfig) -> Any:
        return await reflector.ainvoke(payload, _as_submitted(config))

    return _graph(reflection)


async def _reflect(payload: dict[str, Any], config: RunnableConfig) -> Any:
    """Reflect with the model and on the namespace in *config*."""
    options: dict[str, Any] = {}
    if labels := config.get("configurable", {}).get("namespace"):
        options["namespace"] = _literal(labels)
    # Made on a thread, because a model's package may read files when it is imported.
    manager = await asyncio.to_thread(create_memory_store_manager, graph_model(config), **options)
    return await manager.ainvoke(cast("MemoryStoreManagerInput", payload), _as_submitted(config))


async def _optimize(payload: dict[str, Any], config: RunnableConfig) -> dict[str, Any]:
    """Improve the prompts in *payload* with the model and the kind in *config*."""
    kind = config.get("configurable", {}).get("kind", "gradient")
    optimizer = await asyncio.to_thread(
        create_multi_prompt_optimizer, graph_model(config), kind=kind
    )
    prompts: Any = payload["prompts"]
    if isinstance(prompts, str):
        prompts = [Prompt(name="prompt", prompt=prompts)]
    trajectories: Any = payload.get("threads") or payload.get("trajectories") or []
    given = MultiPromptOptimizerInput(prompts=prompts, trajectories=trajectories)
    improved = await optimizer.ainvoke(given)
    return {"updated_prompts": improved}


def graph_model(config: RunnableConfig) -> Any:
    """Return the model that the assistant's config names."""
    configurable = config.get("configurable", {})
    if "model" not in configurable:
        raise ConfigurationError(
            "This graph needs a model: set it in the assistant's config, as "
            '{"configurable": {"model": "openai:gpt-5-mini"}}.'
        )
    return configurable["model"]


def _literal(labels: Sequence[str]) -> Namespace:
    """Return the template that gives exactly *labels*, which are filled and escaped already."""
    plain = (unescape_label(label) for label in labels)
    return tuple(label.replace("{", "{{").replace("}", "}}") for label in plain)


def _as_submitted(config: RunnableConfig) -> RunnableConfig:
    """Copy *config* with the thread that is reflected, in place of that of the run itself."""
    submitted = config.copy()
    configurable = dict(config.get("configurable", {}))
    if reflected := configurable.get("reflected_thread_id"):
        configurable["thread_id"] = reflected
    submitted["configurable"] = configurable
    return submitted


def _graph(work: Any) -> Runnable[Any, Any]:
    return cast("Runnable[Any, Any]", entrypoint()(work))


reflection = _graph(_reflect)
optimization = _graph(_optimize)
