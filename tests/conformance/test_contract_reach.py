"""One rule for all that search: at and below a namespace, unless exact; never beside it.

Held through every door, on every store, blocking and awaited.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from langgraph.store.base import BaseStore

from longterm import (
    create_manage_memory_tool,
    create_memory_searcher,
    create_memory_store_manager,
    create_recall,
    create_search_memory_tool,
)
from longterm.prompts import create_few_shot
from longterm.reflect import ReflectionExecutor
from longterm.testing import ScriptedChatModel, tool_calls

PLACE = ("memories", "{user}")
ANN: Any = {"configurable": {"user": "ann"}}
SAID = "What about the teapot?"
#: Where what lies, and the one word that tells it from the others.
LYING = {
    ("memories", "ann"): "oolong",
    ("memories", "ann", "work"): "sencha",
    ("memories", "ann", "work", "deep"): "matcha",
    ("memories", "anna"): "lapsang",
    ("memories", "bo"): "assam",
    ("memories",): "darjeeling",
    ("turns", "ann"): "rooibos",
}
BELOW = {"oolong", "sencha", "matcha"}


def memory(text: str) -> dict[str, Any]:
    return {"kind": "Memory", "content": {"content": text}}


@pytest.fixture
def filled(store: BaseStore) -> BaseStore:
    for namespace, word in LYING.items():
        # The same key everywhere: a place is a namespace and a key.
        store.put(namespace, "k", memory(f"the teapot holds {word}"))
    return store


def words_in(text: str) -> set[str]:
    return {word for word in LYING.values() if word in text}


@dataclass(frozen=True)
class Search:
    """One search through one door: what it shows, blocking and awaited."""

    blocking: Callable[[], Any]
    awaited: Callable[[], Awaitable[Any]]
    #: What was shown, of what the search returned.
    shown: Callable[[Any], str] = str


def _of(runnable: Any, asked: Any, shown: Callable[[Any], str] = str) -> Search:
    return Search(lambda: runnable.invoke(asked, ANN), lambda: runnable.ainvoke(asked, ANN), shown)


def _tool(store: BaseStore, *, exact: bool) -> Search:
    tool = create_search_memory_tool(PLACE, store=store, exact=exact)
    return _of(tool, {"query": SAID})


def _searcher(store: BaseStore, *, exact: bool) -> Search:
    model = ScriptedChatModel(tool_calls(("search_memory", {"query": SAID})))
    return _of(create_memory_searcher(model, namespace=PLACE, store=store, exact=exact), SAID)


def _manager(store: BaseStore, *, exact: bool) -> Search:
    manager = create_memory_store_manager(
        ScriptedChatModel(), namespace=PLACE, store=store, exact=exact
    )
    return Search(
        lambda: manager.search(query=SAID, config=ANN),
        lambda: manager.asearch(query=SAID, config=ANN),
    )


def _prompt(store: BaseStore, *, exact: bool, **options: Any) -> Search:
    model = ScriptedChatModel(tool_calls())
    manager = create_memory_store_manager(
        model, namespace=PLACE, store=store, exact=exact, **options
    )
    return _of(manager, SAID, lambda _: model.asked[0].text)


def _prompt_after_queries(store: BaseStore, *, exact: bool) -> Search:
    return _prompt(store, exact=exact, query_limit=9)


def _recall(store: BaseStore, *, exact: bool) -> Search:
    recall = create_recall(namespace=PLACE, store=store, exact=exact)
    return _of(recall, SAID, lambda found: found.text)


def _examples(store: BaseStore, *, exact: bool) -> Search:
    finder = create_few_shot(PLACE, store=store, limit=9, exact=exact)
    return _of(finder, SAID, lambda found: found.text)


def _executor(store: BaseStore, *, exact: bool) -> Search:
    manager = create_memory_store_manager(
        ScriptedChatModel(), namespace=PLACE, store=store, exact=exact
    )
    executor = ReflectionExecutor(manager, store=store)
    place = ("memories", "ann")
    return Search(
        lambda: executor.search(SAID, namespace=place),
        lambda: executor.asearch(SAID, namespace=place),
    )


DOORS = (
    _tool,
    _searcher,
    _manager,
    _prompt,
    _prompt_after_queries,
    _recall,
    _examples,
    _executor,
)
every_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
exact_or_not = pytest.mark.parametrize("exact", [False, True], ids=["below", "exact"])


@every_door
@exact_or_not
def test_every_door_reaches_equally_far(filled: BaseStore, door: Any, *, exact: bool) -> None:
    search: Search = door(filled, exact=exact)
    assert words_in(search.shown(search.blocking())) == ({"oolong"} if exact else BELOW)


@every_door
@exact_or_not
async def test_every_door_reaches_equally_far_awaited(
    filled: BaseStore, door: Any, *, exact: bool
) -> None:
    search: Search = door(filled, exact=exact)
    assert words_in(search.shown(await search.awaited())) == ({"oolong"} if exact else BELOW)


def test_agents_of_a_team_write_for_themselves_and_read_what_all_wrote(store: BaseStore) -> None:
    for agent in ("a", "b"):
        own = create_manage_memory_tool(("memories", "team", agent), store=store)
        own.invoke({"content": f"noted by {agent}"})
    shared = create_search_memory_tool(("memories", "team"), store=store)
    found = json.loads(str(shared.invoke({"query": "noted"})))
    assert {item["value"]["content"] for item in found} == {"noted by a", "noted by b"}


def test_a_manager_changes_a_memory_where_it_lies_and_begins_one_in_its_own(
    filled: BaseStore,
) -> None:
    model = ScriptedChatModel(tool_calls())
    manager = create_memory_store_manager(model, namespace=PLACE, store=filled, enable_deletes=True)
    manager.invoke(SAID, ANN)
    shown = model.asked[0].text.splitlines()
    [number] = [n for n in range(3) if f"[{n}]" in next(line for line in shown if "matcha" in line)]
    [gone] = [n for n in range(3) if f"[{n}]" in next(line for line in shown if "sencha" in line)]
    changes = tool_calls(
        ("update_Memory", {"number": number, "changes": {"content": "the teapot is empty"}}),
        ("delete_memory", {"number": gone}),
        ("Memory", {"content": "a new teapot came"}),
    )
    manager = create_memory_store_manager(
        ScriptedChatModel(changes), namespace=PLACE, store=filled, enable_deletes=True
    )
    manager.invoke("The teapot is empty now, the old one is gone, a new one came.", ANN)

    texts = {
        item.namespace: sorted(
            one.value["content"]["content"] for one in filled.search(item.namespace)
        )
        for item in filled.search(("memories",), limit=50)
    }
    deep = filled.get(("memories", "ann", "work", "deep"), "k")
    assert deep is not None
    assert deep.value == memory("the teapot is empty")
    assert filled.get(("memories", "ann", "work"), "k") is None
    own = filled.get(("memories", "ann"), "k")
    assert own is not None
    assert own.value == memory("the teapot holds oolong")
    assert "a new teapot came" in texts["memories", "ann"]
    for beside in (("memories", "anna"), ("memories", "bo"), ("memories",)):
        kept = filled.get(beside, "k")
        assert kept is not None
        assert kept.value == memory(f"the teapot holds {LYING[beside]}")


def test_a_profile_is_begun_whatever_lies_below(store: BaseStore) -> None:
    store.put(("memories", "ann", "facts"), "1", memory("likes tea"))
    manager = create_memory_store_manager(
        ScriptedChatModel(tool_calls(("Memory", {"content": "Ann is a baker"}))),
        namespace=PLACE,
        store=store,
        enable_inserts=False,
    )
    (put,) = manager.invoke("I am a baker", ANN)
    assert put["namespace"] == ("memories", "ann")


def test_what_was_said_below_is_no_memory_to_change(store: BaseStore) -> None:
    store.put(("memories", "ann", "turns"), "1", {"kind": "Turn", "content": "I like oolong"})
    model = ScriptedChatModel(tool_calls())
    create_memory_store_manager(model, namespace=PLACE, store=store).invoke(SAID, ANN)
    assert "oolong" not in model.asked[0].text
