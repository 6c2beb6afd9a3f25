"""One model server for each model file and process, on 127.0.0.1, started when first needed.

The engine runs in a child process: loading a model holds Python's lock for as long as it
takes, stopping the engine in the middle of an answer hangs, and a crash in native code
would take the program along. The child lives as long as the pipe to its standard input is
open, so it ends with this process however this process ends.

The server asks for a key that only this process knows, so that no other user of the machine
and no web page can talk to it.
"""

import atexit
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from longterm.errors import LocalModelError, MissingExtraError

__all__ = ["Engine", "Server", "connection_lost", "running_server"]

# By path and with -P: no file in the current folder or beside ours can stand in for a module.
_SERVING = (sys.executable, "-P", str(Path(__file__).with_name("serving.py")))
_START_SECONDS = 300.0
_STOP_SECONDS = 5.0
_DYING_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What a server is started with; equal engines share one server."""

    model: Path
    #: Tokens that fit into prompt and answer together.
    context: int
    threads: int
    #: What to run; it is spoken to as `serving` says.
    command: tuple[str, ...] = _SERVING


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server."""

    url: str
    key: str = field(repr=False)
    process: subprocess.Popen[str]


_servers: dict[tuple[int, Engine], Server] = {}
_lock = threading.Lock()


def running_server(engine: Engine, *, seconds: float = _START_SECONDS) -> Server:
    """Return the server of *engine*, starting it if none runs; threads may call this at once."""
    # A forked child must not talk over (or stop) the server of its parent.
    slot = (os.getpid(), engine)
    with _lock:
        server = _servers.get(slot)
        if server and server.process.poll() is not None:
            _end(_servers.pop(slot).process)
        if slot not in _servers:
            _servers[slot] = _start(engine, seconds)
        return _servers[slot]


def connection_lost(engine: Engine) -> None:
    """Wait until the server of *engine* can be seen to be dead, if it is about to be.

    A dying process closes its connections before it counts as ended.
    """
    server = _servers.get((os.getpid(), engine))
    if server:
        with suppress(subprocess.TimeoutExpired):
            server.process.wait(_DYING_SECONDS)


def _start(engine: Engine, seconds: float) -> Server:
    """Start the child, hand it its settings, and wait until it says where it listens."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise MissingExtraError("A local model", "local")
    key = secrets.token_hex(16)
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(  # noqa: S603 (our own interpreter)
            engine.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        settings = asdict(engine) | {"model": str(engine.model), "key": key}
        # Through the pipe and not the command line, which every user of the machine can read.
        with suppress(BrokenPipeError):  # it died already; its log says why
            _stdin(process).write(json.dumps(settings) + "\n")
            _stdin(process).flush()
        lines: list[str] = []

        def read_line() -> None:
            lines.append(process.stdout.readline() if process.stdout else "")

        reader = threading.Thread(target=read_line, daemon=True)
        reader.start()
        reader.join(seconds)
        if url := "".join(lines).strip():
            return Server(url=url, key=key, process=process)
        _end(process)
        log.seek(0)
        last = "\n".join(log.read().strip().splitlines()[-5:])
    raise LocalModelError(
        f"The model server for {engine.model} did not start within {seconds:.0f} s. Is it a "
        f"model of a kind that llama.cpp runs, and is there enough memory? It said:\n{last}"
    )


def _stdin(process: subprocess.Popen[str]) -> IO[str]:
    if process.stdin is None:  # pragma: no cover (we always ask for a pipe)
        raise LocalModelError("The model server has no standard input")
    return process.stdin


def _end(process: subprocess.Popen[str]) -> None:
    """Ask the child to end, then make it."""
    with suppress(BrokenPipeError):
        _stdin(process).close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


@atexit.register
def _end_all() -> None:
    for (pid, _), server in _servers.items():
        if pid == os.getpid():
            _end(server.process)
