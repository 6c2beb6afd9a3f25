"""The child process of `server`: load one model, say the address, serve until it is ended.

Standard input brings one line of JSON and then stays open; when it closes, the process ends
at once. Standard output carries the address, once, when the server is ready.
"""

import json
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["serve_model"]

#: For prompts of the past; the engine's own default is 8 GB.
_PROMPT_CACHE_MIB = 256


def serve_model() -> None:
    """Serve until standard input closes."""
    # Ctrl-C goes to every process of a terminal; whether to end is our parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = json.loads(sys.stdin.readline())
    # Read by OpenMP when the engine is loaded: threads that wait give their core away
    # instead of spinning, which on a busy machine is the difference of a factor of ten.
    os.putenv("OMP_WAIT_POLICY", "passive")
    xllamacpp: Any = import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {Path(settings["model"]).stem}
    params.n_ctx = settings["context"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.api_keys = [settings["key"]]
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_parallel = 1
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.verbosity = 1
    params.warmup = params.ui = params.endpoint_slots = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201 (the address is the message)
    sys.stdin.read()
    # The engine's destructor waits for a running answer; its reader is gone.
    os._exit(0)


if __name__ == "__main__":
    serve_model()
