"""Long-term memory for LLM agents.

Managers extract memories from conversations, keep them in a store and change or remove them
as things change; tools let agents write and search them. See docs/ for a page per module.
"""

from longterm.manage.functional import create_memory_manager
from longterm.manage.on_store import create_memory_store_manager
from longterm.manage.searcher import create_memory_searcher
from longterm.manage.thread import create_thread_extractor
from longterm.tools import create_manage_memory_tool, create_search_memory_tool

__all__ = [
    "create_manage_memory_tool",
    "create_memory_manager",
    "create_memory_searcher",
    "create_memory_store_manager",
    "create_search_memory_tool",
    "create_thread_extractor",
]
