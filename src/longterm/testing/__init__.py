"""For your tests and ours: fakes of what costs time or money, and contracts that stores keep."""

from longterm.testing.contracts import (
    ColumnSearchContract,
    CompareAndSetContract,
    HybridSearchContract,
    RevisionsContract,
)
from longterm.testing.fakes import (
    Asked,
    HashEmbeddings,
    ManualClock,
    Reply,
    ScriptedChatModel,
    tool_calls,
)

__all__ = [
    "Asked",
    "ColumnSearchContract",
    "CompareAndSetContract",
    "HashEmbeddings",
    "HybridSearchContract",
    "ManualClock",
    "Reply",
    "RevisionsContract",
    "ScriptedChatModel",
    "tool_calls",
]
