"""LangMem's path to the memory tools."""

from longterm.tools import create_manage_memory_tool, create_search_memory_tool

__all__ = ["create_manage_memory_tool", "create_search_memory_tool"]
