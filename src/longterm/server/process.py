"""The process that listens, and serves the application itself or by several workers.

Each worker imports the application for itself; the process over them never does, so that they
begin the sooner.
"""

from __future__ import annotations

import json
import logging
import signal
import socket
import sys
from functools import partial
from types import FrameType

import uvicorn
from limits import parse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from longterm import settings
from longterm.errors import ConfigurationError, LongtermError
from longterm.server.options import LOOPBACK, ServerOptions
from longterm.server.slow import ImpatientProtocol
from longterm.server.tokens import TokenVerifier

__all__ = ["run_server"]

#: Seconds that requests get to finish when the server stops.
_GRACE = 30
#: Seconds that a connection is kept for the next request: more than clients and proxies keep it,
#: so that none sends a request on one that is being closed.
_IDLE = 75


def run_server(options: ServerOptions, *, as_json: bool = False) -> None:
    """Serve until a signal ends it; requests that run are finished.

    Says first where it listens: on standard error, or *as_json* on standard output. Raises
    `ConfigurationError` where it cannot, or others than this machine could ask without a key.
    """
    _check(options)
    with settings.open(options.store, model=options.model, embeddings="none") as service:
        locked = options.tokens is not None or service.keys.exist()
    if not locked and options.host not in LOOPBACK:
        raise ConfigurationError(
            f"Without a key, {options.host} would let anybody read every memory. Make a key "
            "(longterm keys create --user ann), or listen on 127.0.0.1."
        )
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listening = socket.create_server((options.host, options.port), family=family, backlog=2_048)
    except OSError as error:
        raise ConfigurationError(
            f"The server cannot listen on {options.host}, port {options.port}: {error.strerror}. "
            "Choose another one with --host and --port."
        ) from error
    name = f"[{options.host}]" if family == socket.AF_INET6 else options.host
    address = f"http://{name}:{listening.getsockname()[1]}"
    if as_json:
        sys.stdout.write(json.dumps({"url": address, "key_needed": locked}) + "\n")
        sys.stdout.flush()
    elif locked:
        sys.stderr.write(f"longterm listens on {address}; a key is needed.\n")
    else:
        sys.stderr.write(
            f"longterm listens on {address}. There is no key yet, so every program on this "
            "machine may ask, and no other machine can. Make one: longterm keys create --user ann\n"
        )
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, _ignored)
    config = uvicorn.Config(
        partial(_logging_application, options),
        factory=True,
        http=ImpatientProtocol,
        ws="none",
        lifespan="on",  # what fails before it begins ends the worker, too
        workers=options.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_IDLE,
        timeout_worker_healthcheck=_GRACE,
    )
    if options.workers == 1:
        # Its terminal was closed, which nohup has it ignore.
        if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, _stopped)
        uvicorn.Server(config).run(sockets=[listening])
    else:
        listening.set_inheritable(True)
        supervisor = Multiprocess(config, sockets=[listening])
        supervisor.run()
        if any(one.exitcode == STARTUP_FAILURE for one in supervisor.processes):
            sys.exit(STARTUP_FAILURE)


def _check(options: ServerOptions) -> None:
    """Raise `ConfigurationError` for what no worker could serve by, before one begins."""
    try:
        most = parse(options.rate_limit).amount
    except ValueError as error:
        raise ConfigurationError("A rate limit is written like 100/minute or 5/second.") from error
    if most < 1:
        raise ConfigurationError(f"A rate limit of {options.rate_limit} lets no request through.")
    for host in options.hosts:
        if "/" in host or host.count(":") == 1 or not host.strip():
            raise ConfigurationError(
                "A name the server is reached by is like memory.example.org, without http:// and "
                f"without a port, not {host!r}."
            )
    if options.tokens is not None:
        TokenVerifier(options.tokens)  # says what is wrong with them before anybody waits


def _ignored(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: uvicorn raises the signal that stopped it once more, after it has."""


def _stopped(_signal: int, _frame: FrameType | None) -> None:
    """Let what runs finish, as SIGTERM does."""
    signal.raise_signal(signal.SIGTERM)


def _logging_application(options: ServerOptions) -> ASGIApp:
    """Return the application of one worker, whose warnings go to standard error line by line."""
    from longterm.server.app import build

    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return _Starting(build(options))


class _Starting:
    """ASGI middleware: what keeps the application from starting is said by a sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""

        async def said(message: Message) -> None:
            error = sys.exception()  # Starlette says it while it handles the error
            if message["type"] == "lifespan.startup.failed" and isinstance(error, LongtermError):
                message["message"] = str(error)
            await send(message)

        await self.app(scope, receive, said if scope["type"] == "lifespan" else send)
