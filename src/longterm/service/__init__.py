"""The service: one user's memory. Command line, REST, MCP and console call it, and nothing else."""

from longterm.service.costs import DayCost
from longterm.service.items import MEMORY_STORES
from longterm.service.memory_service import MemoryService
from longterm.service.records import (
    Learned,
    MemoryChange,
    MemoryRecord,
    UserStats,
    recall_body,
    recall_json,
)
from longterm.service.redacting import erase_past
from longterm.service.repeated import remember_once
from longterm.service.setup import ROOTS
from longterm.service.user_memory import UserMemory

__all__ = [
    "MEMORY_STORES",
    "ROOTS",
    "DayCost",
    "Learned",
    "MemoryChange",
    "MemoryRecord",
    "MemoryService",
    "UserMemory",
    "UserStats",
    "erase_past",
    "recall_body",
    "recall_json",
    "remember_once",
]
