"""LangMem's path to the namespace template."""

from longterm.memory.namespace import NamespaceTemplate

__all__ = ["NamespaceTemplate"]
