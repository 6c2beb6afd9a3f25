"""What the server costs: recall over REST and MCP beside recall in the process, and many users.

The users write and recall at the same time on two workers: while nothing happens, while SIGHUP
renews the workers one at a time, and while the server is stopped and started again. What fails for
want of a server is sent again, under the same idempotency key.

    python benchmarks/server.py [--turns 2000] [--users 200] [--workers 2] [--crowd-only]

Starts the real program on a store of its own and asks it over a socket.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import httpx

import longterm

QUESTIONS = [
    "Where did I move?",
    "What do I drink?",
    "Who visits in June?",
    "Which bread do I like?",
]
WORDS = ["Lyon", "tea", "bread", "harbour", "sister", "June", "chess", "jazz", "rain", "soup"]


def fill(path: Path, turns: int) -> tuple[str, str]:
    """Record so many turns of one user; return an operator's key and the user's."""
    said = [
        {"role": "user", "content": " ".join(WORDS[(n * k) % len(WORDS)] for k in range(1, 12))}
        for n in range(turns)
    ]
    with longterm.open(path, embeddings=None) as service:
        for start in range(0, turns, 200):
            service.user("ann").record(said[start : start + 200], thread=str(start))
        _, every = service.keys.create(user=None, scopes=("admin",))
        _, own = service.keys.create(user="ann")
    return every, own


def milliseconds(calls: dict[str, Callable[[str], object]], times: int = 100) -> dict[str, float]:
    """Median of so many calls of each, warm, and all by turns: other work then hits all alike."""
    spans: dict[str, list[float]] = {name: [] for name in calls}
    for n in range(times + 10):
        for name, call in calls.items():
            began = time.perf_counter()
            call(QUESTIONS[n % len(QUESTIONS)])
            spans[name].append((time.perf_counter() - began) * 1_000)
    return {name: round(median(taken[10:]), 2) for name, taken in spans.items()}


def start(path: Path, port: int, workers: int) -> subprocess.Popen[bytes]:
    """Start the program and wait until it answers."""
    words = [sys.executable, "-m", "longterm", "serve", "--store", str(path), "--port", str(port)]
    words += ["--embeddings", "none", "--workers", str(workers), "--rate-limit", "1000000/minute"]
    process = subprocess.Popen(words, env={**os.environ})
    for _ in range(600):
        with suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            break
        time.sleep(0.1)
    else:
        raise SystemExit("the server did not start")
    return process


def bearer(key: str) -> dict[str, str]:
    """Return the header of *key*."""
    return {"Authorization": f"Bearer {key}"}


async def crowd(
    url: str, key: str, users: int, each: int, *, name: str, happens: Callable[[], object] | None
) -> dict[str, Any]:
    """Have *users* write and recall at the same time; what failed, and how long answers took.

    Once a sixth of it is done, something *happens*.
    """
    trusted = ssl.create_default_context()  # made once: it takes longer than a request
    wrote = asyncio.Event()
    spans: list[float] = []
    failed: list[str] = []
    again = 0

    async def sent(client: httpx.AsyncClient, path: str, key: str, body: dict[str, str]) -> None:
        nonlocal again
        for _ in range(300):
            with suppress(httpx.TransportError):
                answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
                if answer.status_code not in {409, 503}:
                    answer.raise_for_status()
                    return
            again += 1
            await asyncio.sleep(0.2)
        raise httpx.ConnectError("no server for a minute")

    async def one(user: int) -> None:
        # A client each: one pool of so many connections takes more time than the server.
        async with httpx.AsyncClient(
            base_url=url, headers=bearer(key), verify=trusted, timeout=120
        ) as client:
            for n in range(each):
                for path, body in (
                    ("memories", {"content": f"fact {n} of {user}"}),
                    ("recall", {"question": "fact"}),
                ):
                    began = time.perf_counter()
                    try:
                        await sent(client, f"/v1/users/{name}{user}/{path}", f"{user} {n}", body)
                    except httpx.HTTPError as error:
                        failed.append(repr(error))
                    spans.append((time.perf_counter() - began) * 1_000)
                    if len(spans) >= users:
                        wrote.set()

    async def happening() -> None:
        await wrote.wait()
        if happens is not None:
            await asyncio.to_thread(happens)

    began = time.perf_counter()
    await asyncio.gather(happening(), *map(one, range(users)))
    took = time.perf_counter() - began
    spans.sort()
    return {
        "requests": len(spans),
        "failed": len(failed),
        "sent_again": again,
        "first_error": failed[:1],
        "per_second": round(len(spans) / took),
        "p50_ms": round(spans[len(spans) // 2], 1),
        "p95_ms": round(spans[len(spans) * 95 // 100], 1),
    }


def recalls(path: Path, port: int, key: str) -> dict[str, Any]:
    """Measure recall in the process, over REST and by MCP's tool."""
    server = start(path, port, 1)
    with (
        longterm.open(path, embeddings=None) as service,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=bearer(key)) as client,
    ):
        place = "/v1/users/ann/recall"
        accepted = {"Accept": "application/json, text/event-stream"}
        called: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}

        def by_mcp(question: str) -> None:
            params = {"name": "recall", "arguments": {"question": question}}
            client.post("/mcp", headers=accepted, json=called | {"params": params})

        found = milliseconds(
            {
                "recall_here_ms": service.user("ann").recall,
                "recall_over_rest_ms": lambda question: client.post(
                    place, json={"question": question}
                ),
                "recall_over_mcp_ms": by_mcp,
            }
        )
    server.send_signal(signal.SIGTERM)
    server.wait()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("turns", 2_000), ("users", 200), ("workers", 2), ("each", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--crowd-only", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        every, own = fill(path, given.turns)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        found: dict[str, Any] = {} if given.crowd_only else recalls(path, port, own)
        servers = [start(path, port, given.workers)]

        def stop() -> None:
            servers[-1].send_signal(signal.SIGTERM)
            servers[-1].wait()

        def restart() -> None:
            stop()
            servers.append(start(path, port, given.workers))

        happens: dict[str, Callable[[], object] | None] = {
            "nothing": None,
            "renewed": lambda: servers[-1].send_signal(signal.SIGHUP),
            "restarted": restart,
        }
        for name, event in happens.items():
            found[name] = asyncio.run(
                crowd(url, every, given.users, given.each, name=name, happens=event)
            )
        stop()
        with longterm.open(path, embeddings=None) as service:
            for name in happens:
                users = [service.user(f"{name}{user}") for user in range(given.users)]
                kept = sum(len(user.list()) for user in users)
                found[name]["lost"] = given.users * given.each - kept
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
