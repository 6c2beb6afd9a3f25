"""The demo: three conversations that share no history, only memories.

In the first a model learns, in the second it changes its mind, in the third it answers.
Whatever the model does is shown as it is; a small model errs.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import SearchItem
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field
from rich.console import Console
from rich.table import Table

from longterm.effects.drivers import run as run_flow
from longterm.effects.steps import ask
from longterm.errors import DroppedWarning
from longterm.manage.store_manager import MemoryStoreManager, create_memory_store_manager
from longterm.models.names import ChatModel, as_model
from longterm.recall.answering import reading_prompt
from longterm.recall.retriever import create_recall

__all__ = ["SCRIPTS", "Script", "UserFoodPreference", "run_demo"]


class UserFoodPreference(BaseModel):
    """What the user thinks of one dish."""

    food_name: str = Field(description="Name of the dish")
    cuisine: str = Field(description="Cuisine the dish belongs to")
    preference: int = Field(ge=0, le=100, description="From 0 (hates it) to 100 (loves it)")
    description: str = Field(description="What the user said of it")


@dataclass(frozen=True, slots=True)
class Script:
    """What the user says, conversation by conversation."""

    learning: tuple[str, ...]
    changing: tuple[str, ...]
    asking: str


SCRIPTS = {
    "zh": Script(
        ("我非常喜欢拉面!!", "我也喜欢意面"),
        ("我喜欢味噌拉面", "我不喜欢意面了"),
        "今天的午餐该吃什么呢？",
    ),
    "en": Script(
        ("I love ramen!!", "I also like pasta"),
        ("I like miso ramen", "I don't like pasta any more"),
        "What should I have for lunch today?",
    ),
}

_INSTRUCTIONS = "When the user does not like a dish any more, delete its memory."
_PLACE = ("demo", "{user_id}")


def run_demo(model: str | ChatModel, lang: str, console: Console | None = None) -> None:
    """Play the script of *lang* with *model* and print what happens."""
    console = console or Console()
    script, chat = SCRIPTS[lang], as_model(model)
    manager = _manager(chat)
    user: RunnableConfig = {"configurable": {"user_id": f"demo-{lang}"}}
    for number, said in enumerate((script.learning, script.changing), 1):
        console.rule(f"Conversation {number}")
        _learn(console, manager, said, user)
    console.rule("Conversation 3, which has seen neither of the others")
    _answer(console, manager, chat, script.asking, user)


def _manager(chat: ChatModel) -> MemoryStoreManager:
    return create_memory_store_manager(
        chat,
        schemas=[UserFoodPreference],
        instructions=_INSTRUCTIONS,
        enable_deletes=True,
        namespace=_PLACE,
        store=InMemoryStore(),
    )


def _learn(
    console: Console, manager: MemoryStoreManager, said: Sequence[str], user: RunnableConfig
) -> None:
    for words in said:
        console.print(f"[bold]user:[/] {words}")
    before = manager.search(config=user)
    with _timed(console, "learned"), _told(console):
        messages = [HumanMessage(words) for words in said]
        run_flow(manager.flow({"messages": messages}, user), user, store=manager.store)
    console.print(_table(before, manager.search(config=user)))


def _answer(
    console: Console,
    manager: MemoryStoreManager,
    chat: ChatModel,
    question: str,
    user: RunnableConfig,
) -> None:
    console.print(f"[bold]user:[/] {question}")
    recall = create_recall(namespace=_PLACE, store=manager.store)
    with _timed(console, "remembered"):
        memory = run_flow(recall.flow(question, user), user, store=manager.store).text
    prompt = SystemMessage(reading_prompt(memory, now=datetime.now().astimezone()))
    with _timed(console, "answered"):
        answer = run_flow(ask(chat, [prompt, HumanMessage(question)]))
    console.print(f"[bold]assistant:[/] {answer.text}")


def _table(before: Sequence[SearchItem], after: Sequence[SearchItem]) -> Table:
    """Show the memories of both times side by side, one row a memory."""
    table = Table("", *UserFoodPreference.model_fields, title="memories", title_justify="left")
    old = {item.key: item.value for item in before}
    new = {item.key: item.value for item in after}
    for key in dict.fromkeys([*old, *new]):
        for mark, value in _rows(old.get(key), new.get(key)):
            table.add_row(mark, *_cells(value), style=_STYLES[mark])
    return table


_STYLES = {"": "", "+": "green", "-": "red"}


def _rows(old: Any, new: Any) -> Iterator[tuple[str, Any]]:
    if old == new:
        yield "", new
        return
    if old is not None:
        yield "-", old
    if new is not None:
        yield "+", new


def _cells(value: Any) -> list[str]:
    fields = value.model_dump() if isinstance(value, BaseModel) else dict(value)
    return [str(cell) for cell in fields.values()]


@contextmanager
def _timed(console: Console, what: str) -> Generator[None]:
    started = time.perf_counter()
    with console.status(f"{what} …"):
        yield
    console.print(f"[dim]{what} in {time.perf_counter() - started:.2f} s[/]")


@contextmanager
def _told(console: Console) -> Generator[None]:
    """Print what a model proposed and could not be carried out, where users see it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DroppedWarning)
        yield
    for warning in caught:
        console.print(f"[yellow]{warning.message}[/]")
