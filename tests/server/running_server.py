"""A server that was started as users start it, for the tests of clients."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

import longterm

__all__ = ["Running", "running_server"]

SOURCES = str(Path(longterm.__file__).parent.parent)


class Running:
    """A server that was started as users start it, and its keys."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.env = {"PYTHONPATH": SOURCES, "HOME": str(folder), "PATH": "/usr/bin:/bin"}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "longterm", "serve", "--store", "m.db", *words]
        command += ["--embeddings", "none", "--port", str(self.port)]
        self.process = subprocess.Popen(command, cwd=folder, env=self.env)  # noqa: S603 - ours

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def run(self, *words: str) -> Any:
        command = [sys.executable, "-m", "longterm", *words, "--json"]
        done = subprocess.run(  # noqa: S603 - ours
            command, capture_output=True, check=True, cwd=self.folder, env=self.env
        )
        return json.loads(done.stdout)


@contextmanager
def running_server(folder: Path, *words: str) -> Generator[Running]:
    """Start a server on a store in *folder*, without embeddings, and stop it in the end."""
    running = Running(folder, *words)
    with running.process as process:
        for _ in range(600):
            if running.answers():
                break
            time.sleep(0.1)  # it says that it listens before it does
        yield running
        process.terminate()
        assert process.wait(timeout=40) == 0
