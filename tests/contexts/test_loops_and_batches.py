"""Running event loops, notebooks, many users at once, batches."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import nbformat
import pytest
from langchain_core.messages import AIMessage
from langgraph.store.memory import InMemoryStore
from nbclient import NotebookClient

from longterm import create_memory_manager, create_memory_store_manager
from longterm.testing import Asked, ScriptedChatModel, tool_calls

TALK = [{"role": "user", "content": "I love ramen."}]

CELLS = (
    """
import asyncio
from langgraph.store.memory import InMemoryStore
from longterm import create_memory_manager, create_memory_store_manager, create_thread_extractor
from longterm.testing import ScriptedChatModel, tool_calls
ann = {"configurable": {"langgraph_user_id": "ann"}}
talk = {"messages": ["I love ramen."]}
said = lambda food: tool_calls(("Memory", {"content": food}))
store = InMemoryStore()
model = ScriptedChatModel(said("by invoke"), said("by ainvoke"), said("by the manager itself"))
manager = create_memory_store_manager(model, store=store)
print("a loop is running:", asyncio.get_running_loop().is_running())
""",
    "print(manager.invoke(talk, ann)[0]['value'])",
    "print((await manager.ainvoke(talk, ann))[0]['value'])",
    """
print(await create_memory_manager(ScriptedChatModel(said("functional")))(["I love ramen."]))
""",
    "print(sorted(item.value.content for item in manager.search(config=ann)))",
)


async def test_inside_a_running_loop_the_blocking_call_works() -> None:
    store = InMemoryStore()
    model = ScriptedChatModel(tool_calls(("Memory", {"content": "ramen"})))
    manager = create_memory_store_manager(model, store=store, namespace=("memories",))
    (put,) = manager.invoke({"messages": TALK})
    assert [item.key for item in manager.search()] == [put["key"]]


def test_in_a_notebook_both_ways_in_work() -> None:
    form: Any = nbformat.v4  # untyped
    notebook = form.new_notebook(cells=[form.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=100, kernel_name="python3").execute()
    printed = "".join(
        output["text"] for cell in notebook.cells for output in cell.outputs if "text" in output
    )
    assert "a loop is running: True" in printed
    assert "['by ainvoke', 'by invoke']" in printed
    assert "functional" in printed


def echo(asked: Asked) -> AIMessage:
    """Remember the last line of what was said, so that mixed-up users would show."""
    said = asked.text.split("user: ")[-1].split("\n")[0]
    return tool_calls(("Memory", {"content": said}))


def user(number: int) -> Any:
    return {"configurable": {"langgraph_user_id": f"user{number}"}}


def kept(store: InMemoryStore, number: int) -> list[str]:
    items = store.search(("memories", f"user{number}"))
    return [item.value["content"]["content"] for item in items]


async def test_many_users_at_once_keep_their_own() -> None:
    store, model = InMemoryStore(), ScriptedChatModel(*[echo] * 50)
    manager = create_memory_store_manager(model, store=store)
    await asyncio.gather(
        *(manager.ainvoke({"messages": [f"I am number {n}."]}, user(n)) for n in range(50))
    )
    assert [kept(store, n) for n in range(50)] == [[f"I am number {n}."] for n in range(50)]


def test_threads_share_a_manager() -> None:
    store, meeting = InMemoryStore(), threading.Barrier(4)

    def together(asked: Asked) -> AIMessage:
        meeting.wait(timeout=60)  # all four are being asked at the same time
        return echo(asked)

    manager = create_memory_store_manager(ScriptedChatModel(*[together] * 4), store=store)
    inputs: list[Any] = [{"messages": [f"I am number {n}."]} for n in range(4)]
    configs: list[Any] = [{**user(n), "max_concurrency": 4} for n in range(4)]
    results = manager.batch(inputs, configs)
    assert [result[0]["namespace"] for result in results] == [
        ("memories", f"user{n}") for n in range(4)
    ]
    assert [kept(store, n) for n in range(4)] == [[f"I am number {n}."] for n in range(4)]


async def test_abatch_keeps_order_and_users() -> None:
    store, model = InMemoryStore(), ScriptedChatModel(*[echo] * 9)
    manager = create_memory_store_manager(model, store=store)
    inputs: list[Any] = [{"messages": [f"I am number {n}."]} for n in range(9)]
    results = await manager.abatch(inputs, [user(n) for n in range(9)])
    assert [result[0]["value"]["content"]["content"] for result in results] == [
        f"I am number {n}." for n in range(9)
    ]


async def test_one_failure_in_a_batch_is_returned_beside_the_good_ones() -> None:
    model = ScriptedChatModel(echo, RuntimeError("the model is down"))
    manager = create_memory_manager(model)
    config: Any = {"max_concurrency": 1}
    good, bad = await manager.abatch(
        [{"messages": ["one"]}, {"messages": ["two"]}], config, return_exceptions=True
    )
    assert good[0].content.content == "one"
    assert isinstance(bad, RuntimeError)


async def test_a_cancelled_call_writes_nothing() -> None:
    store, asked, never = InMemoryStore(), asyncio.Event(), asyncio.Event()

    class Stuck(ScriptedChatModel):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            asked.set()
            await never.wait()

    stuck: Any = Stuck
    manager = create_memory_store_manager(stuck(), store=store, namespace=("memories",))
    running = asyncio.ensure_future(manager.ainvoke({"messages": TALK}))
    await asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert store.search(()) == []
