"""Durable executors from beginning to end: what survives them, and what they refuse."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.store.base import Op, PutOp
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import ask, write
from longterm.errors import ConfigurationError
from longterm.manage.store_manager import create_memory_store_manager
from longterm.memory.namespace import NamespaceTemplate
from longterm.reflect import Budget, ManualClock, ReflectionExecutor, Retry, Usage
from longterm.testing import ScriptedChatModel, tool_calls

SOON = 30


def thread(name: str, **more: Any) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": name, **more})


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Remember(FlowRunnable[Any, Any]):
    """A small stand-in for a manager: a model call, then a memory with an id from the job."""

    def __init__(self, model: Any = None) -> None:
        self.model = model
        self.namespace = NamespaceTemplate(("notes", "{user_id}"))

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> Any:
        if self.model is not None:
            await ask(self.model, [HumanMessage("?")])
        key = uuid5(NAMESPACE_URL, config.get("configurable", {})["longterm_job_id"])
        await write([PutOp(self.namespace(config), str(key), {"content": input})])
        return input


def test_what_is_pending_survives_the_executor(sqlite: Callable[[], str]) -> None:
    url, store = sqlite(), InMemoryStore()
    with ReflectionExecutor(Remember(), durable=url, store=store) as executor:
        future = executor.submit("tea", thread("t", user_id="ann"), after_seconds=2)
    assert future.cancelled()
    assert store.search(("notes",)) == []
    time.sleep(2)
    with ReflectionExecutor(Remember(), durable=url, store=store):
        until(lambda: len(store.search(("notes", "ann"))) == 1)


class Interrupted(InMemoryStore):
    """A store that loses its connection right after its first write."""

    written = False

    @override
    def batch(self, ops: Iterable[Op]) -> list[Any]:
        ops = list(ops)
        results = super().batch(ops)
        if not self.written and any(isinstance(op, PutOp) for op in ops):
            self.written = True
            raise ConnectionError("lost after the write")
        return results


def test_a_manager_that_is_interrupted_stores_its_memories_once(sqlite: Callable[[], str]) -> None:
    found = tool_calls(("Memory", {"content": "likes tea"}), ("Memory", {"content": "has a cat"}))
    model = ScriptedChatModel(found, found)
    manager = create_memory_store_manager(model, namespace=("memories", "{user_id}"))
    store, retry = Interrupted(), Retry(attempts=2, first=0.1)
    conversation = {"messages": [HumanMessage("I like tea and have a cat.")]}
    with ReflectionExecutor(manager, durable=sqlite(), store=store, retry=retry) as executor:
        executor.submit(conversation, thread("t", user_id="ann")).result(SOON)
    contents = [item.value["content"]["content"] for item in store.search(("memories", "ann"))]
    assert sorted(contents) == ["has a cat", "likes tea"]


def test_shutdown_can_cancel_what_is_pending(sqlite: Callable[[], str]) -> None:
    url, store = sqlite(), InMemoryStore()
    executor = ReflectionExecutor(Remember(), durable=url, store=store)
    executor.submit("tea", thread("t", user_id="ann"), after_seconds=60)
    executor.shutdown(cancel_futures=True)
    with ReflectionExecutor(Remember(), durable=url, store=store) as executor:
        executor.flush()
        executor.submit("cake", thread("u", user_id="ann")).result(SOON)
    assert [item.value["content"] for item in store.search(("notes",))] == ["cake"]


def test_usage_is_summed_and_a_spent_budget_waits_for_the_next_day(
    sqlite: Callable[[], str],
) -> None:
    usage = {"input_tokens": 10, "output_tokens": 1, "total_tokens": 11}
    reply = AIMessage("fine", usage_metadata=usage)  # type: ignore[arg-type]
    reflector = Remember(ScriptedChatModel(*[reply] * 3))
    clock = ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())
    with ReflectionExecutor(
        reflector,
        durable=sqlite(),
        store=InMemoryStore(),
        budget=Budget(tokens_per_day=11),
        clock=clock,
        max_workers=1,  # one after the other: when the third has ended, the second waits
    ) as executor:
        executor.submit("1", thread("a", user_id="ann")).result(SOON)
        waits = executor.submit("2", thread("b", user_id="ann"))
        assert executor.submit("3", thread("c", user_id="bob")).result(SOON) == "3"
        assert executor.usage() == {("notes", n): Usage(1, 10, 1) for n in ("ann", "bob")}
        assert not waits.done()
        clock.advance(12 * 3600)
        executor.flush()
        assert waits.result(SOON) == "2"


def test_a_store_must_be_given(sqlite: Callable[[], str]) -> None:
    with pytest.raises(ConfigurationError, match="store="):
        ReflectionExecutor(Remember(), durable=sqlite())


@pytest.mark.parametrize(
    "url",
    ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "reflections.db", "postgresql://h:x/y"],
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be kept in"):
        ReflectionExecutor(RunnableLambda(str), durable=url)


def test_nobody_works_less_than_not_at_all(sqlite: Callable[[], str]) -> None:
    with pytest.raises(ConfigurationError, match="max_workers"):
        ReflectionExecutor(RunnableLambda(str), durable=sqlite(), max_workers=-1)


def _program(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(
    sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42),
    reason="The host's own DBOS needs SQLite 3.42 on Python 3.12 and newer; ours does not.",
)
def test_a_host_that_runs_dbos_is_told_why_not_and_what_to_do(sqlite: Callable[[], str]) -> None:
    ended = _program(f"""
from dbos import DBOS
DBOS(config={{"name": "host", "system_database_url": {sqlite()!r}}})
DBOS.launch()
from langchain_core.runnables import RunnableLambda
from longterm.errors import ConfigurationError
from longterm.reflect import ReflectionExecutor
try:
    ReflectionExecutor(RunnableLambda(str), durable={sqlite()!r})
except ConfigurationError as error:
    print("refused:", error)
executor = ReflectionExecutor(RunnableLambda(str), durable={sqlite()!r}, max_workers=0)
executor.submit(1, {{}})
executor.shutdown()
DBOS.destroy()
print("fine")
""")
    assert "refused: This program runs DBOS already" in ended.stdout, ended.stderr
    assert "max_workers=0" in ended.stdout
    assert ended.stdout.endswith("fine\n"), ended.stderr


def test_a_program_that_forgets_shutdown_ends(sqlite: Callable[[], str]) -> None:
    ended = _program(f"""
from langchain_core.runnables import RunnableLambda
from longterm.reflect import ReflectionExecutor
executor = ReflectionExecutor(RunnableLambda(str), durable={sqlite()!r})
print(executor.submit(1, {{}}).result(30))
executor.submit(2, {{}}, after_seconds=3600)
""")
    assert (ended.returncode, ended.stdout) == (0, "1\n"), ended.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_is_told_to_make_an_executor_of_its_own(sqlite: Callable[[], str]) -> None:
    ended = _program(f"""
import os, warnings
warnings.simplefilter("ignore")
from langchain_core.runnables import RunnableLambda
from longterm.errors import ConfigurationError
from longterm.reflect import ReflectionExecutor
executor = ReflectionExecutor(RunnableLambda(str), durable={sqlite()!r})
child = os.fork()
if not child:
    try:
        executor.submit(1, {{}})
    except ConfigurationError as error:
        print("refused:", error, flush=True)
    executor.shutdown()
    os._exit(0)
os.waitpid(child, 0)
print(executor.submit(2, {{}}).result(30))
executor.shutdown()
""")
    assert ended.stdout.startswith("refused: This ReflectionExecutor was made before"), ended.stderr
    assert ended.stdout.endswith("\n2\n"), ended.stderr
