"""Mixed load with kills: what was acknowledged must be there.

``python benchmarks/soak.py [seconds] [postgresql://…]``, ten minutes where none are given.

Writers put, change and delete memories with their histories, each noting in a file of its own
what the store has acknowledged; readers recall meanwhile. Every moment one of them that has got
something done is killed with SIGKILL and started again. At the end each acknowledged write is
looked up. With a PostgreSQL URL as second argument the store is there; ``--server`` starts a
server of its own and kills that as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import longterm
from longterm.errors import StoreError

WRITERS, READERS = 3, 1


def work(kind: str, where: str, log: str, seed: int) -> None:
    """Write, or read, until killed."""
    said = random.Random(seed)
    with longterm.open(where, embeddings=None) as memory, Path(log).open("a") as acknowledged:
        user = memory.user(f"user-{log[-1]}")
        for number in range(10**9):
            try:
                if kind == "reader":
                    user.recall(f"What is number {said.randrange(1000)}?")
                    acknowledged.write("read\n")
                    acknowledged.flush()
                    continue
                id = f"{seed}-{number}"
                user.add(f"Number {number} is {said.random()}", id=id)
                state = "there"
                if number % 5 == 0:
                    user.edit(id, f"Number {number} has changed")
                    state = "changed"
                if number % 7 == 0:
                    user.forget(id)
                    state = "gone"
            except StoreError:
                time.sleep(0.05)  # a server that was killed comes back
                continue
            acknowledged.write(json.dumps([id, state]) + "\n")
            acknowledged.flush()


def started(kind: str, where: str, folder: Path, number: int) -> subprocess.Popen[bytes]:
    """Start a process of one *kind*, whose ids are of its own."""
    log = str(folder / f"{kind}-{number}")
    seed = random.randrange(10**9)
    command = [sys.executable, __file__, "--work", kind, where, log, str(seed)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def size_of(log: Path) -> int:
    """Bytes that were noted in *log* so far."""
    return log.stat().st_size if log.exists() else 0


async def verified(where: str, folder: Path) -> tuple[Counter[str], list[str]]:
    """Look up every acknowledged write."""
    found, lost = Counter[str](), list[str]()
    async with longterm.open(where, embeddings=None) as memory:
        for log in folder.glob("writer-*"):
            user = memory.user(f"user-{log.name[-1]}")
            for line in log.read_text().splitlines():
                id, state = json.loads(line)
                item = await user.aget(id)
                revisions = len(await user.ahistory(id))
                wanted = {"there": 1, "changed": 2, "gone": 2}[state]
                right = (item is None) == (state == "gone") and revisions >= wanted
                found[state] += right
                lost += [] if right else [f"{id} {state}"]
    return found, lost


def soak(seconds: float, where: str, kill_server: Callable[[], None] | None = None) -> bool:
    """Run the load for *seconds* and print what came of it; tell whether all is there."""
    kills = crashes = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        where = where or str(folder / "soak.db")
        kinds = ["writer"] * WRITERS + ["reader"] * READERS
        logs = [folder / f"{kind}-{at}" for at, kind in enumerate(kinds)]
        running = [started(kind, where, folder, at) for at, kind in enumerate(kinds)]
        before = [0] * len(kinds)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # On a busy machine a process takes seconds to begin.
            busy = [at for at, log in enumerate(logs) if size_of(log) > before[at]]
            if not busy:
                time.sleep(0.01)
                continue
            time.sleep(random.uniform(0.0, 1.0))
            at = random.choice(busy)
            running[at].send_signal(signal.SIGKILL)
            running[at].wait()
            kills += 1
            if kill_server is not None and kills % 5 == 0:
                kill_server()
                crashes += 1
            before[at] = size_of(logs[at])
            running[at] = started(kinds[at], where, folder, at)
        for one in running:
            one.kill()
            one.wait()
        found, lost = asyncio.run(verified(where, folder))
    print(
        f"{seconds:.0f} s, {kills} kills, {crashes} crashes of the server: "
        f"{sum(found.values())} acknowledged writes are right "
        f"({found['there']} there, {found['changed']} changed, {found['gone']} deleted), "
        f"{len(lost)} lost {lost[:5] or ''}"
    )
    return found.total() > 0 and not lost


def main() -> None:
    """Run the load, or be one of its processes."""
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
        return
    words = [word for word in sys.argv[1:] if word != "--server"]
    seconds = float(words[0]) if words else 600.0
    with ExitStack() as stack:
        where, kill_server = words[1] if len(words) > 1 else "", None
        if "--server" in sys.argv:
            sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "stores"))
            import psycopg
            from postgres_server import own_server

            server = stack.enter_context(own_server())
            where = server.get_uri()

            def kill_server() -> None:
                """Kill one of the server's processes: it then throws out all and recovers."""
                with psycopg.connect(where, autocommit=True) as on:
                    [pid] = on.execute(
                        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                        "AND pid <> pg_backend_pid() LIMIT 1"
                    ).fetchone() or [on.info.backend_pid]
                with suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(pid, signal.SIGKILL)

        raise SystemExit(not soak(seconds, where, kill_server))


if __name__ == "__main__":
    main()
