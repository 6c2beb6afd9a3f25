"""A local HTTP server that answers one provider's protocol from a script, and checks requests.

Subclasses know a provider: its path, what it refuses and the form of its errors. The script is
in the provider's own JSON. A request the real service would refuse is answered with 400, so a
wrong conversation fails a test by itself.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from typing_extensions import override

__all__ = [
    "Events",
    "Failure",
    "Invoke",
    "ProviderServer",
    "Refused",
    "Silence",
    "WireReply",
    "only",
    "require",
]

#: Calls a Runnable, by one of its two ways in.
Invoke = Callable[..., Awaitable[Any]]


class Refused(Exception):  # noqa: N818 - what the service does, not what went wrong here
    """The real service would answer this request with 400, in these words."""


@dataclass(frozen=True)
class Failure:
    """An answer with an error status."""

    status: int
    kind: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Silence:
    """No answer at all, until the server is closed."""


@dataclass(frozen=True)
class Events:
    """A streamed answer: the data of its events, after which the connection ends."""

    data: Sequence[Mapping[str, Any]]

    @property
    def text(self) -> str:
        """The events as they are sent; those that have a type are named by it."""
        return "".join(
            f"event: {one.get('type', 'message')}\ndata: {json.dumps(one)}\n\n" for one in self.data
        )


#: One entry of a script: the JSON of a good answer, a streamed one, a failure, or silence.
WireReply = dict[str, Any] | Events | Failure | Silence


class ProviderServer(ABC):
    """Serves *script* on loopback; use it as a context manager.

    `requests` holds the body of every request that came, `refused` why some were.
    """

    path: str

    def __init__(self, *script: WireReply) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self._script = script
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    @property
    def root(self) -> str:
        """Address of the server, without a path."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(
        self, path: str, headers: Mapping[str, str], body: dict[str, Any]
    ) -> tuple[int, dict[str, Any] | str, Mapping[str, str]]:
        """Return status, body and headers for a request."""
        with self._lock:
            turn = len(self.requests)
            self.requests.append(body)
        try:
            self._check(path, headers, body, turn)
            reply = self._script[turn]
            if isinstance(reply, dict):
                self.check_script(body, reply)
        except Refused as why:
            self.refused.append(str(why))
            return self._failed(Failure(400, self.bad_request, str(why)))
        return self._reply(reply)

    def _check(
        self, path: str, headers: Mapping[str, str], body: dict[str, Any], turn: int
    ) -> None:
        if path not in (self.path, self.path.replace("/v1beta/", "/v1/")):  # by a client's age
            raise Refused(f"There is nothing at {path}.")
        if turn >= len(self._script):
            raise Refused(f"The script has {len(self._script)} replies; this is call {turn + 1}.")
        self.check(headers, body)

    def _reply(self, reply: WireReply) -> tuple[int, dict[str, Any] | str, Mapping[str, str]]:
        match reply:
            case Events():
                return 200, reply.text, {"Content-Type": "text/event-stream"}
            case Failure():
                return self._failed(reply)
            case Silence():
                self._closing.wait()
                return self._failed(Failure(503, "closed", "The server was closed."))
            case _:
                return 200, reply, {}

    def _failed(self, failure: Failure) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        return failure.status, self.error(failure), failure.headers

    #: The provider's word for a request it does not take.
    bad_request = "invalid_request_error"

    @abstractmethod
    def check(self, headers: Mapping[str, str], body: dict[str, Any]) -> None:
        """Raise `Refused` for what the real service would not take."""

    @abstractmethod
    def check_script(self, body: dict[str, Any], reply: dict[str, Any]) -> None:
        """Raise `Refused` where *reply* is one that the real service would never give."""

    @abstractmethod
    def error(self, failure: Failure) -> dict[str, Any]:
        """Return the body of an error."""


def _handler_of(server: ProviderServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sent = {name.lower(): value for name, value in self.headers.items()}
            status, answer, headers = server.answer(self.path, sent, body)
            data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            try:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # the client did not want to wait any longer

        @override
        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def require(fact: object, message: str) -> None:
    """Refuse with *message* unless *fact*."""
    if not fact:
        raise Refused(message)


def only(body: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    """Refuse fields the service does not know."""
    unknown = sorted(set(body) - set(allowed))
    require(not unknown, f"{where}: unknown {unknown}")
