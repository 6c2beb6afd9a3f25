"""LangMem's path to the managers and what they return."""

from longterm.manage.items import Item, SearchItem
from longterm.manage.manager import MemoryManager, create_memory_manager
from longterm.manage.searcher import create_memory_searcher
from longterm.manage.store_manager import (
    MemoryStoreManager,
    create_memory_store_manager,
)
from longterm.manage.thread import create_thread_extractor
from longterm.memory.model import ExtractedMemory, Memory, SummarizeThread
from longterm.types import (
    MemoryManagerInput,
    MemoryPhase,
    MemoryStoreManagerInput,
    MessagesInput,
)

#: LangMem's names of the inputs.
MemoryState = MemoryManagerInput
MessagesState = MessagesInput

__all__ = [
    "ExtractedMemory",
    "Item",
    "Memory",
    "MemoryManager",
    "MemoryPhase",
    "MemoryState",
    "MemoryStoreManager",
    "MemoryStoreManagerInput",
    "MessagesState",
    "SearchItem",
    "SummarizeThread",
    "create_memory_manager",
    "create_memory_searcher",
    "create_memory_store_manager",
    "create_thread_extractor",
]
