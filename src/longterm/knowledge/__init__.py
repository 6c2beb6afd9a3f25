"""LangMem's path to the managers, tools and schemas."""

from longterm.manage.manager import create_memory_manager
from longterm.manage.searcher import create_memory_searcher
from longterm.manage.store_manager import MemoryPhase, create_memory_store_manager
from longterm.manage.thread import create_thread_extractor
from longterm.memory.model import Memory
from longterm.tools import create_manage_memory_tool, create_search_memory_tool

__all__ = [
    "Memory",
    "MemoryPhase",
    "create_manage_memory_tool",
    "create_memory_manager",
    "create_memory_searcher",
    "create_memory_store_manager",
    "create_search_memory_tool",
    "create_thread_extractor",
]
