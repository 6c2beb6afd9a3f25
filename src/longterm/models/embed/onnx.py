"""Embeddings and rerankers of any ONNX model, on the CPU: `hub` says which files they need.

A model is loaded at its first text. Vectors are scaled to length one; the same text gives the
same vector in a batch as alone, up to rounding.
"""

import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from pydantic import PrivateAttr
from typing_extensions import override

from longterm.errors import LocalModelError, MissingExtraError
from longterm.models.embed.batches import batches
from longterm.models.embed.forking import native_work
from longterm.models.embed.hub import ModelFolder, Pooling
from longterm.text.characters import whole_characters

__all__ = ["OnnxEmbeddings", "OnnxReranker"]

#: Texts at a time, at most.
_AT_ONCE = 4
Floats = npt.NDArray[np.float32]


class OnnxEmbeddings(Embeddings):
    """Vectors by a model in ONNX form: the path of its folder, or its name on the hub."""

    def __init__(
        self, name: str, *, threads: int | None = None, batch_size: int | None = None
    ) -> None:
        """Find the model; nothing is loaded before the first text comes."""
        self._folder = ModelFolder.find(name)
        #: What stands beside stored vectors: other models give others.
        self.model = self._folder.name
        self._prompts = self._folder.prompts
        self._network = _Network(self._folder, threads)
        self._batch_size = batch_size or _AT_ONCE

    @property
    def dims(self) -> int:
        """Length of every vector."""
        return self._folder.dims or len(self.embed_query("length"))

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._vectors([self._prompts.document + text for text in texts]).tolist()

    @override
    def embed_query(self, text: str) -> list[float]:
        return self._vectors([self._prompts.query + text])[0].tolist()

    def _vectors(self, texts: Sequence[str]) -> Floats:
        """Return unit vectors, one a row."""
        if not texts:
            return np.zeros((0, 0), np.float32)
        encodings = self._network.encoded(list(texts))
        rows: list[tuple[int, Floats]] = []
        for batch in batches([len(one.ids) for one in encodings], self._batch_size):
            output, mask = self._network.answer([encodings[at] for at in batch])
            match output.shape:
                case (_, _):  # one vector a text already
                    pooled = output
                case _:
                    pooled = _pooled(output, mask, self._folder.pooling)
            rows += zip(batch, pooled, strict=True)
        found = np.array([row for _, row in sorted(rows, key=lambda pair: pair[0])], np.float32)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


class OnnxReranker(BaseDocumentCompressor):
    """Puts documents in the order a cross-encoder in ONNX form gives them, best first."""

    name: str
    threads: int | None = None
    #: How many are kept; None keeps all.
    top_n: int | None = None
    _network: "_Network" = PrivateAttr()

    @override
    def model_post_init(self, context: Any, /) -> None:
        """Find the model; nothing is loaded before the first question comes."""
        self._network = _Network(ModelFolder.find(self.name), self.threads)

    @override
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> list[Document]:
        pairs = [(query, document.page_content) for document in documents]
        scores: list[float] = []
        for start in range(0, len(pairs), _AT_ONCE):
            logits, _ = self._network.answer(self._network.encoded(pairs[start : start + _AT_ONCE]))
            # One number says how relevant; of two classes the second is "relevant".
            scores += logits.reshape(len(logits), -1)[:, -1].tolist()
        order = sorted(range(len(documents)), key=lambda at: -scores[at])
        return [documents[at] for at in order[: self.top_n]]


class _Network:
    """A tokenizer and a network, loaded at the first use; any number of threads may ask."""

    def __init__(self, folder: ModelFolder, threads: int | None) -> None:
        self._folder, self._threads = folder, threads
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def encoded(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> list[Any]:
        """Cut texts, or pairs of them, into tokens."""
        tokenizer, _ = self._load()
        clean = [
            whole_characters(one)
            if isinstance(one, str)
            else (whole_characters(one[0]), whole_characters(one[1]))
            for one in texts
        ]
        with native_work:
            return tokenizer.encode_batch(clean)

    def answer(self, encodings: Sequence[Any]) -> tuple[Floats, Floats]:
        """Run the network on a batch; its first output, and the mask of the tokens."""
        _, session = self._load()
        width = max(len(one.ids) for one in encodings)
        rows = {
            "input_ids": [one.ids for one in encodings],
            "attention_mask": [one.attention_mask for one in encodings],
            "token_type_ids": [one.type_ids for one in encodings],
        }
        columns = {
            name: np.array([[*row, *[0] * (width - len(row))] for row in these], np.int64)
            for name, these in rows.items()
        }
        wanted = {one.name for one in session.get_inputs()}
        if unknown := wanted - columns.keys():
            raise LocalModelError(
                f"{self._folder.name} wants inputs that are not known here: {sorted(unknown)}."
            )
        outputs = [one.name for one in session.get_outputs()]
        chosen = "sentence_embedding" if "sentence_embedding" in outputs else outputs[0]
        with native_work:
            (output,) = session.run([chosen], {name: columns[name] for name in wanted})
        return np.asarray(output, np.float32), columns["attention_mask"].astype(np.float32)

    def _load(self) -> tuple[Any, Any]:
        with native_work, self._lock:
            if self._loaded is None:
                try:
                    # Optional, slow to import, and without types: hence by name.
                    onnxruntime: Any = import_module("onnxruntime")
                    tokenizers: Any = import_module("tokenizers")
                except ModuleNotFoundError as exc:
                    raise MissingExtraError(f"The model {self._folder.name!r}", "local") from exc
                tokenizer = tokenizers.Tokenizer.from_file(str(self._folder.tokenizer))
                tokenizer.enable_truncation(self._folder.most_tokens)
                tokenizer.no_padding()
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self._threads or 0
                options.add_session_config_entry("session.intra_op.allow_spinning", "0")
                network = str(self._folder.network)
                session = onnxruntime.InferenceSession(
                    network, options, providers=["CPUExecutionProvider"]
                )
                self._loaded = tokenizer, session
            return self._loaded


def _pooled(tokens: Floats, mask: Floats, pooling: Pooling) -> Floats:
    """Make one vector of those of each text's tokens; the shape is (texts, tokens, dims)."""
    match pooling:
        case "cls":
            return tokens[:, 0]
        case "lasttoken":
            return tokens[np.arange(len(tokens)), mask.sum(axis=1).astype(np.int64) - 1]
        case "mean":
            weights = mask[:, :, None]
            return (tokens * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
