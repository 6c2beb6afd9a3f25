"""What a scripted model answers in programs that both extract memories and talk."""

from __future__ import annotations

from collections.abc import Callable

from langchain_core.messages import AIMessage

from longterm.testing import Asked, Reply, tool_calls

__all__ = ["replies_by_task"]


def replies_by_task(memory: str, answer: Callable[[str], str]) -> list[Reply]:
    """Return a script that extracts *memory* where there are tools for it, and answers elsewhere.

    *answer* gets the text of the call. What is known already is not extracted again.
    """

    def reply(asked: Asked) -> AIMessage:
        if any("update_" in name or name == "Memory" for name in asked.tool_names):
            known = memory in asked.text
            return AIMessage("Nothing.") if known else tool_calls(("Memory", {"content": memory}))
        return AIMessage(answer(asked.text))

    return [reply] * 20
