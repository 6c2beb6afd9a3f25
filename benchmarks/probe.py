"""What one memory library costs beside its model; run by overhead.py in each environment.

Usage: python benchmarks/probe.py longterm|langmem   (prints JSON)

It imports neither library but the one that is asked for. Chat model and embeddings are made
up and cost next to nothing. Times are medians in milliseconds, of the processor's time where
nothing waits: on an idle machine that is the time that passes, on a busy one it is fairer.
"""

import asyncio
import importlib
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.store.base import Op, PutOp, Result
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field

TALK = [{"role": "user", "content": "I love ramen."}]
USER: Any = {"configurable": {"langgraph_user_id": "ann"}}
KNOWN = (0, 10, 100)
CONCURRENT = 100
DELAY_SECONDS = 0.05
WARM_UP, RUNS, ROUNDS = 3, 12, 3


class Chat(BaseChatModel):
    """Adds one memory per call, if any; `delay` seconds late where it is awaited."""

    adds: bool = True
    delay: float = 0.0
    calls: int = 0
    seen: Any = None

    @property
    def _llm_type(self) -> str:
        return "probe"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Bind as the clients of real providers do."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> ChatResult:
        self.calls += 1
        self.seen = (messages, kwargs.get("tools", []))
        call = ToolCall(name="Memory", args={"content": f"Fact {self.calls}"}, id=f"c{self.calls}")
        message = AIMessage("", tool_calls=[call]) if self.adds else AIMessage("Nothing.")
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **kwargs: Any) -> ChatResult:
        if self.delay:
            await asyncio.sleep(self.delay)
        return self._generate(messages, **kwargs)


class CountedEmbeddings(Embeddings):
    """Counts how often it is asked."""

    calls = 0

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Count one call for all *texts*."""
        self.calls += 1
        return [[1.0, float(len(text))] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Count one call."""
        self.calls += 1
        return [1.0, float(len(text))]


class CountedStore(InMemoryStore):
    """Counts the batches that read and the ones that write."""

    reads = 0
    writes = 0

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Count, then do it."""
        return super().batch(self._counted(ops))

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Count, then do it."""
        return await super().abatch(self._counted(ops))

    def _counted(self, ops: Iterable[Op]) -> list[Op]:
        listed = list(ops)
        if any(isinstance(op, PutOp) for op in listed):
            self.writes += 1
        else:
            self.reads += 1
        return listed


def timed(work: Callable[[], Any]) -> float:
    """Return the best median of several rounds: other work on the machine only adds."""
    return min(_median(work) for _ in range(ROUNDS))


def _median(work: Callable[[], Any]) -> float:
    times: list[float] = []
    for _ in range(WARM_UP + RUNS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times[WARM_UP:])


async def atimed(work: Callable[[], Awaitable[Any]]) -> float:
    """Do what `timed` does on a running loop."""
    return min([await _amedian(work) for _ in range(ROUNDS)])


async def _amedian(work: Callable[[], Awaitable[Any]]) -> float:
    times: list[float] = []
    for _ in range(WARM_UP + RUNS):
        start = time.process_time()
        await work()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times[WARM_UP:])


def existing(count: int) -> list[tuple[str, str, dict[str, str]]]:
    """Return *count* known memories."""
    return [(f"id-{n}", "Memory", {"content": f"Known fact number {n}."}) for n in range(count)]


def manager_times(library: Any) -> dict[str, float]:
    """Time the manager without a store."""
    manager = library.create_memory_manager(Chat())
    results: dict[str, float] = {}
    for count in KNOWN:
        given = {"messages": TALK, "existing": existing(count)}
        results[f"manager.invoke, {count} known"] = timed(lambda g=given: manager.invoke(g))
        results[f"manager.ainvoke, {count} known"] = asyncio.run(
            atimed(lambda g=given: manager.ainvoke(g))
        )
    return results


