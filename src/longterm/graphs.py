"""Graphs to deploy on a LangGraph server.

`reflection` serves ``ReflectionExecutor("reflection", namespace, url=…)`` as it is: name it in
``langgraph.json`` as ``"reflection": "longterm.graphs:reflection"`` and set the model in the
assistant's config, ``{"configurable": {"model": "openai:gpt-5-mini"}}``. For a manager of your
own, deploy ``reflection_graph(manager)`` instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.func import entrypoint  # pyright: ignore[reportMissingTypeStubs]

from longterm.errors import ConfigurationError
from longterm.manage.on_store import MemoryStoreManager, create_memory_store_manager
from longterm.memory.namespace import Namespace, unescape_label

__all__ = ["reflection", "reflection_graph"]


def reflection_graph(reflector: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """Return a graph that gives its input to *reflector*, on the store of the server."""

    async def reflection(payload: dict[str, Any], config: RunnableConfig) -> Any:
        return await reflector.ainvoke(payload, _as_submitted(config))

    return _graph(reflection)


async def _reflect(payload: dict[str, Any], config: RunnableConfig) -> Any:
    """Reflect with the model and on the namespace in *config*."""
    # Made on a thread, because a model's package may read files when it is imported.
    manager = await asyncio.to_thread(_manager, config)
    return await manager.ainvoke(payload, _as_submitted(config))


def _manager(config: RunnableConfig) -> MemoryStoreManager:
    configurable = config.get("configurable", {})
    if "model" not in configurable:
        raise ConfigurationError(
            "The reflection graph needs a model: set it in the assistant's config, as "
            '{"configurable": {"model": "openai:gpt-5-mini"}}.'
        )
    if "namespace" not in configurable:
        return create_memory_store_manager(configurable["model"])
    namespace = _literal(configurable["namespace"])
    return create_memory_store_manager(configurable["model"], namespace=namespace)


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
