"""An agent for many users that remembers each of them: python agent.py openai:gpt-5-mini

Memory is middleware: what is known of a user goes into the system prompt, and the conversation
is kept and reflected on after the run. One agent serves everyone; the user comes with the call.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langgraph.store.base import BaseStore

from longterm import LongtermMiddleware, create_search_memory_tool
from longterm.stores import EmbeddedStore


@dataclass
class Context:
    """Who is speaking; LangGraph hands it to everything in the run."""

    user_id: str


def make_agent(model: str | BaseChatModel, store: BaseStore) -> Any:
    """Return an agent whose users are told apart by ``context=Context(user_id=…)``."""
    return create_agent(
        model,
        tools=[create_search_memory_tool(namespace=("memories", "{user_id}"))],
        system_prompt="You help people plan their week.",
        middleware=[LongtermMiddleware.of(model, user="{user_id}")],
        context_schema=Context,
        store=store,
    )


def ask(agent: Any, user_id: str, words: str, thread_id: str) -> str:
    """Return the agent's answer to *words* of *user_id*."""
    answer = agent.invoke(
        {"messages": [("user", words)]},
        {"configurable": {"thread_id": thread_id}},
        context=Context(user_id),
    )
    return answer["messages"][-1].text


def main() -> None:
    """Let Ann say something on Monday and ask for it on Friday."""
    model = sys.argv[1] if len(sys.argv) > 1 else os.environ["LONGTERM_MODEL"]
    agent = make_agent(model, EmbeddedStore("agent.db"))
    print(ask(agent, "ann", "I play tennis on Thursdays at six.", "monday"))
    print(ask(agent, "ann", "Am I free on Thursday evening?", "friday"))


if __name__ == "__main__":
    main()
