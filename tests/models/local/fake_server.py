"""Stands in for `longterm.models.local.serving`: same pipes, OpenAI's wire format, no model.

It answers with what it was asked, so that a test can look at the request. A first argument
of "mute" makes it never say its address, "dies" makes it fail at once.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SETTINGS: dict[str, Any] = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if body["messages"][-1]["content"] == "crash":
            os._exit(3)
        self._reply(self._completion(body))

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        seen = {
            "body": body,
            "authorized": self.headers["authorization"] == f"Bearer {SETTINGS['key']}",
            "pid": os.getpid(),
            "settings": {name: SETTINGS[name] for name in ("model", "context", "threads")},
        }
        message = {"role": "assistant", "content": json.dumps(seen)}
        return {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "fake",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        }

    def _reply(self, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Say nothing."""


def main() -> None:
    SETTINGS.update(json.loads(sys.stdin.readline()))
    if "dies" in sys.argv:
        sys.exit("not enough memory for this test")
    if "mute" not in sys.argv:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
