"""The demo: three conversations that share no history, only memories.

In the first a model learns, in the second it changes its mind, in the third it answers; then
comes what one memory said before, and where it came from. Whatever the model does is shown as
it is; a small model errs.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import SearchItem
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from longterm.effects.drivers import run as run_flow
from longterm.effects.steps import ask
from longterm.errors import DroppedWarning
from longterm.manage.store_manager import MemoryStoreManager, create_memory_store_manager
from longterm.memory.revision import json_revision
from longterm.models.names import ChatModel, as_model
from longterm.recall.retriever import create_recall
from longterm.testing import ScriptedChatModel, tool_calls

__all__ = ["SCRIPTS", "Script", "UserFoodPreference", "run_demo", "scripted_model"]


class UserFoodPreference(BaseModel):
    """What the user thinks of one dish."""

    food_name: str = Field(description="Name of the dish")
    cuisine: str = Field(description="Cuisine the dish belongs to")
    preference: int = Field(ge=0, le=100, description="From 0 (hates it) to 100 (loves it)")
    description: str = Field(description="What the user said of it")


@dataclass(frozen=True, slots=True)
class Script:
    """What the user says, conversation by conversation, and what a scripted model makes of it."""

    learning: tuple[str, str]
    changing: tuple[str, str]
    asking: str
    #: The two dishes, the first one as it is called later, and their cuisines.
    dishes: tuple[str, str, str]
    cuisines: tuple[str, str]
    answer: str


SCRIPTS = {
    "zh": Script(
        ("我非常喜欢拉面!!", "我也喜欢意面"),
        ("我喜欢味噌拉面", "我不喜欢意面了"),
        "今天的午餐该吃什么呢？",
        ("拉面", "意面", "味噌拉面"),
        ("日本", "意大利"),
        "今天的午餐可以吃味噌拉面。",
    ),
    "en": Script(
        ("I love ramen!!", "I also like pasta"),
        ("I like miso ramen", "I don't like pasta any more"),
        "What should I have for lunch today?",
        ("ramen", "pasta", "miso ramen"),
        ("Japanese", "Italian"),
        "How about miso ramen for lunch?",
    ),
}

_INSTRUCTIONS = "When the user does not like a dish any more, delete its memory."
_PLACE = ("demo", "{user_id}")
# Shorter than `recall.answering.READING_PROMPT`, and about advice: a model this small takes
# "answer from what is remembered" for "say it again".
_ADVICE = """\
You are a friendly assistant. You suggest things that suit the user.

{memory}

Answer the user in one or two sentences, in the user's language, and make a suggestion that \
fits what is remembered."""

_NEXT = """\
Three things to try next:
  longterm add "I like miso ramen"; longterm recall "What do I eat?"
      the same on your disk, without any model
  longterm serve
      a server for every language, with a console to look around in
  LongtermMiddleware.of(model, store)
      one line that gives your own agent a memory: docs/quickstart.md"""


def scripted_model(lang: str) -> ChatModel:
    """Return a model that says what a good one would in the script of *lang*, and needs no file."""
    script = SCRIPTS[lang]
    (first, second), (refined, _) = script.learning, script.changing
    ramen, pasta, better = script.dishes
    japanese, italian = script.cuisines

    def food(name: str, cuisine: str, preference: int, said: str) -> dict[str, Any]:
        return {
            "food_name": name,
            "cuisine": cuisine,
            "preference": preference,
            "description": said,
        }

    return ScriptedChatModel(
        tool_calls(
            ("UserFoodPreference", food(ramen, japanese, 95, first)),
            ("UserFoodPreference", food(pasta, italian, 80, second)),
        ),
        tool_calls(
            (
                "update_UserFoodPreference",
                {"number": 0, "changes": {"food_name": better, "description": refined}},
            ),
            ("delete_memory", {"number": 1}),
        ),
        AIMessage(script.answer),
    )