def concurrent_times(library: Any) -> dict[str, float]:
    """Time a hundred conversations at once with a model that takes its time."""
    manager = library.create_memory_manager(Chat(delay=DELAY_SECONDS))

    async def all_at_once() -> tuple[float, float]:
        start, worked = time.perf_counter(), time.process_time()
        await asyncio.gather(*(manager.ainvoke({"messages": TALK}) for _ in range(CONCURRENT)))
        return 1000 * (time.perf_counter() - start), 1000 * (time.process_time() - worked)

    times = [asyncio.run(all_at_once()) for _ in range(2 * ROUNDS)]
    return {
        "100 ainvoke at once, model takes 50": min(passed for passed, _ in times),
        "… of it the processor's time": min(worked for _, worked in times),
    }


def store_time(library: Any) -> float:
    """Time the manager on a store without an index, a fresh one for each call."""
    manager_of = library.create_memory_store_manager
    return timed(lambda: manager_of(Chat(), store=InMemoryStore()).invoke({"messages": TALK}, USER))


def store_counts(library: Any) -> dict[str, int]:
    """Count what one update of a store asks of others."""
    chat, embeddings = Chat(), CountedEmbeddings()
    store = CountedStore(index={"dims": 2, "embed": embeddings})
    manager = library.create_memory_store_manager(chat, store=store)
    manager.invoke({"messages": TALK}, USER)
    before = (chat.calls, store.reads, store.writes, embeddings.calls)
    manager.invoke({"messages": TALK}, USER)
    after = (chat.calls, store.reads, store.writes, embeddings.calls)
    model, reads, writes, embedded = (a - b for a, b in zip(after, before, strict=True))
    return {
        "model calls per store update": model,
        "store batches that read": reads,
        "store batches that write": writes,
        "embedding calls": embedded,
    }


class Profile(BaseModel):
    """What is known of the user."""

    name: str | None = Field(None, description="The user's full name.")
    city: str | None = Field(None, description="Where the user lives, city and country.")
    job: str | None = Field(None, description="What the user does for a living, and where.")
    age: int | None = Field(None, description="Age in years, only if it was said.")
    likes: list[str] = Field([], description="Things the user likes, one each.")
    language: str | None = Field(None, description="The language the user prefers for answers.")


class Project(BaseModel):
    """Something the user works on."""

    title: str = Field(description="Short title.")
    status: Literal["planned", "running", "done"] = Field("planned", description="Its state.")
    goals: list[str] = Field([], description="What is to be reached, one each.")


def prompt_size(library: Any, known: Any, **options: Any) -> int:
    """Count the characters of instructions, data and tools in one update call."""
    chat = Chat(adds=False)
    manager = library.create_memory_manager(chat, **options)
    manager.invoke({"messages": TALK, "existing": known})
    messages, tools = chat.seen
    return sum(len(str(message.content)) for message in messages) + len(json.dumps(tools))


def bare_call() -> float:
    """Time the model alone: what no library can be faster than."""
    bound = Chat().bind_tools([{"title": "Memory", "type": "object", "properties": {}}])
    return timed(lambda: bound.invoke("I love ramen."))


def main() -> None:
    """Measure one library and print what was found as JSON."""
    library = importlib.import_module(sys.argv[1])
    results: dict[str, Any] = {"the model alone": bare_call(), **manager_times(library)}
    results.update(concurrent_times(library))
    results["store manager, made and invoked"] = store_time(library)
    results["characters of prompt and tools"] = prompt_size(
        library, existing(1), enable_deletes=True
    )
    ann = [("1", "Profile", {"name": "Ann", "city": "Rome"})]
    results["… for a profile of six fields, characters"] = prompt_size(
        library, ann, schemas=[Profile]
    )
    results["… for two schemas with deletes, characters"] = prompt_size(
        library, ann, schemas=[Profile, Project], enable_deletes=True
    )
    print(json.dumps({**results, **store_counts(library)}))


if __name__ == "__main__":
    main()
