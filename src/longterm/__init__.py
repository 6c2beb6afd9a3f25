"""Long-term memory for LLM agents.

Managers extract memories from conversations, keep them in a store and change or remove them
as things change; tools let agents write and search them; reflection does it in the
background; optimisers let prompts learn. docs/ has a page for each module.

Names are loaded when they are first asked for: LangChain takes a second to load, and a
program that only needs `longterm.stores` need not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from longterm import moved

if TYPE_CHECKING:
    from longterm.history import History
    from longterm.integrations.middleware import LongtermMiddleware
    from longterm.manage.manager import create_memory_manager
    from longterm.manage.searcher import create_memory_searcher
    from longterm.manage.store_manager import create_memory_store_manager
    from longterm.manage.thread import create_thread_extractor
    from longterm.memory.world_time import ValidFrom, ValidTo
    from longterm.prompts import (
        Prompt,
        create_multi_prompt_optimizer,
        create_prompt_optimizer,
    )
    from longterm.recall.answering import reading_prompt
    from longterm.recall.recorder import create_conversation_recorder
    from longterm.recall.retriever import create_recall
    from longterm.reflect import ReflectionExecutor
    from longterm.service import MemoryService, UserMemory
    from longterm.settings import open
    from longterm.tools import create_manage_memory_tool, create_search_memory_tool

__all__ = [
    "History",
    "LongtermMiddleware",
    "MemoryService",
    "Prompt",
    "ReflectionExecutor",
    "UserMemory",
    "ValidFrom",
    "ValidTo",
    "create_conversation_recorder",
    "create_manage_memory_tool",
    "create_memory_manager",
    "create_memory_searcher",
    "create_memory_store_manager",
    "create_multi_prompt_optimizer",
    "create_prompt_optimizer",
    "create_recall",
    "create_search_memory_tool",
    "create_thread_extractor",
    "open",
    "reading_prompt",
]

_HOMES = {
    "History": "history",
    "LongtermMiddleware": "integrations.middleware",
    "MemoryService": "service",
    "Prompt": "prompts",
    "ReflectionExecutor": "reflect",
    "UserMemory": "service",
    "ValidFrom": "memory.world_time",
    "ValidTo": "memory.world_time",
    "create_conversation_recorder": "recall.recorder",
    "create_manage_memory_tool": "tools",
    "create_memory_manager": "manage.manager",
    "create_memory_searcher": "manage.searcher",
    "create_memory_store_manager": "manage.store_manager",
    "create_multi_prompt_optimizer": "prompts",
    "create_prompt_optimizer": "prompts",
    "create_recall": "recall.retriever",
    "create_search_memory_tool": "tools",
    "create_thread_extractor": "manage.thread",
    "open": "settings",
    "reading_prompt": "recall.answering",
}

#: LangMem's rooms, which its users also reach as attributes of the package.
_ROOMS = ("errors", "knowledge", "prompts", "reflection", "short_term", "utils")

moved.install()


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version(__name__)
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