def run_demo(model: str | ChatModel, lang: str, console: Console | None = None) -> dict[str, Any]:
    """Play the script of *lang* with *model* and print what happens.

    Returns the answer, and the memories with all that each of them said, as JSON data.
    """
    console = console or Console()
    script, chat = SCRIPTS[lang], as_model(model)
    user: RunnableConfig = {"configurable": {"user_id": f"demo-{lang}"}}
    manager = create_memory_store_manager(
        chat,
        schemas=[UserFoodPreference],
        instructions=_INSTRUCTIONS,
        enable_deletes=True,
        namespace=_PLACE,
        store=InMemoryStore(),
    )
    for number, said in enumerate((script.learning, script.changing), 1):
        console.rule(f"Conversation {number}")
        _learn_from(console, manager, said, user)
    console.rule("Conversation 3, which has seen neither of the others")
    answer = _answer_question(console, manager, chat, script.asking, user)
    memories: list[dict[str, Any]] = []
    console.rule("What a memory said before, and where it came from")
    for item in manager.search(config=user):
        revisions = manager.history(item.key, config=user)
        memories.append({"id": item.key, "revisions": [*map(json_revision, revisions)]})
        for revision in revisions:
            if revision.value is None:
                console.print(f"{revision.number}. {revision.action}")
                continue
            value = UserFoodPreference.model_validate(revision.value["content"])
            said = revision.sources[0].quote if revision.sources else ""
            console.print(
                f"{revision.number}. {revision.action}: [bold]{escape(value.food_name)}[/], "
                f"{value.preference} of 100 [dim]from “{escape(said)}”[/]"
            )
    console.print(f"\n{_NEXT}", highlight=False)
    return {"answer": answer, "memories": memories}


def _learn_from(
    console: Console,
    manager: MemoryStoreManager[UserFoodPreference],
    said: Sequence[str],
    user: RunnableConfig,
) -> None:
    for words in said:
        console.print(f"[bold]user:[/] {words}")
    before = manager.search(config=user)
    with _timed(console, "learned"), _with_warnings(console):
        messages = [HumanMessage(words) for words in said]
        run_flow(manager.flow({"messages": messages}, user), user, store=manager.store)
    console.print(_table(before, manager.search(config=user)))


def _answer_question(
    console: Console,
    manager: MemoryStoreManager[UserFoodPreference],
    chat: ChatModel,
    question: str,
    user: RunnableConfig,
) -> str:
    console.print(f"[bold]user:[/] {question}")
    recall = create_recall(namespace=_PLACE, store=manager.store)
    with _timed(console, "remembered"):
        memory = run_flow(recall.flow(question, user), user, store=manager.store).text
    # Not format(): what people said may hold braces.
    prompt = SystemMessage(_ADVICE.replace("{memory}", memory))
    with _timed(console, "answered"):
        answer = run_flow(ask(chat, [prompt, HumanMessage(question)]))
    console.print(f"[bold]assistant:[/] {escape(answer.text)}")
    return answer.text


def _table(before: Sequence[SearchItem], after: Sequence[SearchItem]) -> Table:
    """Show what became of the memories, one row each: new, changed, deleted or as before."""
    table = Table("", *UserFoodPreference.model_fields, title="memories", title_justify="left")
    old = {item.key: item.value for item in before}
    new = {item.key: item.value for item in after}
    for key in dict.fromkeys([*old, *new]):
        was, now = _cells(old.get(key)), _cells(new.get(key))
        if not was:
            table.add_row("new", *now, style="green")
        elif not now:
            table.add_row("deleted", *was, style="red")
        elif was == now:
            table.add_row("", *now)
        else:
            cells = (
                cell if cell == other else f"{other} → {cell}"
                for cell, other in zip(now, was, strict=True)
            )
            table.add_row("changed", *cells, style="yellow")
    return table


def _cells(value: Any) -> list[str]:
    match value:
        case None:
            return []
        case BaseModel():
            return [escape(str(cell)) for cell in value.model_dump().values()]
        case _:
            return [escape(str(cell)) for cell in dict(value).values()]


@contextmanager
def _timed(console: Console, what: str) -> Generator[None]:
    started = time.perf_counter()
    with console.status(f"{what} …"):
        yield
    console.print(f"[dim]{what} in {time.perf_counter() - started:.2f} s[/]")


@contextmanager
def _with_warnings(console: Console) -> Generator[None]:
    """Print what a model proposed and could not be carried out, where users see it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DroppedWarning)
        yield
    for warning in caught:
        console.print(f"[yellow]{escape(str(warning.message))}[/]")
