"""What a type checker knows of managers. `make check` reads it; it is never run.

What is wrong here on purpose is ignored, and an ignore with nothing to ignore is an error.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=error

from datetime import date
from typing import Any, assert_type

from langgraph.graph import MessagesState
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

from longterm import (
    create_memory_manager,
    create_memory_store_manager,
    create_prompt_optimizer,
    create_recall,
    create_thread_extractor,
)
from longterm.manage.manager import MemoryManager
from longterm.memory.model import Memory, RemoveDoc, SummarizeThread


class Food(BaseModel):
    """Food that someone likes."""

    dish: str


class Trip(BaseModel):
    """A journey."""

    when: date


def of_managers(state: MessagesState) -> None:
    foods = create_memory_manager("openai:x", schemas=[Food])
    assert_type(foods.invoke({"messages": "I like ramen"})[0].content, Food)
    assert_type(foods.invoke([("user", "I like ramen")])[0].content, Food)
    foods.invoke(state)
    foods.invoke({"mesages": "I like ramen"})  # pyright: ignore[reportArgumentType] - a misspelt key
    foods.invoke({"messages": 7})  # pyright: ignore[reportArgumentType] - no message

    memories = create_memory_manager("openai:x")
    assert_type(memories.invoke({"messages": []})[0].content, Memory)

    both = create_memory_manager("openai:x", schemas=(Food, Trip), enable_deletes=True)
    assert_type(both.invoke({"messages": []})[0].content, Food | Trip | RemoveDoc)

    loose = create_memory_manager("openai:x", schemas=[{"title": "Food", "type": "object"}])
    assert_type(loose, MemoryManager[Any])


def of_store_managers() -> None:
    foods = create_memory_store_manager("openai:x", schemas=[Food], store=InMemoryStore())
    foods.invoke({"messages": "I like ramen", "max_steps": 2})
    foods.invoke({"messages": "I like ramen", "steps": 2})  # pyright: ignore[reportArgumentType] - no such key
    item = foods.get("a")
    assert item is not None
    assert_type(item.value, Food)
    assert_type(foods.search(query="ramen")[0].value, Food)
    assert_type(create_memory_store_manager("openai:x").search()[0].value, Memory)


def of_others() -> None:
    assert_type(create_thread_extractor("openai:x").invoke({"messages": "…"}), SummarizeThread)
    assert_type(create_thread_extractor("openai:x", schema=Food).invoke({"messages": ""}), Food)
    optimizer = create_prompt_optimizer("openai:x")
    optimizer.invoke({"trajectories": "It went well.", "prompt": "Be kind."})
    optimizer.invoke({"trajectory": "It went well.", "prompt": "Be kind."})  # pyright: ignore[reportArgumentType] - no such key
    create_recall().invoke("What do I like?")
    create_recall().invoke({"question": "What do I like?", "thread": "t"})
    create_recall().invoke({"question": "What do I like?", "threads": "t"})  # pyright: ignore[reportArgumentType] - no such key
