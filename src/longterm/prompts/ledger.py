"""What a measured optimisation costs, with a budget that is never exceeded."""

from __future__ import annotations

import threading
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda

from longterm.models.names import ChatModel

__all__ = ["BudgetSpent", "CallLedger"]


class BudgetSpent(BaseException):
    """The next call would be one too many.

    Not an `Exception`: what calls us in between retries those, and this one must come through.
    """


class CallLedger:
    """Counts the calls and tokens of the models it meters. Thread-safe."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.calls = 0
        self.tokens = 0
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return self.most - self.calls

    def meter(self, model: ChatModel) -> ChatModel:
        """*model*, each of whose calls is paid for first."""

        def pay(messages: Any) -> Any:
            with self._lock:
                if self.calls >= self.most:
                    raise BudgetSpent
                self.calls += 1
            return messages

        def note(answer: Any) -> Any:
            usage = answer.usage_metadata if isinstance(answer, AIMessage) else None
            with self._lock:
                self.tokens += usage["total_tokens"] if usage else 0
            return answer

        return RunnableLambda(pay) | model | RunnableLambda(note)
